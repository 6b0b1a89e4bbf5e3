"""Candidates come onto the list: one by a form, many by a sheet, or the authority's own admission list.

Set-based: one look-up of identities, one of other candidatures, one insert, one of disputes, for any number of lines.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import School
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.masking import mask_identity
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.duplicates.entering import Facts, Likely, likely
from xueji.registry.people import places

from .. import eligibility, reading
from ..errors import AdmissionError, LooksAlike
from ..models import UNDER_WAY, Applicant, Claim, Origin, State, Verdict
from ..reading import Line
from ._base import BEFORE, check_place, own_school, setting
from .notices import number_notices

_OPEN_PROFILE = ("preschool",)
_SEALED_PROFILE = ("household_division", "current_address", "phone", "preschool_no")


@dataclass
class Outcome:
    """What became of a list: taken, already there, refused lines with the reason, double claims."""

    taken: list[uuid.UUID] = field(default_factory=list)
    again: int = 0
    claims: int = 0
    problems: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Known:
    """A child on record already."""

    person_id: uuid.UUID
    status: int
    stage: str
    school: str


def enter_sheet(
    actor: Any,
    *,
    data: bytes,
    file_name: str,
    text: str = "",
    stage: str,
    year: int,
    origin: str = Origin.AREA,
    keys: Iterator[uuid.UUID] | None = None,
) -> Outcome:
    """A school's candidates from a sheet or from cells pasted (C-ENR-02). Lines with a fault are told and left out.

    `keys` are the candidates' own where a story shall be told the same way again. Raises PermissionDenied,
    `AdmissionError` for a sheet that is no list.
    """
    actor.require("admission.prepare")
    school = own_school(actor)
    lines = reading.from_sheet(data, file_name, text)
    for line, key in zip(lines, keys or (), strict=False):
        line.key = key
    return enter_lines(actor, school, lines, stage, year, origin)


def enter_one(
    actor: Any, cells: dict[str, Any], *, stage: str, year: int, origin: str = Origin.AREA, apart: str = ""
) -> Applicant:
    """One candidate from a form. Whoever it may be already is told first; `apart` is the reason to go on: it stays with
    the candidate. Raises PermissionDenied, `LooksAlike`, `AdmissionError` with everything that is wrong.
    """
    actor.require("admission.prepare")
    school = own_school(actor)
    line = reading.read(1, cells)
    alike = [] if line.problems else _alike(actor, school, line)
    if alike and len(apart.strip()) < 5:
        raise LooksAlike(
            _("疑似同一人, 请先核对。确是另一个孩子的, 写明依据(至少 5 个字)再录入"), [a.words for a in alike]
        )
    with transaction.atomic():
        outcome = enter_lines(actor, school, [line], stage, year, origin)
        if outcome.problems:
            raise AdmissionError("；".join(why for _row, _name, why in outcome.problems))
        if not outcome.taken:
            raise AdmissionError(_("该生已经在本校的名单中"))
        if alike:
            with acting("writer"):
                Applicant.objects.filter(pk=outcome.taken[0]).update(apart=apart.strip()[:300])
            _told_of(actor, school, alike, apart)
    return Applicant.objects.get(pk=outcome.taken[0])


def _alike(actor: Any, school: School, line: Line) -> list[Likely]:
    """Records that the candidate may have already, but the one that its number leads to. Who looked is noted."""
    got = line.values
    child = Facts(
        got["name"], got["sex"], got["birth_date"], got["id_number"] or "", papers=bool(got["id_number"])
    )
    with transaction.atomic():
        with acting("writer"):
            index = places.identity_index(got["id_type"], child.number) if child.number else None
            known = _known([index] if index else [])
            found = likely(school.pk, child, but=[k.person_id for k in known.values()])
        if found:
            _told_of(actor, school, found)
    return found


def _told_of(actor: Any, school: School, found: list[Likely], reason: str = "") -> None:
    record(
        actor,
        "duplicates.check",
        object_type="school",
        object_id=school.pk,
        purpose=reason.strip()[:200],
        after={"found": len(found)},
        row_count=len(found),
        persons=[f.person_id for f in found],
    )


def enter_lines(actor: Any, school: School, lines: list[Line], stage: str, year: int, origin: str) -> Outcome:
    """Good lines onto a school's list, examined at once; the rest is told. Raises `AdmissionError`."""
    check_place(school, stage, year)
    if origin not in Origin.values or origin == Origin.UNIFIED:
        raise AdmissionError(_("统一招生的名单由主管部门下发"))
    rules = setting(school, stage, year)
    _window(rules)
    with transaction.atomic():
        outcome, rows = prepare(actor, lines, {line.row: school for line in lines}, stage, year, origin)
        for row in rows:
            row.verdict, row.findings = eligibility.assess(rules, row)
        store(actor, rows, outcome)
        record(
            actor,
            "admission.enter",
            object_type="school",
            object_id=school.pk,
            after={"year": year, "stage": stage, "taken": len(outcome.taken), "left": len(outcome.problems)},
            row_count=len(outcome.taken),
            persons=outcome.taken,
        )
    return outcome


