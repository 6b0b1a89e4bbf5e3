"""Write ``standards/workdays_cn.csv`` from the development package ``chinesecalendar``.

Run once a year, after the notice of the State Council is in the package:
``python tools/make_workdays.py``. Nothing uses that package at run time.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from chinese_calendar import Holiday
from chinese_calendar.constants import holidays, workdays

FIRST_YEAR = 2019
TARGET = Path(__file__).resolve().parent.parent / "standards" / "workdays_cn.csv"
NAMES = {holiday.value: holiday.chinese for holiday in Holiday}


def rows() -> list[tuple[str, str, str]]:
    """Every official day off and every make-up working day since FIRST_YEAR: (day, kind, name)."""
    found: list[tuple[date, str, str]] = []
    for kind, table in (("off", holidays), ("work", workdays)):
        found += [(day, kind, NAMES[name]) for day, name in table.items() if day.year >= FIRST_YEAR]
    return [(day.isoformat(), kind, name) for day, kind, name in sorted(found)]


def main() -> None:
    """Write the table."""
    with TARGET.open("w", encoding="utf-8", newline="") as handle:
        handle.write(
            "# Days off and make-up working days of the yearly notices of the State Council (国务院办公厅).\n"
        )
        handle.write(
            "# Produced by tools/make_workdays.py from chinesecalendar (MIT). off: day off, work: made up.\n"
        )
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("day", "kind", "name"))
        writer.writerows(rows())


if __name__ == "__main__":
    main()
