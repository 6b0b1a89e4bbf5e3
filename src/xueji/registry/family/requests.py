"""What families ask for about a record, and the answers: correction, deletion, appeal (C-INF-07)."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.roles import Role
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org, School
from xueji.ground.policy import places
from xueji.ground.policy.calendar import add_workdays
from xueji.ground.waiting import Ask, Heap, Rows, day
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import REGISTERED, EnrolmentState
from xueji.registry.people.models import Person

from .errors import FamilyError
from .models import FamilyRequest, RequestState
from .sight import age

KINDS = {
    "correct": gettext_lazy("更正信息"),
    "delete": gettext_lazy("删除信息"),
    "stop": gettext_lazy("停止使用"),
    "explain": gettext_lazy("解释处理规则"),
    "object": gettext_lazy("对办理结果有意见"),
    "copy": gettext_lazy("查阅或复制不向我显示的信息"),
}
#: Asked of the authority alone, by whoever must not know the school: others read and copy on their own page.
DIRECT_ALONE = frozenset({"copy"})
#: What a request may be about; the key ones are corrected with papers and the authority's approval.
KEY_FIELDS = {
    "name": gettext_lazy("姓名"),
    "identity": gettext_lazy("身份证件号"),
    "sex": gettext_lazy("性别"),
    "birth_date": gettext_lazy("出生日期"),
}
FIELDS = KEY_FIELDS | {
    "nationality": gettext_lazy("民族、国籍"),
    "household": gettext_lazy("户口"),
    "address": gettext_lazy("住址"),
    "guardian": gettext_lazy("家长和监护人"),
    "phone": gettext_lazy("联系电话"),
    "photo": gettext_lazy("照片"),
    "optional": gettext_lazy("选填信息(血型、特长、邮箱、工作单位等)"),
    "class": gettext_lazy("学校、班级、学籍状态"),
    "other": gettext_lazy("其他"),
}
WAITING = (RequestState.ASKED, RequestState.APPEALED)
#: What the law does not order: it goes when the family says so (个人信息保护法 47).
VOLUNTARY = frozenset({"optional", "other"})
#: A family may have so many requests about one child unanswered at a time.
OPEN_AT_ONCE = 5
LEAST_WORDS = 5


def keeping(kind: str, field: str) -> str:
    """Why an item is kept although somebody asks to delete it or to stop: reason and articles; empty where it may go."""
    if kind not in ("delete", "stop") or field in VOLUNTARY:
        return ""
    return _(
        "“%(field)s”是法律规定建立和保存学籍档案必须有的信息(个人信息保护法第十三条第三项、中小学生学籍管理办法), "
        "保存期限没有届满, 依照个人信息保护法第四十七条不能删除。信息不对的, 可以申请更正; 除保存和采取必要的安全保护"
        "措施之外的其他处理, 学校会停止。"
    ) % {"field": FIELDS[field]}


def ask(
    actor: Any,
    person_id: uuid.UUID,
    *,
    kind: str,
    field: str,
    wanted: str,
    words: str,
    private: bool = False,
) -> FamilyRequest:
    """A parent or pupil asks the child's present school; a pupil of fourteen or more may keep it from the parents.

    Raises Http404, PermissionDenied, `FamilyError`.
    """
    if not actor.is_portal:
        raise PermissionDenied
    if person_id not in actor.persons:
        raise Http404
    _askable(kind, field, wanted, direct=False)
    row = enrolment.get_row(actor, person_id)
    today = timezone.localdate()
    if private and not own_matter(actor, row.birth_date, today):
        raise FamilyError(_("满14周岁的学生本人才能选“不告诉家长”"))
    with transaction.atomic(), acting("writer"):
        Person.objects.select_for_update(no_key=True).get(pk=person_id)
        open_now = FamilyRequest.objects.filter(person_id=person_id, state__in=WAITING, direct=False).count()
        if open_now >= OPEN_AT_ONCE:
            raise FamilyError(_("还有 %s 件没有答复, 请等学校答复后再提") % open_now)
        made = FamilyRequest.objects.create(
            person_id=person_id,
            name=row.name,
            class_name=(row.class_name or row.grade_label)[:60],
            school_id=row.school_id,
            kind=kind,
            field=field,
            wanted=wanted.strip()[:200],
            words=_said(words),
            private=private,
            asked_by=actor.user_id,
            due_on=_due(row.school_id, today),
        )
    _tell(actor, "family.ask", made)
    return made


def goes_direct(actor: Any, person_id: uuid.UUID) -> bool:
    """Whether this account must not know the child's school, so that the school cannot be asked. Raises Http404."""
    if not actor.is_portal:
        raise PermissionDenied
    if person_id not in actor.persons:
        raise Http404
    with connection.cursor() as c:
        c.execute("select coalesce(%s = any(xueji_no_school()), false)", [person_id])
        return bool(c.fetchone()[0])


