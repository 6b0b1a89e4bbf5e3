"""The staging table: loading by COPY, finding duplicates, counting. Every function runs in the role `intake`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.orgs.grades import class_label
from xueji.ground.standards.masking import mask_name

from .columns import row_name
from .wire import COLUMNS, HEAD
from .wire import encode as encode

DUPLICATE = "dup."


def load(block: bytes) -> None:
    """COPY encoded rows into staging."""
    names = ", ".join((*HEAD, *COLUMNS))
    with connection.cursor() as c, c.copy(f"copy staged_row ({names}) from stdin (format binary)") as copy:
        copy.write(block)


def no_waiting() -> None:
    """This transaction is over as soon as it is decided; only for what a crash may take back."""
    with connection.cursor() as c:
        c.execute("set local synchronous_commit = off")


def analyze() -> None:
    """Fresh statistics: joins of a big batch must not be planned as if it had five rows."""
    with connection.cursor() as c:
        c.execute("select xueji_analyze_staging()")


def drop(batch_id: int, rows: Sequence[int] | None = None) -> None:
    """Remove a batch's rows, or these of them."""
    with connection.cursor() as c:
        if rows is None:
            c.execute("delete from staged_row where batch_id = %s", [batch_id])
        else:
            c.execute(
                "delete from staged_row where batch_id = %s and row_no = any(%s)", [batch_id, list(rows)]
            )


def any_left(batch_id: int) -> bool:
    """Whether rows of the batch are in staging; none are after a crash of the database."""
    with connection.cursor() as c:
        c.execute("select exists (select 1 from staged_row where batch_id = %s)", [batch_id])
        return bool(c.fetchone()[0])


def good(batch_id: int) -> int:
    """How many rows of the batch may be published."""
    with connection.cursor() as c:
        c.execute(
            "select count(*) from staged_row where batch_id = %s and state in ('ok', 'warning')", [batch_id]
        )
        return int(c.fetchone()[0])


def forget_published(batch_id: int) -> None:
    """Remove the rows that this batch has put on record before: their events name them."""
    with connection.cursor() as c:
        c.execute(
            "delete from staged_row s using event e where s.batch_id = %s and e.batch_id = s.batch_id"
            " and e.business = 'enrol' and (e.detail ->> 'row')::int = s.row_no",
            [batch_id],
        )


@dataclass(frozen=True)
class Hit:
    """A row that meets another: in the same sheet (`other_row`) or a person who is on record already."""

    row_no: int
    kind: str
    other_row: int | None = None
    person_id: str = ""
    school_id: int | None = None
    school_name: str = ""
    status: int = 0
    name: str = ""
    stage: str = ""
    cohort_year: int = 0
    class_number: int | None = None
    system: str = ""


_IN_SHEET = """
select s.row_no, 'identity', t.row_no from staged_row s
  join (select id_type, id_bidx, array_agg(row_no order by row_no) rows from staged_row
         where batch_id = %(batch)s and id_bidx is not null group by id_type, id_bidx having count(*) > 1) g
    on g.id_type = s.id_type and g.id_bidx = s.id_bidx
  cross join lateral (select r row_no from unnest(g.rows) r where r <> s.row_no limit 1) t
 where s.batch_id = %(batch)s
union all
select s.row_no, 'person', t.row_no from staged_row s
  join (select name, sex, birth_date, array_agg(row_no order by row_no) rows from staged_row
         where batch_id = %(batch)s and name is not null and birth_date is not null
         group by name, sex, birth_date having count(*) > 1 and bool_or(id_bidx is null)) g
    on g.name = s.name and g.sex = s.sex and g.birth_date = s.birth_date
  cross join lateral (select r row_no from unnest(g.rows) r where r <> s.row_no limit 1) t
 where s.batch_id = %(batch)s
"""


def on_record(alias: str) -> str:
    """SQL: the person is a child on record. One whose enrolment was taken back or struck off (注销) is nobody's double.

    Asked of each person found, never of the whole register (`offset 0`).
    """
    return (
        f"not exists (select 1 from enrolment_state u where u.person_id = {alias}.person_id and u.kind = 1"
        " and u.valid_to is null and u.status = 18 offset 0)"
    )


