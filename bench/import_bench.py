"""From a sheet to records: read, check, duplicates, vault, publication with events and audit, against the floor.

The floor is what nobody can do without, measured in the same run on the same file: python-calamine's `to_python` of
the sheet, and a text COPY of its cells into an unlogged table.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bench import server

TEXT = "导入: 从表格到学籍(读取、检查、查重、加密、发布、事件与审计)与基准的比值"
GOAL = 2.5
MEMORY_GOAL = 1024
SIZES = {"small": (2_000, 5_000), "full": (100_000, 1_000_000)}
SEED_DUPLICATES = 500
#: A whole county in one school, so that one batch holds it: three stages, 99 classes a cohort at most.
CLASS_SIZE = 85
STAGES = "PJS"


def run(*, size: str = "small", rows: int | None = None, people: int | None = None) -> dict[str, Any]:
    """The whole bench in processes of its own. `met` holds the goal and the memory against what was reached.

    Small sizes measure mostly what is paid once; their goal is only said for the full size.
    """
    default_rows, default_people = SIZES[size]
    rows, people = rows or default_rows, people if people is not None else default_people
    with server.folder() as data:
        figures = json.loads(server.call("bench.import_bench", data, "all", str(rows), str(people)))
    ratio = round(figures["total_s"] / figures["floor_s"], 2)
    return {
        "name": "import",
        "ratio": ratio,
        "goal": GOAL,
        "met": ratio <= GOAL and figures["peak_mib"] <= MEMORY_GOAL,
        "figures": figures,
    }


# --- in a process of its own ---------------------------------------------------------------------------------


def _sheet(path: Path, rows: int, code: str) -> None:
    """One faulty row in two hundred, one duplicate of a recorded child in SEED_DUPLICATES."""
    from bench import sheets
    from xueji.ground.standards.fields import field

    def faulty() -> Any:
        phone, sex, number = field("phone").index, field("sex").index, field("id_number").index
        for i, row in enumerate(sheets.rows(rows, code, class_size=CLASS_SIZE, stages=STAGES)):
            if i % 200 == 7:
                at = (phone, sex, number)[i // 200 % 3]
                row[at] = {phone: "1390000", sex: "不详", number: row[number][:-1] + "7"}[at]
            yield row

    path.write_bytes(sheets.workbook(sheets.header(), faulty()))


def _floor(path: Path, dsn: dict[str, Any]) -> dict[str, float]:
    import psycopg
    import python_calamine

    began = time.perf_counter()
    table = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    read = time.perf_counter()
    width = len(table[0])
    with psycopg.connect(**dsn) as connection:
        connection.execute(
            f"create unlogged table bench_floor ({', '.join(f'c{n} text' for n in range(width))})"
        )
        with connection.cursor().copy("copy bench_floor from stdin") as copy:
            for row in table:
                copy.write_row(row)
        connection.commit()
        done = time.perf_counter()
        connection.execute("drop table bench_floor")
    return {"floor_read_s": read - began, "floor_copy_s": done - read}


def _load_people(cluster: Any, ids: dict[str, int], people: int, duplicates: list[tuple[str, bytes]]) -> None:
    """The register that the sheet is checked against, a few of the sheet's own children in it."""
    from bench import sheets
    from xueji import config

    script = (Path(__file__).parent / "people.sql").read_text(encoding="utf-8")
    values = {"n": people, "county": ids["b"], "school": ids["other"]}
    for key, value in {"surnames": sheets.SURNAMES, "given": sheets.GIVEN}.items():
        script = script.replace(f":'{key}'", f"'{value}'")
    script = re.sub(r"(?<!:):(n|county|school)\b", lambda m: str(values[m[1]]), script)
    with cluster.connect(config.DB_NAME) as c:
        c.execute(script)
        if people:
            c.cursor().executemany(
                "update identity_lookup set bidx = %s where id_type = '1' and bidx = sha256(('id' || %s::text)::bytea)",
                [(bidx, str(n)) for n, (_kind, bidx) in enumerate(duplicates[:people], start=1)],
            )
        c.execute("vacuum analyze")
        c.execute("checkpoint")