def ask_authority(
    actor: Any, person_id: uuid.UUID, *, kind: str, field: str, wanted: str, words: str
) -> FamilyRequest:
    """A guardian from whom the school is withheld asks the authority in charge; neither is named to him.

    His right to see, copy, correct and complain stays (个人信息保护法 45, 46, 50, 65): a court took the knowledge of the
    school from him, not the guardianship. Raises PermissionDenied, Http404, `FamilyError`.
    """
    if not goes_direct(actor, person_id):
        raise Http404
    _askable(kind, field, wanted, direct=True)
    today = timezone.localdate()
    with transaction.atomic(), acting("writer"):
        child = Person.objects.select_for_update(no_key=True).get(pk=person_id)
        link = (
            EnrolmentState.objects.filter(
                person_id=person_id, kind=REGISTERED, valid_from__lte=timezone.now()
            )
            .order_by("-valid_from")
            .first()
        )
        if link is None or link.school_id is None:
            raise FamilyError(_("孩子现在没有就读的学校。请用“举报违规处理学生信息”页面书面提出"))
        open_now = FamilyRequest.objects.filter(
            person_id=person_id, state__in=WAITING, direct=True, asked_by=actor.user_id
        ).count()
        if open_now >= OPEN_AT_ONCE:
            raise FamilyError(_("还有 %s 件没有答复, 请等主管部门答复后再提") % open_now)
        made = FamilyRequest.objects.create(
            person_id=person_id,
            name=child.name,
            school_id=link.school_id,
            appeal_org_id=School.objects.values_list("county_id", flat=True).get(pk=link.school_id),
            appealed_at=timezone.now(),
            kind=kind,
            field=field,
            wanted=wanted.strip()[:200],
            words=_said(words),
            direct=True,
            state=RequestState.APPEALED,
            asked_by=actor.user_id,
            due_on=_due(link.school_id, today),
        )
    _tell(actor, "family.ask", made)
    return made


def _askable(kind: str, field: str, wanted: str, *, direct: bool) -> None:
    if kind not in KINDS or field not in FIELDS or (kind in DIRECT_ALONE and not direct):
        raise FamilyError(_("请选择要办什么、是哪一项"))
    if kind == "correct" and field != "identity" and not wanted.strip():
        raise FamilyError(_("请写明正确的内容是什么"))


def own_matter(actor: Any, birth: date, today: date) -> bool:
    """Whether the actor is a pupil old enough to ask without the parents knowing (个人信息保护法 31)."""
    return bool(actor.role == Role.STUDENT and age(birth, today) >= 14)


def answer(actor: Any, request_id: int, *, agreed: bool, reply: str) -> FamilyRequest:
    """The registrar of the school answers, or after an appeal a clerk of its authority.

    Raises PermissionDenied, Http404, `FamilyError` (answered by a colleague meanwhile, no reason given).
    """
    actor.require("family.answer")
    with transaction.atomic(), acting("writer"):
        found = FamilyRequest.objects.select_for_update().filter(pk=request_id).first()
        if found is None or actor.org_id not in (found.school_id, found.appeal_org_id):
            raise Http404
        if not may_answer(actor, found):
            raise FamilyError(_("这件申请已经答复, 或不由您单位答复"))
        text, now = _said(reply), timezone.now()
        before = found.state
        if before == RequestState.ASKED:
            found.state = RequestState.DONE if agreed else RequestState.REFUSED
            found.reply, found.replied_by, found.replied_at = text, actor.user_id, now
        else:
            found.state = RequestState.UPHELD if agreed else RequestState.DISMISSED
            found.appeal_reply, found.appeal_replied_by, found.appeal_replied_at = text, actor.user_id, now
        found.save()
    _tell(actor, "family.answer", found, before=before)
    return found


