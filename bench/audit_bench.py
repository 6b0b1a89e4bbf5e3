"""What the audit costs: a bulk publication with and without it, and a page with its queued look, paired in one run.

Batches of the same size are published one after the other on one installation, with the audit and without it in turn
(ABBA), so that a machine that grows slower counts on both sides. With: the digest over all rows, the entry, and the
sealing by the worker afterwards. Without: the same code with those three left out.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any
from unittest import mock

from bench import server

TEXT = "日志: 批量发布时有日志与没有日志的比值, 以及打开一页的代价"
GOAL = 1.3
#: rows of all batches together; batches; looks at a page
SIZES = {"small": (10_000, 4, 100), "full": (100_000, 4, 400)}
STAGES = "PJS"


def run(*, size: str = "small", rows: int | None = None) -> dict[str, Any]:
    """The whole bench in processes of its own."""
    default, batches, looks = SIZES[size]
    with server.folder() as data:
        said = server.call("bench.audit_bench", data, str(rows or default), str(batches), str(looks))
    figures = json.loads(said)
    ratio = round(figures["with_s"] / figures["without_s"], 3)
    return {
        "name": "audit",
        "ratio": ratio,
        "goal": GOAL,
        "met": ratio <= GOAL,
        "figures": figures,
    }


# --- in a process of its own ---------------------------------------------------------------------------------


def _all(rows: int, batches: int, looks: int) -> dict[str, Any]:
    import gc

    from bench import sheets
    from xueji import config

    with server.installation():
        ids = server.county(STAGES)
        each = rows // batches
        figures: dict[str, Any] = {
            "rows": rows,
            "batches": batches,
            "with_s": 0.0,
            "without_s": 0.0,
            "seal_s": 0.0,
        }
        _publish(ids, _sheet(sheets, 500, 0), audited=True)  # what is paid once
        for n in range(batches):
            audited = n % 4 in (0, 3)
            content = _sheet(sheets, each, 500 + n * each)
            gc.collect()
            spent, sealed = _publish(ids, content, audited=audited)
            figures["with_s" if audited else "without_s"] += spent + sealed
            figures["seal_s"] += sealed
        figures |= _looks(ids, looks)
        figures["data_dir_mib"] = round(
            sum(f.stat().st_size for f in (config.data_dir() / "pg").rglob("*") if f.is_file()) / 2**20
        )
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}


def _sheet(sheets: Any, count: int, start: int) -> bytes:
    body = sheets.rows(count, "2199000004", start=start, class_size=85, stages=STAGES)
    return bytes(sheets.workbook(sheets.header(), body))


def _publish(ids: dict[str, int], content: bytes, *, audited: bool) -> tuple[float, float]:
    """Seconds of a publication (upload and check are not counted), and of the sealing after it."""
    from contextlib import ExitStack

    from django.db import transaction

    from xueji.ground.accounts.actor import enter
    from xueji.ground.audit import sealing
    from xueji.registry.intake import commands, publishing
    from xueji.registry.intake.commands import release

    with transaction.atomic():
        actor = enter(ids["user"], ids["assignment"])
        batch = commands.upload(actor, content, "sheet.xlsx", inline=False)
    commands.run_check(batch.id)
    sealing.duty_alone()
    with ExitStack() as stack:
        if not audited:
            stack.enter_context(mock.patch.object(publishing, "_digest", return_value=b""))
            stack.enter_context(mock.patch.object(release, "record"))
        began = time.perf_counter()
        with transaction.atomic():
            actor = enter(ids["user"], ids["assignment"])
            commands.publish(actor, batch.id)
        done = time.perf_counter()
    if audited:
        sealing.duty_alone()
    return done - began, time.perf_counter() - done if audited else 0.0


def _looks(ids: dict[str, int], count: int) -> dict[str, float]:
    """Median milliseconds of a child's page without an entry, with a queued one, and with one committed at once."""
    from django.db import connection, transaction

    from xueji.ground.accounts.actor import enter
    from xueji.ground.audit import commands as audit
    from xueji.registry.enrolment import page

    with transaction.atomic():
        actor = enter(ids["user"], ids["assignment"])
        with connection.cursor() as c:
            c.execute("select person_id from roster order by person_id limit 50")
            people = [r[0] for r in c.fetchall()]
    spent: dict[str, list[float]] = {"bare": [], "queued": [], "committed": []}
    for n in range(count * 3):
        how = ("bare", "queued", "committed")[n % 3]
        person = people[n // 3 % len(people)]
        began = time.perf_counter()
        with transaction.atomic():
            actor = enter(ids["user"], ids["assignment"])
            page.build(actor, person, tab="")
            if how == "queued":
                audit.note(actor, "people.view", object_type="person", object_id=person, person_id=person)
            elif how == "committed":
                audit.record(actor, "people.view", object_type="person", object_id=person, person_id=person)
        spent[how].append((time.perf_counter() - began) * 1000)
    return {f"page_{how}_ms": statistics.median(values) for how, values in spent.items()}


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_all(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
    sys.stdout.flush()