def _duplicates(rows: int) -> list[tuple[str, bytes]]:
    from bench import sheets
    from xueji.ground.crypto import vault

    return [
        ("1", vault.index("id:1", sheets.child(i, "990101", stages=STAGES)[-1]))
        for i in range(3, rows, SEED_DUPLICATES)
        if i % 200 != 7
    ]


def _all(rows: int, people: int) -> dict[str, Any]:
    from xueji import config

    data = config.data_dir()
    with server.installation() as cluster:
        ids = server.county(STAGES)
        path = data / "sheet.xlsx"
        server.call("bench.import_bench", data, "sheet", str(path), str(rows), "2199000004")
        planted = _duplicates(rows)
        began = time.perf_counter()
        _load_people(cluster, ids, people, planted)
        loaded = time.perf_counter() - began
        floor = json.loads(server.call("bench.import_bench", data, "floor", str(path)))
        figures = json.loads(server.call("bench.import_bench", data, "import", str(path), json.dumps(ids)))
        again = json.loads(server.call("bench.import_bench", data, "floor", str(path)))
    # The floor runs before and after: a machine that grew slower or faster in between counts half.
    floor_s = sum(floor.values()) / 2 + sum(again.values()) / 2
    figures |= {k: round((floor[k] + again[k]) / 2, 2) for k in floor}
    figures |= {"floor_s": round(floor_s, 2), "people": people, "load_people_s": round(loaded, 1)}
    figures["sheet_mib"] = round(path.stat().st_size / 2**20, 1)
    figures["planted_duplicates"] = min(len(planted), people)
    return figures


def _import(path: Path, ids: dict[str, int]) -> dict[str, Any]:
    """As web and worker do it: upload, check in the background, publish. The only process besides is the reader."""
    import django

    django.setup()
    from django.db import transaction

    from xueji.ground.accounts.actor import enter
    from xueji.ground.crypto import vault
    from xueji.ground.standards import divisions
    from xueji.registry.intake import commands
    from xueji.registry.intake.models import ImportBatch

    divisions.use_demo(True)
    vault.ready()
    began = time.perf_counter()
    content = path.read_bytes()
    with transaction.atomic():
        actor = enter(ids["user"], ids["assignment"])
        batch = commands.upload(actor, content, "sheet.xlsx", inline=False)
    del content
    uploaded = time.perf_counter()
    commands.run_check(batch.id)
    checked = time.perf_counter()
    with transaction.atomic():
        actor = enter(ids["user"], ids["assignment"])
        result = commands.publish(actor, batch.id)
    done = time.perf_counter()
    with transaction.atomic():
        enter(ids["user"], ids["assignment"])
        counts = ImportBatch.objects.get(pk=batch.id).counts
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "total_s": round(done - began, 2),
        "upload_s": round(uploaded - began, 2),
        "check_s": round(checked - uploaded, 2),
        "publish_s": round(done - checked, 2),
        "peak_mib": round(own + child),
        "rows": counts["total"],
        "published": result.published,
        "errors": counts["error"],
        "duplicates": counts["duplicate"],
    }


def _main(argv: list[str]) -> None:
    if argv[0] == "all":
        print(json.dumps(_all(int(argv[1]), int(argv[2]))))
    elif argv[0] == "sheet":
        import django

        django.setup()
        _sheet(Path(argv[1]), int(argv[2]), argv[3])
    elif argv[0] == "import":
        print(json.dumps(_import(Path(argv[1]), json.loads(argv[2]))))
    elif argv[0] == "floor":
        from xueji import config

        print(json.dumps(_floor(Path(argv[1]), config.owner_dsn().kwargs())))


if __name__ == "__main__":
    _main(sys.argv[1:])