# Everything on record is looked up by its key, a row of the batch at a time and in the order of the index. The planner
# takes every row for a hit, and would read all people of the register (or walk its index) for a batch: what is asked
# must cost what the batch has rows, however big the register is. `offset 0` keeps it to that.
_ON_RECORD = f"""
with hits as (
  select s.row_no, 'identity' kind, l.person_id
    from (select row_no, id_type, id_bidx from staged_row where batch_id = %(batch)s and state <> 'published'
             and id_bidx is not null order by id_type, id_bidx) s
   cross join lateral (select x.person_id from identity_lookup x
                        where x.id_type = s.id_type and x.bidx = s.id_bidx offset 0) l
  union all
  select s.row_no, case when s.bare then 'person' else 'namesake' end, p.person_id
    from (select row_no, name, birth_date, sex, id_bidx is null as bare from staged_row
           where batch_id = %(batch)s and state <> 'published' order by name, birth_date) s
   cross join lateral (select x.person_id from person x where x.name = s.name and x.birth_date = s.birth_date
                          and x.sex = s.sex and x.merged_into is null offset 0) p
   where (s.bare or not exists (select 1 from identity_document d where d.person_id = p.person_id))
     and {on_record("p")}
)
select distinct on (h.row_no, h.kind) h.row_no, h.kind, h.person_id, e.school_id, o.name, e.status, p.name, e.stage,
       e.cohort_year, k.number, sc.system
  from hits h
  cross join lateral (select name from person x where x.person_id = h.person_id offset 0) p
  left join lateral (select * from enrolment_state x where x.person_id = h.person_id and x.kind = 1
                       and x.valid_to is null offset 0) e on true
  left join org o on o.id = e.school_id
  left join school sc on sc.org_id = e.school_id
  left join school_class k on k.id = e.class_id
 order by h.row_no, h.kind, h.person_id
"""


def find_duplicates(batch_id: int) -> list[Hit]:
    """Rows of a batch that meet each other or people on record, in two statements for any number of rows."""
    hits = []
    with connection.cursor() as c:
        c.execute(_IN_SHEET, {"batch": batch_id})
        hits += [Hit(row, f"sheet.{kind}", other) for row, kind, other in c.fetchall()]
        c.execute(_ON_RECORD, {"batch": batch_id})
        hits += [
            Hit(r, kind, None, str(p), school, where or "", status or 0, name, stage or "", cohort or 0, number, system or "")
            for r, kind, p, school, where, status, name, stage, cohort, number, system in c.fetchall()
        ]  # fmt: skip
    return hits


def duplicate_issue(
    hit: Hit, school_id: int, today: date, label: str, *, sheets: Sequence[Sequence[Any]] = ()
) -> dict[str, str]:
    """What a hit means to the registrar: at her own school she is told who; elsewhere only the school."""
    severity = "error"
    person = ""
    if hit.other_row is not None:
        code = "dup.sheet"
        if hit.kind == "sheet.identity":
            text = _("与第 %(row)s 行的证件号相同, 请核对后删去一行")
        else:
            text = _("与第 %(row)s 行姓名、性别、出生日期都相同, 而且有一行没有证件号, 请核对是否同一人")
        message = text % {"row": row_name(sheets, hit.other_row)}
    elif hit.school_id == school_id:
        code, person = "dup.school", hit.person_id
        where = _class_of(hit, today)
        if hit.kind == "identity":
            message = _("本校已有同一证件号的学生: %(who)s") % {"who": where}
        elif hit.kind == "person":
            message = _("本校已有姓名、性别、出生日期相同的学生: %(who)s。没有证件号时不能重复建立学籍") % {
                "who": where
            }
        else:
            code, severity = "dup.namesake", "warning"
            message = _("本校已有姓名、性别、出生日期相同、没有证件号的学生: %(who)s, 请核对是否同一人") % {
                "who": where
            }
    else:
        code = "dup.elsewhere"
        school = hit.school_name or _("其他学校")
        if hit.kind == "identity":
            text = _(
                "该证件号在 %(school)s 已有学籍。如果学生是转来的, 请改办“转入”; 如果对方登记有误, 可发起“问题学籍”"
            )
        elif hit.kind == "person":
            text = _(
                "%(school)s 有姓名、性别、出生日期相同的学生, 没有证件号时不能确认是否同一人。请补上证件号; 是转来的请改办“转入”"
            )
        else:
            severity = "warning"
            code = "dup.namesake"
            text = _("%(school)s 有姓名、性别、出生日期相同、没有证件号的学生, 请核对是否同一人")
        message = text % {"school": school}
    field = "id_number" if hit.kind in ("identity", "sheet.identity") else "name"
    return {
        "field": field,
        "column": label,
        "original": "",
        "understood": "",
        "code": code,
        "message": message,
        "severity": severity,
        "person": person,
    }


