"""报到: those who came are put on record without a class (待分班), all or none; the late, the conditional, the absent.

A child without a record gets one by the publication of intake; a graduate's own record goes on (升学), never doubled.
A fixed number of statements for any number of children.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.files.content import FileRefused
from xueji.ground.orgs.models import School
from xueji.ground.policy.statuses import Status
from xueji.ground.standards.names import grams
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.duplicates import commands as duplicates
from xueji.registry.enrolment.bulk import ListRefused, Move, apply_many
from xueji.registry.enrolment.timeline import midnight
from xueji.registry.intake import gates, publishing
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.packing import array_literal
from xueji.registry.intake.queries import school_facts
from xueji.registry.people import places
from xueji.registry.people.commands import propose_temporary
from xueji.registry.yearly.models import Admission, AdmissionState

from .. import eligibility
from ..errors import AdmissionError
from ..models import Applicant, State
from ._base import names, need_words, one_kind, opened, own_school, setting

_FULL = {"P": "11", "J": "11", "S": "21"}
_ON_THE_WAY = (AdmissionState.ASKED, AdmissionState.RELEASED, AdmissionState.PLACED)


def check_in(
    actor: Any, ids: Sequence[uuid.UUID], *, on: date, condition: str = "", condition_due: date | None = None
) -> int:
    """These candidates reported on a day: each is put on record at the school, without a class (C-ENR-04, C-COL-08).

    `condition` names papers still to be brought by `condition_due` (有条件入学). All or none. Raises PermissionDenied,
    Http404, `AdmissionError` with the names and, where a rule forbids it, its article.
    """
    actor.require("admission.prepare")
    school = own_school(actor)
    condition = condition.strip()[:200]
    if on > timezone.localdate():
        raise AdmissionError(_("报到日期还没有到"))
    if condition and (condition_due is None or condition_due < on):
        raise AdmissionError(_("请写明补齐材料的期限, 不早于报到日期"))
    with opened(actor, ids) as rows:
        year, stage = one_kind(rows)
        rules = setting(school, stage, year)
        _may_come(rules, rows, on)
        events, digest = _put_on_record(actor, school, rules, rows, on)
        for row in rows:
            row.state, row.reported_on = State.REPORTED, on
            row.condition, row.condition_due = condition, condition_due if condition else None
            row.person_id = row.known_id or row.pk
            row.event_id = events[row.person_id]
        Applicant.objects.bulk_update(
            rows,
            ["state", "reported_on", "condition", "condition_due", "person_id", "event_id"],
            batch_size=5_000,
        )
        with acting("writer"):
            duplicates.keep_likely([row.pk for row in rows if row.known_id is None])
        record(
            actor,
            "admission.report",
            object_type="school",
            object_id=school.pk,
            after={"on": on.isoformat(), "condition": condition},
            row_count=len(rows),
            digest=digest,
            persons=[r.subject for r in rows],
        )
    return len(rows)


def _may_come(rules: eligibility.Setting, rows: list[Applicant], on: date) -> None:
    """Who cannot be received on that day. Raises `AdmissionError`."""
    wrong = [r for r in rows if r.state != State.APPROVED]
    if wrong:
        raise AdmissionError(_("只有“待报到”的学生可以登记报到: %s") % names(wrong))
    disputed = [r for r in rows if r.disputed]
    if disputed:
        raise AdmissionError(_("重复招生还没有处理完: %s") % names(disputed))
    plan = rules.plan
    if plan is not None and plan.report_from is not None and on < plan.report_from:
        raise AdmissionError(_("报到从 %s 开始") % plan.report_from)
    answers: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        late = is_late(rules, row, on)
        key = (late, tuple(row.papers), bool(row.notice_no))
        if key not in answers:
            answers[key] = eligibility.may_report(rules, row, late=late)
        finding = answers[key]
        if finding is not None:
            raise AdmissionError(
                _("%(name)s 不能报到。%(why)s") % {"name": row.name, "why": finding.sentence}
            )


def is_late(rules: eligibility.Setting, row: Applicant, on: date) -> bool:
    """Whether a candidate comes after the last day without leave."""
    last = rules.plan.report_to if rules.plan is not None else None
    excused = row.late_until is not None and on <= row.late_until
    return last is not None and on > last and not excused


def _put_on_record(
    actor: Any, school: School, rules: eligibility.Setting, rows: list[Applicant], on: date
) -> tuple[dict[uuid.UUID, uuid.UUID], bytes | None]:
    """Records opened and continued; the event of each person."""
    fresh = [r for r in rows if r.known_id is None]
    going_on = [r for r in rows if r.known_id is not None]
    events: dict[uuid.UUID, uuid.UUID] = {}
    digest = None
    if fresh:
        found, digest = _open(actor, school, rules, fresh, on)
        events |= found
    if going_on:
        events |= _continue(actor, school, rules, going_on, on)
    return events, digest


def _open(
    actor: Any, school: School, rules: eligibility.Setting, rows: list[Applicant], on: date
) -> tuple[dict[uuid.UUID, uuid.UUID], bytes]:
    """New records by the publication of intake: the same claims, numbers, first links and head-counts."""
    facts = school_facts(school.pk)
    try:
        gates.require_open(facts)
    except IntakeError as error:
        raise AdmissionError(str(error)) from error
    cite = rules.policy.business("enrol").cite
    local = [s for s in rules.policy.number_schemes() if not s.reserved and s.life == "school"]
    with transaction.atomic(), acting("intake"), connection.cursor() as c:
        # Publications of one school follow each other.
        c.execute("select pg_advisory_xact_lock(7310010, %s)", [school.pk])
        events = {r.pk: uuid.uuid4() for r in rows}
        _make_work(c, facts.division, rows, events, on)
        try:
            digest = publishing.enter_work(
                c,
                facts,
                actor,
                timezone.now(),
                f"{cite.source.title} {cite.article}",
                local[0] if local else None,
            )
        except publishing.Conflict as conflict:
            met = [rows[n - 1] for n in conflict.rows]
            raise AdmissionError(
                _("已有学籍, 不能重复建立: %s。请在学生名册中核对, 或由对方学校处理") % names(met)
            ) from None
        except IntakeError as error:
            raise AdmissionError(str(error)) from error
        c.execute(f"drop table {publishing.WORK}")
    return events, digest


def _make_work(
    c: Any, division: str, rows: list[Applicant], events: dict[uuid.UUID, uuid.UUID], on: date
) -> None:
    numbers = propose_temporary([(division, r.birth_date) for r in rows])
    given = []
    for no, (row, number) in enumerate(zip(rows, numbers, strict=True), start=1):
        keys = pinyin_of(row.name)
        last6 = None
        if row.id_sealed:
            last6 = places.last6_index(vault.open(bytes(row.id_sealed), places.document(row.pk, 1)))
        profile = {**row.profile, "entry_month": f"{on:%Y%m}", "entry_mode": _FULL[row.stage]}
        given.append(
            (
                row.pk, no, events[row.pk], keys.full, keys.initials, keys.sort, array_literal(grams(row.name)), last6,
                vault.seal(number, places.number(row.pk, 1)), places.number_index(places.NATIONAL, number),
                json.dumps(profile, ensure_ascii=False),
            )
        )  # fmt: skip
    columns = list(zip(*given, strict=True))
    c.execute(
        f"create temp table {publishing.WORK} on commit drop as"
        " select n.row_no, a.id as person_id, n.event_id, a.name, n.pinyin, n.initials, n.pinyin_sort, n.grams, a.sex,"
        "  a.birth_date, a.ethnicity, a.nationality, null::text as former_name, nullif(a.id_type, '') as id_type,"
        "  a.id_sealed, a.id_bidx, n.last6, 'L'::text as number_prefix, n.number_sealed, n.number_bidx,"
        "  null::bytea as aux_sealed, null::bytea as aux_bidx, a.stage, a.year::smallint as cohort_year,"
        "  n.profile::jsonb as profile, a.profile_sealed, nullif(a.guardian_name, '') as g1_name,"
        "  nullif(a.guardian_relation, '') as g1_relation, null::text as g1_note, true as g1_guardian,"
        "  a.guardian_sealed as g1_sealed, null::text as g2_name, null::text as g2_relation, null::text as g2_note,"
        "  false as g2_guardian, null::bytea as g2_sealed, null::int as class_id,"
        "  (%(on)s::timestamp at time zone 'Asia/Shanghai') as begins, %(on)s::date as enrolled_on, null::smallint as seat"
        " from adm_applicant a join unnest(%(i)s::uuid[], %(r)s::int[], %(e)s::uuid[], %(p)s::text[], %(k)s::text[],"
        "  %(s)s::text[], %(g)s::text[], %(l)s::bytea[], %(n)s::bytea[], %(b)s::bytea[], %(d)s::text[])"
        "  as n(id, row_no, event_id, pinyin, initials, pinyin_sort, grams, last6, number_sealed, number_bidx, profile)"
        "  on n.id = a.id",
        {"on": on} | dict(zip("irepksglnbd", (list(x) for x in columns), strict=True)),
    )
    c.execute(
        f"analyze {publishing.WORK} (row_no, person_id, stage, cohort_year, class_id, name, birth_date, id_bidx,"
        " number_bidx)"
    )


def _continue(
    actor: Any, school: School, rules: eligibility.Setting, rows: list[Applicant], on: date
) -> dict[uuid.UUID, uuid.UUID]:
    """升学: graduates come in with the record that they have; nobody is on two ways into the next stage."""
    by_person = {r.known_id: r for r in rows if r.known_id is not None}
    ways = list(Admission.objects.filter(person_id__in=list(by_person), state__in=_ON_THE_WAY))
    elsewhere = [by_person[w.person_id] for w in ways if w.to_school_id != school.pk]
    if elsewhere:
        raise AdmissionError(_("正在“升学接收”中由其他学校接收: %s") % names(elsewhere))
    with connection.cursor() as c:
        c.execute(
            "select person_id from enrolment_state where person_id = any(%s::uuid[]) and kind = 1 and valid_to is null"
            " and status <> %s",
            [list(by_person), int(Status.GRADUATED)],
        )
        open_still = [by_person[r[0]] for r in c.fetchall()]
    if open_still:
        raise AdmissionError(_("原学校还没有办理毕业, 请联系原学校: %s") % names(open_still))
    cite = rules.policy.business("enrol").cite
    moves = [
        Move(
            person,
            "enrol",
            int(Status.STUDYING),
            school_id=school.pk,
            stage=rules.stage,
            cohort_year=rules.year,
            article=f"{cite.source.title} {cite.article}",
            reason=str(_("升学")),
            detail={"applicant": str(row.pk)},
            unplaced=True,
        )
        for person, row in by_person.items()
    ]
    try:
        events = apply_many(actor, moves, at=midnight(on), what="admission")
    except ListRefused as error:
        told = "、".join(f"{by_person[p].name}({why})" for p, why in list(error.persons.items())[:10])
        raise AdmissionError(f"{error.message}: {told}") from error
    now = timezone.now()
    for way in ways:
        way.state, way.event_id = AdmissionState.ACCEPTED, events[way.person_id]
        way.decided_name, way.decided_at = actor.user_name, now
    if ways:
        Admission.objects.bulk_update(ways, ["state", "event_id", "decided_name", "decided_at"])
    return events


def grant_late(
    actor: Any, ids: Sequence[uuid.UUID], *, until: date, reason: str, proof: tuple[str, bytes] | None = None
) -> int:
    """缓报到: the family asked to come later and showed why; the proof is kept (C-ENR-04).

    Raises PermissionDenied, Http404, `AdmissionError`.
    """
    actor.require("admission.prepare")
    reason = need_words(reason)
    if until < timezone.localdate():
        raise AdmissionError(_("延期的日期不能早于今天"))
    with opened(actor, ids) as rows:
        wrong = [r for r in rows if r.state != State.APPROVED]
        if wrong:
            raise AdmissionError(_("只有“待报到”的学生可以延期: %s") % names(wrong))
        values: dict[str, Any] = {"late_until": until, "late_reason": reason[:200]}
        if proof is not None:
            try:
                kept = files.store(
                    actor,
                    proof[1],
                    name=proof[0],
                    purpose="admission",
                    readers=[rows[0].school_id, rows[0].county_id],
                )
            except FileRefused as error:
                raise AdmissionError(str(error)) from error
            values["late_file_id"] = kept.pk
        Applicant.objects.filter(pk__in=[r.pk for r in rows]).update(**values)
        record(
            actor, "admission.late", object_type="school", object_id=actor.org_id or "", purpose=reason[:200],
            after={"until": until.isoformat()}, row_count=len(rows), persons=[r.subject for r in rows],
        )  # fmt: skip
    return len(rows)


def close_absent(actor: Any, ids: Sequence[uuid.UUID], *, words: str) -> int:
    """Those who did not report by the last day: 取消入学资格 where a rule of the place says so, otherwise 未报到.

    A child of school age loses nothing by it: it stands on the list of those not enrolled. Raises as `check_in`.
    """
    actor.require("admission.prepare")
    words = need_words(words)
    school = own_school(actor)
    today = timezone.localdate()
    with opened(actor, ids) as rows:
        year, stage = one_kind(rows)
        rules = setting(school, stage, year)
        if rules.plan is None or rules.plan.report_to is None or rules.plan.report_to >= today:
            raise AdmissionError(_("报到还没有截止, 不能登记未报到"))
        wrong = [r for r in rows if r.state != State.APPROVED]
        if wrong:
            raise AdmissionError(_("只有“待报到”的学生可以登记未报到: %s") % names(wrong))
        excused = [r for r in rows if r.late_until is not None and r.late_until >= today]
        if excused:
            raise AdmissionError(_("已准许延期报到, 期限未到: %s") % names(excused))
        for row in rows:
            finding = eligibility.may_report(rules, row, late=True)
            row.state = State.FORFEITED if finding is not None else State.ABSENT
            row.words = (f"{words}。{finding.sentence}" if finding is not None else words)[:300]
        Applicant.objects.bulk_update(rows, ["state", "words"], batch_size=5_000)
        record(
            actor, "admission.absent", object_type="school", object_id=school.pk, purpose=words[:200],
            row_count=len(rows), persons=[r.subject for r in rows],
        )  # fmt: skip
    return len(rows)


def complete(actor: Any, ids: Sequence[uuid.UUID]) -> int:
    """What was still lacking has been brought: the admission is no longer conditional. Raises as `check_in`."""
    actor.require("admission.prepare")
    with opened(actor, ids) as rows:
        wrong = [r for r in rows if not r.condition]
        if wrong:
            raise AdmissionError(_("没有待补的材料: %s") % names(wrong))
        Applicant.objects.filter(pk__in=[r.pk for r in rows]).update(condition="", condition_due=None)
        record(
            actor, "admission.complete", object_type="school", object_id=actor.org_id or "",
            after={"brought": rows[0].condition}, row_count=len(rows), persons=[r.subject for r in rows],
        )  # fmt: skip
    return len(rows)
