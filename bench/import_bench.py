"""From a sheet to records: read, check, duplicates, vault, publication with events and audit, against the floor.

The floor is what nobody can do without, measured in the same run on the same file: python-calamine's `to_python` of
the sheet, and a text COPY of its cells into an unlogged table.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from bench import server

TEXT = "导入: 从表格到学籍(读取、检查、查重、加密、发布、事件与审计)与基准的比值"
GOAL = 2.5
#: What a row of a very long list may cost against one of LIST_BESIDE rows.
GOAL_MANY = 1.15
LIST_BESIDE = 100_000
#: From this number of rows on the list is a zipped CSV: no sheet holds as many.
MANY = 200_000
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
    if rows >= MANY:
        return _many(rows, people)
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


def _many(rows: int, people: int, beside: int = LIST_BESIDE) -> dict[str, Any]:
    """A very long list against one of `beside` rows, both as zipped CSV into a register of the same size."""
    with server.folder() as data:
        figures = json.loads(
            server.call("bench.import_bench", data, "many", str(rows), str(people), str(beside))
        )
    ratio = round(figures["row_us"] / figures["beside"]["row_us"], 2)
    return {
        "name": "import",
        "ratio": ratio,
        "goal": GOAL_MANY,
        "met": ratio <= GOAL_MANY and figures["peak_mib"] <= MEMORY_GOAL,
        "figures": figures,
    }


# --- in a process of its own ---------------------------------------------------------------------------------


def _sheet(path: Path, rows: int, code: str, *, start: int = 0) -> None:
    """One faulty row in two hundred, one duplicate of a recorded child in SEED_DUPLICATES; a zipped CSV where the name
    says so.
    """
    from bench import sheets
    from xueji.ground.standards.fields import field

    def faulty() -> Any:
        phone, sex, number = field("phone").index, field("sex").index, field("id_number").index
        for i, row in enumerate(sheets.rows(rows, code, start=start, class_size=CLASS_SIZE, stages=STAGES)):
            if i % 200 == 7:
                at = (phone, sex, number)[i // 200 % 3]
                row[at] = {phone: "1390000", sex: "不详", number: row[number][:-1] + "7"}[at]
            yield row

    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
            with package.open("list.csv", "w", force_zip64=True) as member:
                lines = csv.writer(io.TextIOWrapper(member, encoding="utf-8", newline="", write_through=True))
                lines.writerow(sheets.header())
                lines.writerows(faulty())
    else:
        path.write_bytes(sheets.workbook(sheets.header(), faulty()))


def _floor(path: Path, dsn: dict[str, Any]) -> dict[str, float]:
    import psycopg
    import python_calamine

    began, spent = time.perf_counter(), time.process_time()
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
        cpu = time.process_time() - spent + _server_cpu(connection.info.backend_pid)
        connection.execute("drop table bench_floor")
    return {"floor_read_s": read - began, "floor_copy_s": done - read, "floor_cpu_s": cpu}


def _server_cpu(pid: int, *, ended: bool = False) -> float:
    """CPU seconds of the database's process that serves a connection, with those that have `ended` before; 0 where the
    system does not tell.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        above = Path(f"/proc/{fields[1]}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    ticks = int(fields[11]) + int(fields[12]) + ended * (int(above[13]) + int(above[14]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu() -> dict[str, float]:
    """CPU seconds so far: this process, its children that have ended, its connection's server process and those of the
    server that have ended (of the second connection that publishes, say).
    """
    from django.db import connection

    connection.ensure_connection()
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "own": own.ru_utime + own.ru_stime,
        "reader": children.ru_utime + children.ru_stime,
        "server": _server_cpu(connection.connection.info.backend_pid, ended=True),
    }


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
    mean = {k: round((floor[k] + again[k]) / 2, 2) for k in floor}
    floor_s = mean["floor_read_s"] + mean["floor_copy_s"]
    figures |= mean
    figures["cpu_ratio"] = round(figures["cpu_s"] / mean["floor_cpu_s"], 2)
    figures |= {"floor_s": round(floor_s, 2), "people": people, "load_people_s": round(loaded, 1)}
    figures["sheet_mib"] = round(path.stat().st_size / 2**20, 1)
    figures["planted_duplicates"] = min(len(planted), people)
    return figures