def _class_of(hit: Hit, today: date) -> str:
    place = ""
    if hit.class_number and hit.stage:
        place = class_label(hit.stage, hit.cohort_year, hit.class_number, hit.system, today)
    return f"{place} {hit.name}".strip() if hit.name else mask_name(hit.name)


def mark_duplicates(batch_id: int, found: dict[int, list[dict[str, str]]]) -> None:
    """Write duplicate findings into the rows, in place of those found before; states follow."""
    with connection.cursor() as c:
        # First forget what an earlier look found; the row's own faults stay.
        c.execute(
            "update staged_row s set issues = i.kept, state = case"
            "   when i.kept @> '[{\"severity\":\"error\"}]' then 'error' when jsonb_array_length(i.kept) > 0 then 'warning'"
            "   else 'ok' end"
            " from (select row_no, coalesce(jsonb_agg(x) filter (where x->>'code' not like 'dup.%%'), '[]') kept"
            "         from staged_row, jsonb_array_elements(issues) x"
            "        where batch_id = %(b)s and issues::text like '%%\"dup.%%' and state <> 'published' group by row_no) i"
            " where s.batch_id = %(b)s and s.row_no = i.row_no",
            {"b": batch_id},
        )
        if not found:
            return
        rows = sorted(found)
        c.execute(
            "update staged_row s set issues = s.issues || n.more, state = case"
            "   when s.state = 'error' then 'error'"
            "   when n.more @> '[{\"severity\":\"error\"}]' then 'duplicate' else 'warning' end"
            " from unnest(%s::int[], %s::jsonb[]) as n(row_no, more)"
            " where s.batch_id = %s and s.row_no = n.row_no and s.state <> 'published'",
            [rows, [json.dumps(found[r], ensure_ascii=False) for r in rows], batch_id],
        )


def count(batch_id: int) -> dict[str, Any]:
    """How many rows in each state, and how often each fault occurs."""
    counts: dict[str, Any] = {"total": 0, "ok": 0, "warning": 0, "error": 0, "duplicate": 0, "published": 0}
    with connection.cursor() as c:
        # Rows are wide: what one pass can tell is asked in one.
        c.execute(
            "select state, count(*), count(*) filter (where jsonb_array_length(notes) > 0) from staged_row"
            " where batch_id = %s group by state",
            [batch_id],
        )
        counts["noted"] = 0
        for state, n, noted in c.fetchall():
            counts[state] = n
            counts["total"] += n
            counts["noted"] += noted
        c.execute(
            "select x->>'field', min(x->>'column'), x->>'severity', count(*) from staged_row, jsonb_array_elements(issues) x"
            " where batch_id = %s and state not in ('ok', 'published') group by 1, 3 order by 4 desc, 1 limit 60",
            [batch_id],
        )
        counts["faults"] = [
            {"field": f, "column": col, "severity": sev, "n": n} for f, col, sev, n in c.fetchall()
        ]
        c.execute(
            "select count(*) from (select distinct stage, cohort_year, class_number from staged_row where batch_id = %s"
            " and class_id is null and class_number is not null and state in ('ok', 'warning')) k",
            [batch_id],
        )
        counts["new_classes"] = c.fetchone()[0]
    return counts
