"""An installation to be killed: a process that forks one short-lived process for each order, in a database of its own.

Run as a module of its own, never imported by a test: orders come as lines of JSON on standard input, the number of each
forked process and the way in which it ended go to standard output, results into files.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from bench import server, sheets  # noqa: E402
from xueji import config  # noqa: E402
from xueji.ground.accounts.actor import enter  # noqa: E402
from xueji.ground.db.scope import acting  # noqa: E402
from xueji.ground.standards import divisions  # noqa: E402
from xueji.registry.intake import commands  # noqa: E402
from xueji.registry.intake.models import BatchState, ImportBatch  # noqa: E402

SCHOOL = "2199000004"


def bring(ids: dict[str, int], start: int, rows: int) -> int:
    """Upload a sheet of children whom nobody else brings; the worker is to check it."""
    book = sheets.workbook(sheets.header(), list(sheets.rows(rows, SCHOOL, start=start)))
    with transaction.atomic():
        actor = enter(ids["user"], ids["assignment"])
        return int(commands.upload(actor, book, f"{start}.xlsx", inline=False).pk)


def work(ids: dict[str, int], batch_id: int, two: bool, in_parts: bool = False) -> None:
    """What the worker and a registrar in a hurry do with a batch, from wherever it stands; in parts, a cohort each, as it
    does with big ones.
    """
    _check(batch_id, two)
    with transaction.atomic(), acting("intake"):
        ImportBatch.objects.filter(pk=batch_id, state=BatchState.CHECKED).update(state=BatchState.PUBLISHING)
    parts: dict[str, int] = {"parts_from": 2, "part_rows": 1} if in_parts else {}
    commands.publish_for(batch_id, ids["user"], ids["assignment"], "127.0.0.1", **parts)


def go_on(ids: dict[str, int], batch_id: int) -> None:
    """After the restart: the clock's duty, the jobs that were held by the dead, and the button pressed once more."""
    commands.resume_lost()
    work(ids, batch_id, two=False)


def _check(batch_id: int, two: bool) -> None:
    commands.run_check(batch_id, big=0 if two else 1 << 30)


def state(batch_id: int) -> dict[str, Any]:
    """What there is of a batch, as the owner sees it."""
    import psycopg

    with psycopg.connect(**config.owner_dsn().kwargs()) as c:  # type: ignore[arg-type]
        row = c.execute("select state, problem from import_batch where id = %s", [batch_id]).fetchone()
        events = c.execute("select count(*) from event where batch_id = %s", [batch_id]).fetchone()
        cohorts = c.execute(
            "select s.cohort_year, count(*) from event e join enrolment_state s on s.person_id = e.person_id"
            " where e.batch_id = %s group by 1 order by 1",
            [batch_id],
        ).fetchall()
    assert row is not None
    assert events is not None
    return {"state": row[0], "problem": row[1], "events": events[0], "cohorts": dict(cohorts)}


def audit(_ids: dict[str, int]) -> dict[str, Any]:
    """Every invariant, and the numbers counted: none lost, none given twice."""
    import psycopg

    from xueji.web.cli import verify

    counts = {
        "people": "select count(*) from person",
        "twice": "select count(*) from (select 1 from event group by batch_id, detail ->> 'row' having count(*) > 1) x",
        "national": "select count(distinct bidx) from number_lookup where scheme = 'national'",
        "auxiliary": "select count(distinct bidx) from number_lookup where scheme <> 'national'",
        "counted": "select coalesce(sum(last), 0) from number_counter where scheme <> 'national'",
        "numbers": "select count(*) from student_number",
        "staged": "select count(*) from staged_row",
    }
    with psycopg.connect(**config.owner_dsn().kwargs()) as c:  # type: ignore[arg-type]
        found: dict[str, Any] = {}
        for name, query in counts.items():
            row = c.execute(query).fetchone()
            assert row is not None
            found[name] = int(row[0])
    found["problems"] = [str(p) for p in verify.run(deep=True)]
    return found


def _forked(ids: dict[str, int], order: dict[str, Any], result: Path) -> None:
    divisions.use_demo(True)
    do = order["do"]
    began = time.monotonic()
    out: Any = None
    if do == "bring":
        out = bring(ids, order["start"], order["rows"])
    elif do == "work":
        work(ids, order["batch"], order["two"], order["in_parts"])
    elif do == "go_on":
        go_on(ids, order["batch"])
    elif do == "state":
        out = state(order["batch"])
    elif do == "audit":
        out = audit(ids)
    result.write_text(json.dumps({"out": out, "seconds": time.monotonic() - began}))


def _serve(ids: dict[str, int]) -> None:
    connection.close()
    say = sys.stdout
    for line in sys.stdin:
        order = json.loads(line)
        result = config.data_dir() / "result.json"
        result.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            try:
                _forked(ids, order, result)
                os._exit(0)
            except BaseException as error:
                (config.data_dir() / "error.txt").write_text(f"{type(error).__name__}: {error}")
                os._exit(1)
        print(json.dumps({"pid": pid}), file=say, flush=True)
        _pid, status = os.waitpid(pid, 0)
        print(json.dumps({"status": status}), file=say, flush=True)


if __name__ == "__main__":
    with server.installation():
        made = server.county("P")
        print(json.dumps({"ready": True}), flush=True)
        _serve(made)