def _window(rules: eligibility.Setting) -> None:
    plan = rules.plan
    if plan is None:
        return
    if plan.opens_on is not None and rules.today < plan.opens_on:
        raise AdmissionError(_("招生报名 %s 开始, 现在还不能录入") % plan.opens_on)


def admit_list(actor: Any, *, data: bytes, file_name: str, text: str = "", stage: str, year: int) -> Outcome:
    """统一招生: the authority's admission list becomes candidates of its schools who only have to report (C-COL-08).

    A child whom another school has entered keeps that school's line, in dispute; one admitted elsewhere is told.
    Raises PermissionDenied, `AdmissionError`.
    """
    actor.require("admission.approve")
    lines = reading.from_sheet(data, file_name, text)
    by_word = _schools(actor, stage)
    targets: dict[int, School] = {}
    for line in lines:
        word = str(line.values.get("school") or "")
        school = by_word.get(word)
        if school is None and not line.problems:
            line.problems.append(_("没有叫“%s”的学校, 或不是本单位主管, 或没有这个学段") % word[:30])
        elif school is not None:
            targets[line.row] = school
    with transaction.atomic():
        outcome, rows = prepare(actor, lines, targets, stage, year, Origin.UNIFIED)
        held = _held(rows, year)
        now = timezone.now()
        kept = []
        for row in rows:
            if (row.id_type, bytes(row.id_bidx or b"")) in held:
                outcome.problems.append((0, row.name, _("已由其他学校录取, 没有下发")))
                continue
            row.state, row.verdict = State.APPROVED, Verdict.PASS
            row.decided_name, row.decided_at = actor.user_name, now
            kept.append(row)
        store(actor, kept, outcome, official=True)
        number_notices([r.pk for r in kept])
        record(
            actor,
            "admission.list",
            object_type="org",
            object_id=actor.org_id or "",
            after={"year": year, "stage": stage, "taken": len(kept), "left": len(outcome.problems)},
            row_count=len(kept),
            persons=outcome.taken,
        )
    return outcome


def _schools(actor: Any, stage: str) -> dict[str, School]:
    """The authority's schools by name, short name and code."""
    found = School.objects.select_related("org").filter(county_id=actor.org_id, org__valid_to=None)[:2_000]
    return {
        str(word): s
        for s in found
        if stage in s.stages
        for word in (s.org.name, s.org.short_name, s.school_code)
        if word
    }


def _held(rows: Sequence[Applicant], year: int) -> set[tuple[str, bytes]]:
    """Identities that a school holds a place for already."""
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select id_type, id_bidx from adm_applicant where year = %s and state in ('approved', 'reported')"
            " and id_bidx = any(%s)",
            [year, [r.id_bidx for r in rows if r.id_bidx]],
        )
        return {(kind, bytes(bidx)) for kind, bidx in c.fetchall()}


def prepare(
    actor: Any, lines: list[Line], schools: dict[int, School], stage: str, year: int, origin: str
) -> tuple[Outcome, list[Applicant]]:
    """Candidates made of good lines, sealed; what cannot be taken is told. Three statements for any number."""
    outcome = Outcome(
        problems=[(line.row, line.name, "；".join(line.problems)) for line in lines if line.problems]
    )
    good = list(reading.good(lines))
    index = {
        line.row: places.identity_index(line.values["id_type"], line.values["id_number"])
        for line in good
        if line.values["id_number"]
    }
    known = _known(list(index.values()))
    mine = _mine({s.pk for s in schools.values()}, year, list(index.values()), [line.name for line in good])
    rows = []
    for line in good:
        school, bidx = schools[line.row], index.get(line.row)
        got = line.values
        key: tuple[Any, ...] = (
            (school.pk, bidx) if bidx else (school.pk, got["name"], got["sex"], got["birth_date"])
        )
        if key in mine:
            outcome.again += 1
            continue
        found = known.get((got["id_type"], bidx or b""))
        why = _refusal(found, stage)
        if why:
            outcome.problems.append((line.row, line.name, why))
            continue
        rows.append(_applicant(actor, school, line, bidx, found, stage, year, origin))
    outcome.problems.sort()
    return outcome, rows


def _refusal(found: _Known | None, stage: str) -> str:
    """Why a child with a record cannot be a candidate of this stage; empty when it can."""
    if found is None:
        return ""
    before = BEFORE.get(stage)
    goes_on = found.stage == before and found.status in (Status.STUDYING, Status.GRADUATED, Status.COMPLETED)
    if goes_on:
        return ""
    text = _("该证件号在%(school)s已有学籍(%(status)s), 不能作为新生; 需要转来的请办理转学")
    return text % {"school": found.school or _("其他学校"), "status": Status(found.status).label}


