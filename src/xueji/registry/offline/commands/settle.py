"""What was listed is carried out: safe changes at once, the others as a person decides, through the commands that exist."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.statuses import BY_WORD, Status
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.changes import commands as changes
from xueji.registry.changes.business import KINDS
from xueji.registry.changes.errors import CaseError
from xueji.registry.intake import commands as intake_commands
from xueji.registry.intake import queries as intake
from xueji.registry.intake import updating
from xueji.registry.intake.errors import IntakeError
from xueji.registry.people import commands as people
from xueji.registry.people import locks
from xueji.registry.people.errors import PeopleError

from .. import books, queries
from ..copies import STATUS, Line
from ..errors import OfflineError
from ..merging import Found, said
from ..models import BackState, Decision, HandBack, ItemKind, OfflineItem, OfflinePackage
from .bring import finish, opened
from .kept import lines_of, plan

#: At most so many items are decided with one press.
MANY = 200
_KEY = {"name": "new_name", "sex": "new_sex", "birth_date": "new_birth_date", "id_number": "new_number"}
_SEX_OF = {word: code for code, word in SEX_WORDS.items()}
_BACK = {Status.SUSPENDED: "resume", Status.RESERVED: "restore"}
_BY_STATE = {
    Status.SUSPENDED: "suspend", Status.RESERVED: "reserve", Status.ABROAD: "abroad", Status.AWAY: "leave",
    Status.MISSING: "missing", Status.WITHDRAWN: "withdraw", Status.DECEASED: "death",
}  # fmt: skip
_WRITABLE = (ItemKind.SAFE, ItemKind.CLASH)


@dataclass(frozen=True)
class Settled:
    """What came of a press: items carried out, items that the platform moved under, pupils under review; and where the
    next step is."""

    done: int = 0
    stale: int = 0
    held: int = 0
    case_id: uuid.UUID | None = None
    batch_id: int | None = None
    finished: bool = False


def apply(actor: Any, handback_id: int) -> Settled:
    """Write every safe change of a hand-back. A record that has changed since the comparison is compared anew: what
    is no longer safe becomes a clash and waits. Pupils under review wait as well.

    Raises PermissionDenied (also without the head's authorisation to edit), Http404, `OfflineError`.
    """
    actor.require("offline.run")
    with transaction.atomic():
        package, back = _opened(actor, handback_id)
        waiting = OfflineItem.objects.filter(handback=back, kind=ItemKind.SAFE, decision=Decision.OPEN)
        if not waiting.exists():
            raise OfflineError(_("没有可以直接同步的改动"))
        return _write(actor, package, back, list(waiting.order_by("id")), Decision.APPLIED, "")


def settle(actor: Any, handback_id: int, item_ids: Sequence[int], how: str, reason: str = "") -> Settled:
    """Decide items: `take` what the copy says (clashes: written; facts: a case is begun, one by one), `keep` what the
    platform says, or `import` children who stand in the copy alone. All or none.

    Raises PermissionDenied, Http404, `OfflineError`.
    """
    actor.require("offline.run")
    if how not in ("take", "keep", "import"):
        raise OfflineError(_("请选择怎样处理"))
    if not item_ids or len(item_ids) > MANY:
        raise OfflineError(_("请选择 1 至 %s 项") % MANY)
    with transaction.atomic():
        package, back = _opened(actor, handback_id)
        found = list(OfflineItem.objects.filter(handback=back, pk__in=set(item_ids)).order_by("id"))
        if len(found) != len(set(item_ids)):
            raise Http404
        if any(i.decision != Decision.OPEN for i in found):
            raise OfflineError(_("有的项刚刚已经处理, 请刷新页面查看"))
        kinds = {i.kind for i in found}
        if how == "keep":
            return _keep(actor, package, back, found, reason)
        if how == "import":
            if kinds != {ItemKind.THERE}:
                raise OfflineError(_("只有“只在离线表”的学生可以转入导入"))
            return _import(actor, package, back, found)
        if kinds == {ItemKind.CASE}:
            if len(found) > 1:
                raise OfflineError(_("要办业务的项请逐项发起"))
            return _case(actor, package, back, found[0])
        if not kinds <= set(_WRITABLE):
            raise OfflineError(_("这些项不能采用离线表, 请分别处理"))
        return _write(actor, package, back, found, Decision.TAKEN, reason)


def report(actor: Any, handback_id: int, form: str) -> tuple[str, bytes]:
    """The report of a hand-back, `pdf` or `xlsx`; masked, audited. Raises PermissionDenied, Http404."""
    actor.require("offline.view")
    back = queries.handback(actor, handback_id)
    with transaction.atomic():
        rows = queries.report_rows(back)
        record(
            actor,
            "offline.report",
            object_type="offline_package",
            object_id=back.package_id,
            after={"number": back.number, "form": form},
            row_count=len(rows),
            persons=sorted({i.person_id for i in rows if i.person_id}) or None,
        )
        data = books.report_pdf(actor, back, rows) if form == "pdf" else books.report_xlsx(actor, back, rows)
    return books.file_name(back, form), data


def _opened(actor: Any, handback_id: int) -> tuple[OfflinePackage, HandBack]:
    package = opened(actor, queries.handback(actor, handback_id).package_id)
    back = HandBack.objects.get(pk=handback_id)
    if back.state != BackState.OPEN:
        raise OfflineError(_("这次交回已经办结, 请刷新页面查看"))
    return package, back


def _write(
    actor: Any,
    package: OfflinePackage,
    back: HandBack,
    wanted: list[OfflineItem],
    decision: Decision,
    reason: str,
) -> Settled:
    """Values of the copy into the record, for items whose record is still what was compared."""
    persons = sorted({i.person_id for i in wanted if i.person_id})
    with acting("writer"):
        with connection.cursor() as c:
            c.execute(
                "select person_id, version from person where person_id = any(%s::uuid[]) order by person_id for update",
                [persons],
            )
            before = dict(c.fetchall())
        held = set(locks.held(persons))
        fresh = {
            (f.person_id, f.field): f for f in plan(actor, package, lines_of(back)).items if f.kind in _WRITABLE
        }  # fmt: skip
    values: dict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    write, stale = [], []
    for one in wanted:
        now = fresh.get((one.person_id, one.field))
        if one.person_id in held:
            continue
        if now is None or (now.version, now.kind) != (one.version, one.kind) or now.here[:200] != one.here:
            stale.append((one, now))
            continue
        values[one.person_id][one.field] = now.value  # type: ignore[index]
        write.append(one)
    if values:
        try:
            people.set_profiles(actor, values, source=f"offline:{back.pk}")
        except PeopleError as error:
            raise OfflineError(str(error)) from error
    with acting("writer"):
        _anew(stale)
        _decide(actor, write, decision, reason)
        _raise_versions(back, {person: before[person] for person in sorted(values)})
        finished = finish(actor, package, back)
    _note(actor, back, decision, write, stale=len(stale))
    return Settled(len(write), len(stale), len(held), finished=finished)


def _anew(stale: Sequence[tuple[OfflineItem, Found | None]]) -> None:
    """The platform moved on since: show what it says now. What is the same on both sides by now needs no decision."""
    for one, now in stale:
        if now is None:
            one.decision, one.reason = Decision.NOTED, str(_("平台上已有变动, 两边已一致或不能再采用"))
        else:
            one.kind, one.here, one.version = now.kind, now.here[:200], now.version
    OfflineItem.objects.bulk_update(
        [one for one, _now in stale], ["decision", "reason", "kind", "here", "version"], batch_size=500
    )


def _raise_versions(back: HandBack, before: dict[uuid.UUID, int]) -> None:
    """Our own writing is no move of the platform: other items of these pupils that were compared with the record as it
    was `before` it stay good. What was compared with an older one has yet to be shown anew.
    """
    with connection.cursor() as c:
        c.execute(
            "update offline_item i set version = p.version from person p"
            " join unnest(%s::uuid[], %s::int[]) as b (person_id, version) on b.person_id = p.person_id"
            " where p.person_id = i.person_id and i.version = b.version and i.handback_id = %s and i.decision = 'open'",
            [list(before), list(before.values()), back.pk],
        )


def _keep(
    actor: Any, package: OfflinePackage, back: HandBack, found: list[OfflineItem], reason: str
) -> Settled:
    if any(i.kind not in _WRITABLE for i in found) and len(reason.strip()) < 2:
        raise OfflineError(_("保留平台、不采用离线表的, 请写明原因"))
    with acting("writer"):
        _decide(actor, found, Decision.KEPT, reason)
        finished = finish(actor, package, back)
    _note(actor, back, Decision.KEPT, found)
    return Settled(len(found), finished=finished)


def _case(actor: Any, package: OfflinePackage, back: HandBack, one: OfflineItem) -> Settled:
    """Begin the business by which a fact is changed, with what the copy says filled in."""
    with acting("writer"):
        line = next((x for x in lines_of(back) if x.row_no == one.row_no), None)
    if line is None or one.person_id is None:
        raise OfflineError(_("交回的表里没有这一行了"))
    fact = said(line, one.field)
    if fact.why:
        raise OfflineError(fact.why)
    business, form = _business(back, one, fact.value)
    if business not in KINDS:
        raise OfflineError(_("这项变动不由本校在这里发起: 转出由转入学校发起; 其他请在学生页面办理"))
    try:
        case = changes.start(actor, business=business, person_id=one.person_id)
        if form:
            # Through the form of the business: what it would not take from a page must not stand in a draft either.
            bound = KINDS[business].form(case, {**case.form, **form})
            if not bound.is_valid():
                raise OfflineError(str(next(iter(bound.errors.values()))[0]))
            case = changes.save_draft(actor, case_id=case.case_id, form={**case.form, **bound.values()})
    except CaseError as error:
        raise OfflineError(error.message) from error
    with acting("writer"):
        one.case_id = case.case_id
        _decide(actor, [one], Decision.CASE, "")
        finished = finish(actor, package, back)
    _note(actor, back, Decision.CASE, [one])
    return Settled(1, case_id=case.case_id, finished=finished)


def _business(back: HandBack, one: OfflineItem, text: str) -> tuple[str, dict[str, Any]]:
    if one.field in _KEY:
        form = {_KEY[one.field]: _SEX_OF.get(text, text) if one.field == "sex" else text}
        if one.field == "id_number":
            form["new_id_type"] = "1"
        return "correct_key", form
    if one.field == "place":
        names = {label: pk for pk, label in updating.classes(intake.school_facts(back.school_id))}
        if text not in names:
            raise OfflineError(_("本校没有“%s”这个班, 请先在“班级年级”里新建或改正班名") % text)
        return "change_class", {"to_class_id": names[text]}
    if one.field == STATUS:
        target = BY_WORD.get(text)
        if target is None:
            raise OfflineError(_("看不懂学籍状态“%s”") % text)
        if target == Status.STUDYING:
            return _BACK.get(BY_WORD.get(one.here, Status.NONE), "return"), {}
        return _BY_STATE.get(target, ""), {}
    return "", {}


def _import(actor: Any, package: OfflinePackage, back: HandBack, found: list[OfflineItem]) -> Settled:
    """Children who came meanwhile, as a batch of the import: checked there like every other sheet."""
    wanted = {i.row_no for i in found}
    with acting("writer"):
        lines = [x for x in lines_of(back) if x.row_no in wanted]
    # Every column of the import, so that what the sheet did not ask for can be filled in on the batch's page.
    heads = national_form.fields()
    data = write_table(
        [SheetColumn(label=f.name) for f in heads], [[_typed(x, f.key) for f in heads] for x in lines]
    )
    name = _("离线新增-%(package)s-%(n)s.xlsx") % {"package": package.pk, "n": back.number}
    try:
        batch = intake_commands.upload(actor, data, name)
    except IntakeError as error:
        raise OfflineError(error.message) from error
    with acting("writer"):
        for one in found:
            one.batch_id = batch.pk
        _decide(actor, found, Decision.BATCH, "")
        finished = finish(actor, package, back)
    _note(actor, back, Decision.BATCH, found)
    return Settled(len(found), batch_id=batch.pk, finished=finished)


def _typed(line: Line, key: str) -> str:
    """What the sheet of a package says for a column of the import."""
    if key == "class_no":
        return line.text("place")
    if key == "id_type":
        return "1" if line.text("id_number") else ""
    return line.text(key)


def _decide(actor: Any, found: Sequence[OfflineItem], decision: Decision, reason: str) -> None:
    now = timezone.now()
    for one in found:
        one.decision, one.reason = decision, reason.strip()[:300]
        one.decided_by, one.decided_name, one.decided_at = actor.user_id, actor.user_name, now
    OfflineItem.objects.bulk_update(
        found,
        ["decision", "reason", "decided_by", "decided_name", "decided_at", "case_id", "batch_id"],
        batch_size=500,
    )


def _note(
    actor: Any, back: HandBack, decision: Decision, found: Sequence[OfflineItem], *, stale: int = 0
) -> None:
    record(
        actor,
        "offline.apply" if decision == Decision.APPLIED else "offline.settle",
        object_type="offline_package",
        object_id=back.package_id,
        after={
            "number": back.number,
            "decision": str(decision),
            "items": len(found),
            "fields": sorted({i.field for i in found if i.field}),
            "stale": stale,
        },
        row_count=len(found),
        persons=sorted({i.person_id for i in found if i.person_id}) or None,
    )


__all__ = ["Settled", "apply", "report", "settle"]