def _many_all(rows: int, people: int, beside: int) -> dict[str, Any]:
    from xueji import config

    data = config.data_dir()
    with server.installation() as cluster:
        ids = server.county(STAGES)
        with cluster.connect(config.DB_NAME) as c:
            # A place whose rules give no auxiliary number: its four digits would not do for so many in one school.
            c.execute("update org set division = '980101' where id = %s", [ids["school"]])
        _load_people(cluster, ids, people, _duplicates(beside))
        found = []
        # The short list brings other children than the long one.
        for n, (count, start) in enumerate(((beside, rows), (rows, 0))):
            path = data / f"list{n}.zip"
            server.call("bench.import_bench", data, "sheet", str(path), str(count), "2199000004", str(start))
            found.append(
                json.loads(server.call("bench.import_bench", data, "import", str(path), json.dumps(ids)))
            )
            found[-1]["row_us"] = round(found[-1]["total_s"] / count * 1e6, 1)
            found[-1]["file_mib"] = round(path.stat().st_size / 2**20, 1)
    return found[1] | {"beside": found[0], "people": people}


def _import(path: Path, ids: dict[str, int]) -> dict[str, Any]:
    """As web and worker do it: upload, check in the background, publish. The only process besides is the reader."""
    import django

    django.setup()
    from django.db import transaction

    from xueji.ground.accounts.actor import enter
    from xueji.ground.crypto import vault
    from xueji.ground.db.scope import acting
    from xueji.ground.standards import divisions
    from xueji.registry.intake import commands
    from xueji.registry.intake.models import BatchState, ImportBatch

    divisions.use_demo(True)
    vault.ready()
    began, spent = time.perf_counter(), _cpu()
    content = path.read_bytes()
    with transaction.atomic():
        actor = enter(ids["user"], ids["assignment"])
        batch = commands.upload(actor, content, path.name, inline=False)
    del content
    uploaded = time.perf_counter()
    commands.run_check(batch.id)
    checked, after_check = time.perf_counter(), _cpu()
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk=batch.id).update(state=BatchState.PUBLISHING)
    commands.publish_for(batch.id, ids["user"], ids["assignment"], "127.0.0.1")
    done, end = time.perf_counter(), _cpu()
    with transaction.atomic():
        enter(ids["user"], ids["assignment"])
        published = ImportBatch.objects.get(pk=batch.id)
    counts = published.counts
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "total_s": round(done - began, 2),
        "upload_s": round(uploaded - began, 2),
        "check_s": round(checked - uploaded, 2),
        "publish_s": round(done - checked, 2),
        "cpu_s": round(sum(end.values()) - sum(spent.values()), 2),
        "cpu_check_s": {k: round(after_check[k] - spent[k], 2) for k in spent},
        "cpu_publish_s": {k: round(end[k] - after_check[k], 2) for k in spent},
        "peak_mib": round(own + child),
        "rows": counts["total"],
        "published": counts["published"],
        "errors": counts["error"],
        "duplicates": counts["duplicate"],
    }


def _main(argv: list[str]) -> None:
    if argv[0] == "all":
        print(json.dumps(_all(int(argv[1]), int(argv[2]))))
    elif argv[0] == "many":
        print(json.dumps(_many_all(int(argv[1]), int(argv[2]), int(argv[3]))))
    elif argv[0] == "sheet":
        import django

        django.setup()
        _sheet(Path(argv[1]), int(argv[2]), argv[3], start=int(argv[4]) if len(argv) > 4 else 0)
    elif argv[0] == "import":
        print(json.dumps(_import(Path(argv[1]), json.loads(argv[2]))))
    elif argv[0] == "floor":
        from xueji import config

        print(json.dumps(_floor(Path(argv[1]), config.owner_dsn().kwargs())))


if __name__ == "__main__":
    _main(sys.argv[1:])