def _known(bidxs: list[bytes]) -> dict[tuple[str, bytes], _Known]:
    if not bidxs:
        return {}
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select l.id_type, l.bidx, l.person_id, coalesce(s.status, 0), coalesce(s.stage, ''), o.name"
            " from identity_lookup l left join enrolment_state s on s.person_id = l.person_id and s.kind = 1"
            "  and s.valid_to is null left join org o on o.id = s.school_id where l.bidx = any(%s)",
            [bidxs],
        )
        return {(r[0], bytes(r[1])): _Known(r[2], r[3], r[4], r[5] or "") for r in c.fetchall()}


def _mine(schools: set[int], year: int, bidxs: list[bytes], words: list[str]) -> set[tuple[Any, ...]]:
    """Children whom these schools have on their lists of the year already."""
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select school_id, id_bidx, name, sex, birth_date from adm_applicant where year = %s"
            " and school_id = any(%s) and state = any(%s)"
            " and (id_bidx = any(%s) or (id_bidx is null and name = any(%s)))",
            [year, sorted(schools), [str(s) for s in UNDER_WAY], bidxs, words],
        )
        out: set[tuple[Any, ...]] = set()
        for school, bidx, name, sex, born in c.fetchall():
            out.add((school, bytes(bidx)) if bidx else (school, name, sex, born))
        return out


def _applicant(
    actor: Any, school: School, line: Line, bidx: bytes | None, found: _Known | None, stage: str, year: int,
    origin: str,
) -> Applicant:  # fmt: skip
    got = line.values
    key = line.key
    secret = {k: v for k in _SEALED_PROFILE if (v := got.get(k))}
    kin = {"phone": got["member1_phone"]} if got.get("member1_phone") else {}
    facts = {k: got[k] for k in ("same_household", "lives_there") if got.get(k) is not None}
    if got.get("in_zone") is not None:
        facts["school.in_zone"] = got["in_zone"]
    done = got.get("primary_done")
    if done is not None or (found is not None and found.status == Status.GRADUATED):
        facts["student.primary_done"] = done if done is not None else True
    number = got["id_number"]
    return Applicant(
        id=key,
        year=year,
        stage=stage,
        school_id=school.pk,
        county_id=school.county_id,
        origin=origin,
        known_id=found.person_id if found else None,
        name=got["name"],
        sort=pinyin_of(got["name"]).sort,
        sex=got["sex"],
        birth_date=got["birth_date"],
        ethnicity=got.get("ethnicity") or "",
        nationality=got.get("nationality") or "CHN",
        id_type=got["id_type"],
        id_sealed=vault.seal(number, places.document(key, 1)) if number else None,
        id_bidx=bidx,
        profile={k: v for k in _OPEN_PROFILE if (v := got.get(k))},
        profile_sealed=vault.seal_json(secret, places.profile(key)) if secret else None,
        guardian_name=got.get("member1_name") or "",
        guardian_relation=got.get("member1_relation") or "",
        guardian_sealed=vault.seal_json(kin, places.guardian(key, 1)) if kin else None,
        area=got.get("area") or "",
        division=str(got.get("household_division") or "")[:6],
        from_school=got.get("from_school") or (found.school if found else ""),
        exam_no=got.get("exam_no") or "",
        preschool_no=mask_identity(str(got.get("preschool_no") or ""))[:30],
        facts=facts,
        papers=got.get("papers") or [],
        choice=bool(got.get("choice")),
        entered_name=actor.user_name,
    )


def store(actor: Any, rows: list[Applicant], outcome: Outcome, *, official: bool = False) -> None:
    """Insert candidates and open a dispute for each whom another school has too (重复招生)."""
    if not rows:
        return
    by_bidx = {(r.id_type, bytes(r.id_bidx)): r for r in rows if r.id_bidx}
    with transaction.atomic(), acting("writer"):
        others = list(
            Applicant.objects.filter(
                year=rows[0].year, id_bidx__in=[b for _k, b in by_bidx], state__in=UNDER_WAY
            ).order_by("pk")
        )
        claims = []
        for other in others:
            own = by_bidx.get((other.id_type, bytes(other.id_bidx or b"")))
            if own is None or own.school_id == other.school_id:
                continue
            own.disputed = not official
            claims.append(
                Claim(
                    year=own.year, name=own.name, birth_date=own.birth_date, first_id=other.pk,
                    first_school_id=other.school_id, first_county_id=other.county_id, second_id=own.pk,
                    second_school_id=own.school_id, second_county_id=own.county_id,
                )
            )  # fmt: skip
        Applicant.objects.bulk_create(rows)
        if claims:
            Claim.objects.bulk_create(claims)
            Applicant.objects.filter(
                pk__in=[c.first_id for c in claims], state__in=[State.ENTERED, State.SENT]
            ).update(disputed=True)
    outcome.taken += [r.pk for r in rows]
    outcome.claims += len(claims)
