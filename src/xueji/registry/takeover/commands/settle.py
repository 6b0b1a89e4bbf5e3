"""Differences, one by one: taken over through the business that is made for it, reported there, or left with a reason."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.registry.changes import commands as changes
from xueji.registry.changes.business import KINDS
from xueji.registry.changes.business.details import changeable
from xueji.registry.changes.errors import CaseError
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.intake import queries as intake
from xueji.registry.intake.places import SchoolFacts
from xueji.registry.people import commands as people
from xueji.registry.people.errors import PeopleError
from xueji.registry.people.places import SEALED_KINDS

from .. import queries, staging
from ..errors import TakeoverError
from ..layout import BUSINESS_OF, NUMBER, STATUS
from ..models import Decision, DifferenceKind, RowState, Takeover, TakeoverDifference, TakeoverState
from ..publishing import AUXILIARY
from ..staging import Staged
from .bring import _end, opened, policy_of

_OPEN = (TakeoverState.CHECKED, TakeoverState.PUBLISHED)
#: Key facts and the names that the case for them uses.
_KEY = {"name": "new_name", "sex": "new_sex", "birth_date": "new_birth_date", "id_number": "new_number"}
_NUMBERS = (NUMBER, "auxiliary_number")
#: At most so many differences are decided with one press.
MANY = 200


def settle(
    actor: Any, takeover_id: int, difference_ids: list[int], how: str, reason: str = ""
) -> list[TakeoverDifference]:
    """Decide differences: `take` what the export says (by the proper business; numbers by the head), `report` there,
    or `leave` with a reason. All or none.

    Raises PermissionDenied, Http404, `TakeoverError`.
    """
    queries.takeover(actor, takeover_id)
    if how not in ("take", "report", "leave"):
        raise TakeoverError(_("请选择怎样处理"))
    if not difference_ids or len(difference_ids) > MANY:
        raise TakeoverError(_("请选择 1 至 %s 项差异") % MANY)
    if how == "take" and len(difference_ids) > 1:
        raise TakeoverError(_("按导出表改正要逐项办理"))
    if how == "leave" and len(reason.strip()) < 2:
        raise TakeoverError(_("请写明保留不动的原因"))
    with transaction.atomic():
        takeover = opened(actor, takeover_id, *_OPEN)
        found = [queries.difference(takeover, i) for i in sorted(set(difference_ids))]
        if not (how == "take" and found[0].field in _NUMBERS):
            actor.require("takeover.run")
        if any(one.decision != Decision.OPEN for one in found):
            raise TakeoverError(_("这项差异刚刚已经处理, 请刷新页面查看"))
        for one in found:
            if how == "take":
                _take(actor, takeover, one)
            else:
                one.decision = Decision.REPORT if how == "report" else Decision.LEAVE
                _left_out(takeover, one)
            one.reason = reason.strip()[:300]
            one.decided_by, one.decided_name, one.decided_at = actor.user_id, actor.user_name, timezone.now()
            with acting("writer"):
                one.save()
        record(
            actor,
            "takeover.settle",
            object_type="takeover",
            object_id=takeover_id,
            persons=[one.person_id for one in found if one.person_id],
            purpose=reason.strip()[:200],
            after={
                "how": how,
                "differences": [one.pk for one in found],
                "fields": sorted({o.field for o in found}),
            },
        )
    return found


def _left_out(takeover: Takeover, one: TakeoverDifference) -> None:
    """Whoever stands only in the export is not put on record then; a business under way is noted on the record."""
    if one.kind == DifferenceKind.THERE and one.row_no is not None:
        with acting("intake"):
            staging.mark(takeover.pk, RowState.NEW, RowState.LEFT, one.row_no)
            takeover.counts = {**takeover.counts, **staging.counts(takeover.pk)}
            takeover.version += 1
            takeover.save()


def _take(actor: Any, takeover: Takeover, one: TakeoverDifference) -> None:
    """By the business that is made for it. What only the rows hold is opened for this one row."""
    if one.kind == DifferenceKind.THERE:
        raise TakeoverError(_("只在导出表里的学生: 可以接管的一起接管; 在其他学校的请办理转入"))
    if one.kind == DifferenceKind.HERE or one.person_id is None:
        raise TakeoverError(_("导出表里没有这名学生, 离校要办理相应业务; 或者选择在官方系统更正、保留不动"))
    if one.kind == DifferenceKind.PENDING:
        _continue(actor, one)
        return
    with acting("intake"):
        rows = staging.read(takeover.pk, list(RowState), row_no=one.row_no)
    if not rows:
        raise TakeoverError(_("导出表的内容已按保管期限清除, 请重新上传"))
    row, school = rows[0], intake.school_facts(takeover.school_id)
    if one.field in _NUMBERS:
        _number(actor, takeover, one, row, school)
        return
    business, form = _case(one, row, school)
    if business not in KINDS:
        raise TakeoverError(_("这一项不能在这里改, 请在学生页面办理相应业务"))
    _draft(actor, one, business, form)


def _case(one: TakeoverDifference, row: Staged, school: SchoolFacts) -> tuple[str, dict[str, Any]]:
    """Which business brings the record to what the export says, and what is filled in already."""
    if one.field in _KEY:
        form = {_KEY[one.field]: row.values[one.field]}
        if one.field == "id_number":
            form["new_id_type"] = row.values["id_type"]
        return "correct_key", form
    if one.field == STATUS:
        last = row.links[-1]["business"] if row.links else ""
        return (BUSINESS_OF.get(row.status) or (last if last in KINDS else "resume")), {}
    if one.field == "class_no":
        have = school.classes.get(row.seat_key) if row.seat_key else None
        if have is None:
            raise TakeoverError(_("本系统还没有这个班, 请先在“班级年级”里新建"))
        return "change_class", {"to_class_id": have[0]}
    spec = changeable().get(one.field)
    if spec is None:
        return "", {}
    value = str(row.values[one.field])
    where = "secret" if spec.sensitive in SEALED_KINDS else "changes"
    return "correct", {"initiator": "学校", where: {one.field: value}}


def _draft(actor: Any, one: TakeoverDifference, business: str, form: dict[str, Any]) -> None:
    try:
        case = changes.start(actor, business=business, person_id=one.person_id)
        if form:
            changes.save_draft(actor, case_id=case.case_id, form={**case.form, **form})
    except CaseError as error:
        raise TakeoverError(error.message) from error
    one.case_id, one.decision = case.case_id, Decision.CASE


def _continue(actor: Any, one: TakeoverDifference) -> None:
    """A half-done business goes on here: its case is begun, and sent at once when nothing is missing; otherwise it
    waits as a draft that says what is missing. What no case is made for stands as a note on the record."""
    kind = KINDS.get(one.field)
    if kind is None or kind.lookup:
        assert one.person_id is not None
        enrolment.write_event(
            actor, one.person_id, business=one.field, at=timezone.now(), reason=one.there[:300],
            detail={"takeover": one.takeover_id, "pending": one.there},
        )  # fmt: skip
        one.decision = Decision.TAKEN
        return
    _draft(actor, one, one.field, {})
    assert one.case_id is not None
    try:
        with transaction.atomic():
            changes.submit(actor, case_id=one.case_id)
    except CaseError:
        return  # the draft's page names what is missing


def _number(
    actor: Any, takeover: Takeover, one: TakeoverDifference, row: Staged, school: SchoolFacts
) -> None:
    """A number of the official system is taken over as it is, by the head."""
    assert one.person_id is not None
    now = timezone.now()
    told = _("按原系统 %s 导出的名册改正") % takeover.as_of.isoformat()
    event = enrolment.write_event(
        actor, one.person_id, business="number", at=now, reason=str(told), detail={"takeover": takeover.pk}
    )
    try:
        if one.field == NUMBER:
            people.adopt_number(actor, one.person_id, row.number, at=now, event_id=event)
        else:
            scheme = policy_of(school)[1]
            people.adopt_number(
                actor, one.person_id, row.values["auxiliary_number"], scheme=scheme.id if scheme else AUXILIARY, at=now,
                event_id=event,
            )  # fmt: skip
    except PeopleError as error:
        raise TakeoverError(str(error)) from error
    enrolment.correct_roster(one.person_id)
    one.decision = Decision.TAKEN


def report_book(actor: Any, takeover_id: int) -> tuple[str, bytes]:
    """What is to be put right in the official system, as a workbook in the layout of its lists; masked, audited.

    Raises PermissionDenied, Http404.
    """
    actor.require("takeover.run")
    queries.takeover(actor, takeover_id)
    rows = list(
        TakeoverDifference.objects.filter(takeover_id=takeover_id, decision=Decision.REPORT).order_by(
            "place", "pk"
        )[:20_000]
    )
    with transaction.atomic():
        record(
            actor,
            "takeover.report",
            object_type="takeover",
            object_id=takeover_id,
            persons=[one.person_id for one in rows if one.person_id],
            row_count=len(rows),
        )
    labels = (
        _("姓名"),
        _("年级班级"),
        _("差异"),
        _("项目"),
        _("官方系统现在的内容"),
        _("应更正为"),
        _("说明"),
    )
    data = write_table(
        [SheetColumn(label=str(x)) for x in labels],
        (
            [
                one.name,
                one.place,
                str(DifferenceKind(one.kind).label),
                queries.what(one),
                one.there or "—",
                one.here or "—",
                one.reason,
            ]
            for one in rows
        ),
        title=str(_("需在官方系统更正的学籍信息")),
        watermark=f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}",
    )
    return f"{_('官方系统更正单')}-{takeover_id}.xlsx", data


def close(actor: Any, takeover_id: int) -> Takeover:
    """End a takeover: its rows are forgotten; hash, counts, totals and every decision stay as history.

    Raises Http404, `TakeoverError` while differences are open.
    """
    actor.require("takeover.run")
    with transaction.atomic():
        takeover = opened(actor, takeover_id, *_OPEN)
        left = TakeoverDifference.objects.filter(takeover_id=takeover_id, decision=Decision.OPEN).count()
        if left:
            raise TakeoverError(_("还有 %s 项差异没有处理, 不能结束") % left)
        with acting("intake"):
            _end(takeover, TakeoverState.CLOSED)
        record(actor, "takeover.close", object_type="takeover", object_id=takeover_id, after=takeover.counts)
    return takeover


__all__ = ["close", "report_book", "settle"]
