"""适龄儿童, 学龄前儿童花名册: who must enter, where each is, and candidates made of them (C-ENR-01, C-NUM-16)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.people import places

from .. import reading
from ..errors import AdmissionError
from ..models import Child
from ..reading import Line
from ._base import own_school
from .enter import Outcome, enter_lines

WHEREABOUTS = {
    "": gettext_lazy("尚未登记"),
    "elsewhere": gettext_lazy("在外地就读"),
    "deferred": gettext_lazy("经批准延缓入学"),
    "moved": gettext_lazy("已迁出"),
    "missing": gettext_lazy("联系不上"),
}
_KEPT = {
    "id_number": "id_number", "guardian": "member1_name", "relation": "member1_relation", "phone": "member1_phone",
    "address": "current_address", "preschool_no": "preschool_no", "household": "household_division",
}  # fmt: skip


def where(child_id: uuid.UUID) -> str:
    """The place that a child's sealed values are bound to."""
    return f"adm_child.sealed:{child_id}"


def enter_children(
    actor: Any, *, data: bytes, file_name: str, text: str = "", year: int | None = None
) -> Outcome:
    """A roster from a sheet or pasted cells; without a year given each child enters in the year in which it is six.

    Whoever stands on the roster already is passed over. Raises PermissionDenied, `AdmissionError`.
    """
    actor.require("admission.prepare")
    school = own_school(actor)
    lines = reading.from_sheet(data, file_name, text)
    outcome = Outcome(problems=[(x.row, x.name, "；".join(x.problems)) for x in lines if x.problems])
    rows = [_child(actor, school, line, year) for line in reading.good(lines)]
    with transaction.atomic():
        with acting("writer"):
            held = {
                (r[0], r[1], bytes(r[2]) if r[2] else None, *r[3:])
                for r in Child.objects.filter(
                    school_id=school.pk, year__in={r.year for r in rows}, name__in={r.name for r in rows}
                ).values_list("year", "id_type", "id_bidx", "name", "birth_date")
            }
            fresh = [
                r
                for r in rows
                if (r.year, r.id_type, bytes(r.id_bidx) if r.id_bidx else None, r.name, r.birth_date)
                not in held
            ]
            Child.objects.bulk_create(fresh, ignore_conflicts=True)
        outcome.taken = [r.pk for r in fresh]
        outcome.again = len(rows) - len(fresh)
        record(
            actor, "admission.children", object_type="school", object_id=school.pk, row_count=len(fresh),
            after={"taken": len(fresh), "left": len(outcome.problems)},
        )  # fmt: skip
    return outcome


def _child(actor: Any, school: Any, line: Line, year: int | None) -> Child:
    got = line.values
    born = got["birth_date"]
    key = uuid.uuid4()
    secret = {k: str(v) for k, name in _KEPT.items() if (v := got.get(name))}
    number = got["id_number"]
    return Child(
        id=key,
        year=got.get("year") or year or born.year + (7 if (born.month, born.day) > (8, 31) else 6),
        school_id=school.pk,
        county_id=school.county_id,
        name=got["name"],
        sex=got["sex"],
        birth_date=born,
        area=got.get("area") or "",
        kindergarten=got.get("from_school") or "",
        id_type=got["id_type"],
        id_bidx=places.identity_index(got["id_type"], number) if number else None,
        sealed=vault.seal_json(secret, where(key)) if secret else None,
        entered_name=actor.user_name,
    )


def _own(actor: Any, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    wanted = sorted(set(ids))
    if not wanted:
        raise AdmissionError(_("请先勾选儿童"))
    if Child.objects.filter(pk__in=wanted, school_id=actor.org_id).count() != len(wanted):
        raise Http404
    return wanted


def set_whereabouts(actor: Any, ids: Sequence[uuid.UUID], *, what: str, note: str) -> int:
    """Say where children are who have not entered. Raises PermissionDenied, Http404, `AdmissionError`."""
    actor.require("admission.prepare")
    if what not in WHEREABOUTS:
        raise AdmissionError(_("请选择去向"))
    if what and len(note.strip()) < 2:
        raise AdmissionError(_("请写明情况"))
    wanted = _own(actor, ids)
    with transaction.atomic():
        with acting("writer"):
            Child.objects.filter(pk__in=wanted).update(whereabouts=what, note=note.strip()[:200])
        record(
            actor, "admission.whereabouts", object_type="school", object_id=actor.org_id or "", purpose=note[:200],
            after={"whereabouts": what}, row_count=len(wanted),
        )  # fmt: skip
    return len(wanted)


def make_candidates(actor: Any, ids: Sequence[uuid.UUID]) -> Outcome:
    """Children of the roster become candidates for primary school, with everything the roster knows: number, guardian,
    kindergarten and pre-school number (C-NUM-16). Raises PermissionDenied, Http404, `AdmissionError`.
    """
    actor.require("admission.prepare")
    school = own_school(actor)
    wanted = _own(actor, ids)
    with transaction.atomic(), acting("writer"):
        rows = list(Child.objects.filter(pk__in=wanted).order_by("name", "pk"))
    years = {r.year for r in rows}
    if len(years) != 1:
        raise AdmissionError(_("请一次只选同一年入学的儿童"))
    lines = [_line(no, row) for no, row in enumerate(rows, start=1)]
    return enter_lines(actor, school, lines, "P", years.pop(), "area")


def _line(no: int, row: Child) -> Line:
    kept = vault.open_json(bytes(row.sealed), where(row.pk)) if row.sealed else {}
    values: dict[str, Any] = {
        "name": row.name, "sex": row.sex, "birth_date": row.birth_date, "id_type": row.id_type, "id_number": None,
        "area": row.area, "from_school": row.kindergarten, "preschool": "1" if row.kindergarten else None,
    }  # fmt: skip
    values |= {name: kept[k] for k, name in _KEPT.items() if k in kept}
    return Line(no, values)