def appeal(actor: Any, request_id: int, *, words: str) -> FamilyRequest:
    """The family turns to the authority in charge of the school, once. Raises Http404, `FamilyError`."""
    if not actor.is_portal:
        raise PermissionDenied
    today = timezone.localdate()
    with transaction.atomic(), acting("writer"):
        found = FamilyRequest.objects.select_for_update().filter(pk=request_id).first()
        if found is None or found.person_id not in actor.persons:
            raise Http404
        if not may_appeal(found, today):
            raise FamilyError(_("学校答复后(或过了答复期限)才能申诉, 一件申请只能申诉一次"))
        before = found.state
        found.appeal = _said(words)
        found.appeal_org_id = School.objects.values_list("county_id", flat=True).get(pk=found.school_id)
        found.appealed_at, found.due_on = timezone.now(), _due(found.school_id, today)
        found.state = RequestState.APPEALED
        found.save()
    _tell(actor, "family.appeal", found, before=before)
    return found


def may_answer(actor: Any, row: FamilyRequest) -> bool:
    """Whether it is the actor's turn."""
    if row.state == RequestState.ASKED:
        return bool(actor.role == Role.REGISTRAR and actor.org_id == row.school_id)
    return bool(
        row.state == RequestState.APPEALED
        and actor.role != Role.REGISTRAR
        and actor.can("family.answer")
        and actor.org_id == row.appeal_org_id
    )


def may_appeal(row: FamilyRequest, today: date) -> bool:
    """After the school's answer, or where none came in time; once."""
    if row.state == RequestState.ASKED:
        return row.due_on is not None and row.due_on < today
    return row.state in (RequestState.DONE, RequestState.REFUSED)


def listing(actor: Any, *, waiting: bool, limit: int = 100) -> list[FamilyRequest]:
    """Requests that wait for the actor's unit by day, or those that it has done with, newest first.

    What was asked of the authority at once is the school's to read when the authority has answered, not before.
    """
    actor.require("family.answer")
    rows = _mine(actor)
    if waiting:
        return list(rows.filter(state=_turn(actor)).order_by("due_on", "pk")[:limit])
    over = rows.exclude(state=_turn(actor)).exclude(direct=True, state=RequestState.APPEALED)
    return list(over.order_by("-pk")[:limit])


def waiting(actor: Any) -> Ask[Heap]:
    """What families asked of the actor's unit and nobody has answered yet."""
    today = timezone.localdate()

    def read(rows: Rows) -> Heap:
        n, late, due = rows[0]["n"], rows[0]["late"], day(rows[0]["due"])
        return Heap(
            _("家长、学生要求更正、删除或申诉"), n, "/requests/", _("%s 件") % n,
            _("有超期") if late else _("待答复"), due=due, late=bool(late),
        )  # fmt: skip

    return Ask(
        "select count(*) as n, count(*) filter (where due_on < %(today)s) as late, min(due_on) as due"
        f" from family_request where {_own(actor)} = %(org)s and state = %(state)s",
        {"today": today, "org": actor.org_id, "state": str(_turn(actor))},
        read,
    )


def one(actor: Any, request_id: int) -> FamilyRequest:
    """One request to the actor's unit. Raises Http404, PermissionDenied."""
    actor.require("family.answer")
    found = _mine(actor).filter(pk=request_id).first()
    if found is None:
        raise Http404
    return found


def of_child(person_id: uuid.UUID, limit: int = 20) -> list[FamilyRequest]:
    """What was asked about a child, newest first, as far as the scope covers it; one query."""
    return list(FamilyRequest.objects.filter(person_id=person_id).order_by("-pk")[:limit])


def _own(actor: Any) -> str:
    return "school_id" if actor.role == Role.REGISTRAR else "appeal_org_id"


def _mine(actor: Any) -> Any:
    return FamilyRequest.objects.filter(**{_own(actor): actor.org_id})


def _turn(actor: Any) -> RequestState:
    return RequestState.ASKED if actor.role == Role.REGISTRAR else RequestState.APPEALED


def _said(words: str) -> str:
    text = words.strip()
    if len(text) < LEAST_WORDS:
        raise FamilyError(_("请写明理由或经过, 至少 %s 个字") % LEAST_WORDS)
    return text[:1000]


def _due(school_id: int, today: date) -> date | None:
    """The day until which an answer is due by the rules of the school's place."""
    policy = places.policy_for(Org.objects.filter(pk=school_id).first(), today)
    days = policy.workdays("family.answer_days")
    return add_workdays(today, days) if days else None


def _tell(actor: Any, action: str, row: FamilyRequest, before: str = "") -> None:
    record(
        actor,
        action,
        object_type="family_request",
        object_id=row.pk,
        person_id=row.person_id,
        before={"state": before} if before else None,
        after={"state": str(row.state), "kind": row.kind, "field": row.field},
    )
