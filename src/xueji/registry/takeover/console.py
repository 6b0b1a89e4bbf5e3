"""The console's door for an operator who loads a running register: the same commands as the pages, the results as plain data."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.policy.statuses import BY_WORD, Status
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.read import open_sheet
from xueji.ground.sheets.write import write_csv
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.intake import queries as intake

from . import balance, commands, queries
from .commands.bring import LIMITS
from .errors import TakeoverError
from .layout import name_of
from .models import Decision, DifferenceKind, Takeover

#: Rows and differences of one answer.
MOST = 2_000
FORM = ("学段", "入学年份", "学籍状态", "性别", "名册人数", "官方人数")
_SEX_OF = {v: k for k, v in SEX_WORDS.items()}


def state(found: Takeover) -> dict[str, Any]:
    """What a takeover has come to: state, counts, columns that nobody understands yet, rows that are no pupils."""
    missing = [
        str(name_of(key)) for s in ("roster", "moves") for key in found.mapping.get(s, {}).get("missing", [])
    ]
    names = ("total", "new", "error", "here", "elsewhere", "done", "left", "warnings", "moves", "moves_lost")
    return {
        "takeover": found.pk,
        "state": found.state,
        "state_label": str(found.get_state_display()),
        "as_of": found.as_of.isoformat(),
        "file": found.roster_name,
        "sha256": found.roster_sha256,
        "missing_columns": missing,
        "left_out": found.counts.get("left_out", []),
        "counts": {k: found.counts.get(k, 0) for k in names},
        "published": found.published,
    }


def check(actor: Any, takeover_id: int) -> dict[str, Any]:
    """The state, and every row that is at fault or has something to tell; masked. Raises Http404."""
    found = queries.takeover(actor, takeover_id)
    school = intake.school_facts(found.school_id)
    out: list[dict[str, Any]] = []
    for wanted in ("error", "warned"):
        after = 0
        while len(out) < MOST:
            rows = queries.rows(found, school, wanted, after=after)
            for row in rows[: queries.PAGE]:
                out += [
                    {
                        "row": row.row_no, "name": row.name, "state": row.state_label,
                        "column": i.get("column", ""), "message": i["message"],
                    }
                    for i in row.issues
                ]  # fmt: skip
            if len(rows) <= queries.PAGE:
                break
            after = rows[queries.PAGE - 1].row_no
    out += [
        {
            "row": m["row"],
            "name": m["name"],
            "state": str(_("异动记录")),
            "column": "",
            "message": m["message"],
        }
        for m in found.counts.get("moves_faulty", [])
    ]
    _looked(actor, found, "check", len(out))
    return state(found) | {"faults": out[:MOST], "differences": _open(found)}


def sums(actor: Any, takeover_id: int) -> dict[str, Any]:
    """The totals of the other system beside the rows, per grade, state and sex. Raises Http404."""
    found = queries.takeover(actor, takeover_id)
    lines = queries.sums(found, intake.school_facts(found.school_id))
    _looked(actor, found, "balance", len(lines))
    return state(found) | {
        "balanced": balance.balanced(lines, found.totals),
        "explanation": found.explanation,
        "signed_by": found.signed_name,
        "lines": [
            {
                "label": line.label, "status": line.status_label, "sex": cell["sex"], "rows": cell["rows"],
                "total": cell["total"], "off": cell["off"], "names": line.names,
            }
            for line in lines
            for cell in line.cells
        ],
    }  # fmt: skip


def form(actor: Any, takeover_id: int) -> bytes:
    """A CSV with a line for each count, in which the totals of the other system are filled. Raises Http404."""
    found = queries.takeover(actor, takeover_id)
    lines = queries.sums(found, intake.school_facts(found.school_id))
    return write_csv(
        FORM,
        [
            (line.stage, line.cohort, Status(line.status).code_label, SEX_WORDS[sex], line.rows[sex], "")
            for line in lines
            for sex in balance.SEXES
        ],
    )


def totals(actor: Any, takeover_id: int, data: bytes, filename: str) -> dict[str, Any]:
    """Take the totals of a filled form in. Raises Http404; `TakeoverError` for a line that cannot be read."""
    posted: dict[str, str] = {}
    try:
        reader = open_sheet(data, filename, limits=LIMITS)
        header = reader.find_header(FORM, required=FORM)
        if header.missing:
            raise TakeoverError(_("人数表缺少列: %s") % "、".join(header.missing))
        for number, cells in reader.records(header):
            stage, cohort, word, sex, _rows, total = (str(cells[name]).strip() for name in FORM)
            if word not in BY_WORD or sex not in _SEX_OF or not cohort.isdecimal() or not total.isdecimal():
                raise TakeoverError(
                    _("人数表第 %s 行看不懂: 学籍状态、性别、入学年份、官方人数都要填写") % number
                )
            posted[f"t-{stage}-{int(cohort)}-{int(BY_WORD[word])}-{_SEX_OF[sex]}"] = total
    except SheetError as error:
        raise TakeoverError(str(error)) from error
    if not posted:
        raise TakeoverError(_("人数表里没有人数"))
    commands.set_totals(actor, takeover_id, posted)
    return sums(actor, takeover_id)


def differences(actor: Any, takeover_id: int, *, every: bool = False) -> dict[str, Any]:
    """What the export and the record differ in: open ones, or `every` one with its decision; masked. Raises Http404."""
    found = queries.takeover(actor, takeover_id)
    rows: list[Any] = []
    after = 0
    while len(rows) < MOST:
        page = queries.differences(found, decision="" if every else "open", after=after)
        rows += page[: queries.PAGE]
        if len(page) <= queries.PAGE:
            break
        after = page[queries.PAGE - 1].pk
    _looked(actor, found, "differences", len(rows), sorted({r.person_id for r in rows if r.person_id}))
    return state(found) | {
        "open": _open(found),
        "differences": [
            {
                "kind": str(DifferenceKind(r.kind).label), "name": r.name, "place": r.place, "what": queries.what(r),
                "here": r.here, "there": r.there, "decision": str(Decision(r.decision).label), "reason": r.reason,
                "decided_by": r.decided_name,
            }
            for r in rows
        ],
    }  # fmt: skip


def _open(found: Takeover) -> int:
    return sum(n for (_kind, is_open), n in queries.tally(found).items() if is_open)


def _looked(actor: Any, found: Takeover, what: str, rows: int, persons: Any = None) -> None:
    """Names leave to a terminal: in the audit, as a page would be."""
    record(
        actor,
        "takeover.look",
        object_type="takeover",
        object_id=found.pk,
        after={"what": what},
        row_count=rows,
        persons=persons or None,
    )
