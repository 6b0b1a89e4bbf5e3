"""Facts about guardianship and what they close: recorded with a paper, confirmed by the head, effective by the day.

The database reads them at every entry of a family's account (`children.sql`); nothing here opens or closes by itself.
民法典 36 (撤销监护资格), 1111 (收养); 未成年人保护法 24, 108; courts' protection orders.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.audit.commands import record as tell
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.files.content import FileRefused
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import commands as people
from xueji.registry.people.models import Guardian

from .errors import FamilyError
from .models import Guardianship, Invitation

LEAST_PAPER = 4


@dataclass(frozen=True)
class Kind:
    """One kind of fact: its name, what it does in words, how it works."""

    label: Any
    effect: Any
    #: "closes" and "narrows" work at once; "opens" only when confirmed; "tells" changes nothing.
    works: str
    #: Whether it concerns one guardian ("protected" may name nobody).
    of_guardian: bool = True


KINDS: dict[str, Kind] = {
    "full": Kind(gettext_lazy("单独监护(抚养)"), gettext_lazy("只作登记, 不改变谁能查看"), "tells"),
    "shared": Kind(gettext_lazy("共同监护(抚养)"), gettext_lazy("只作登记, 不改变谁能查看"), "tells"),
    "revoked": Kind(gettext_lazy("撤销监护资格"), gettext_lazy("这位监护人从当日起什么都看不到"), "closes"),
    "court_all": Kind(
        gettext_lazy("法院裁定: 不得查阅"), gettext_lazy("这位监护人从当日起什么都看不到"), "closes"
    ),
    "court_contact": Kind(
        gettext_lazy("法院裁定: 不得知悉住址和联系方式"),
        gettext_lazy("这位监护人看不到住址、电话、其他家庭成员和办理材料"),
        "narrows",
    ),
    "court_school": Kind(
        gettext_lazy("法院裁定: 不得知悉学校"),
        gettext_lazy("这位监护人看不到学校、班级、学籍变动、证明和办理材料"),
        "narrows",
    ),
    "protected": Kind(
        gettext_lazy("家庭住址保密"),
        gettext_lazy(
            "除所选的监护人外, 其他监护人看不到住址、电话、学校和转学去向; 工作人员中只有本校学籍管理员和主管领导能看"
        ),
        "narrows",
        of_guardian=False,
    ),
    "adopted": Kind(
        gettext_lazy("送养(收养关系成立)"),
        gettext_lazy("原监护人从当日起什么都看不到, 包括改名前后的姓名; 新的监护人用邀请码开通"),
        "closes",
    ),
    "died": Kind(gettext_lazy("监护人死亡"), gettext_lazy("这个账号从当日起看不到孩子"), "closes"),
    "adult": Kind(
        gettext_lazy("成年后的监护(法院指定或协议)"),
        gettext_lazy("学生年满18周岁后, 这位监护人仍可查看"),
        "opens",
    ),
}  # fmt: skip


def put(
    actor: Any,
    person_id: uuid.UUID,
    *,
    kind: str,
    guardian_no: int | None,
    since: date,
    paper: str,
    words: str = "",
    file: tuple[str, bytes] | None = None,
) -> Guardianship:
    """The registrar of the child's school records a fact with the paper it rests on; what protects works from its day.

    Open invitation codes of whoever loses the sight end in the same transaction. Raises PermissionDenied, Http404,
    `FamilyError`.
    """
    actor.require("guardian.record")
    row = _own_child(actor, person_id)
    if kind not in KINDS:
        raise FamilyError(_("请选择登记什么"))
    if len(paper.strip()) < LEAST_PAPER:
        raise FamilyError(_("请写明依据的文书, 如法院名称和文号、收养登记证号"))
    with transaction.atomic():
        with acting("writer"):
            known = set(Guardian.objects.filter(person_id=person_id).values_list("guardian_no", flat=True))
        if guardian_no is None and KINDS[kind].of_guardian:
            raise FamilyError(_("请选择是哪一位监护人"))
        if guardian_no is not None and guardian_no not in known:
            raise FamilyError(_("没有这位监护人"))
        fact = Guardianship(
            person_id=person_id,
            guardian_no=guardian_no,
            kind=kind,
            since=since,
            paper=paper.strip()[:120],
            words=words.strip()[:500],
            file_id=_keep(actor, row.school_id, file),
            school_id=row.school_id,
            recorded_by=actor.user_id,
            recorded_name=actor.user_name[:50],
        )
        with acting("writer"):
            fact.save(force_insert=True)
        _follow(actor, person_id)
        _note(actor, "family.guardianship.put", fact)
    return fact


def lift(
    actor: Any,
    fact_id: int,
    *,
    since: date,
    paper: str,
    words: str = "",
    file: tuple[str, bytes] | None = None,
) -> Guardianship:
    """The registrar asks for a fact to be lifted; nothing changes until the head has confirmed it.

    Raises PermissionDenied, Http404, `FamilyError`.
    """
    actor.require("guardian.record")
    with transaction.atomic():
        fact = _locked(fact_id)
        row = _own_child(actor, fact.person_id)
        if fact.lifts_id is not None:
            raise Http404
        with acting("writer"):
            open_now = fact.liftings.exclude(decision="refused").exists()
        if open_now or fact.decision == "refused":
            raise FamilyError(_("这一项已经解除, 或解除正在等主管领导确认"))
        if len(paper.strip()) < LEAST_PAPER:
            raise FamilyError(_("请写明依据的文书, 如法院名称和文号、收养登记证号"))
        made = Guardianship(
            person_id=fact.person_id,
            guardian_no=fact.guardian_no,
            kind=fact.kind,
            lifts_id=fact.pk,
            since=since,
            paper=paper.strip()[:120],
            words=words.strip()[:500],
            file_id=_keep(actor, row.school_id, file),
            school_id=row.school_id,
            recorded_by=actor.user_id,
            recorded_name=actor.user_name[:50],
        )
        with acting("writer"):
            made.save(force_insert=True)
        _note(actor, "family.guardianship.lift", made)
    return made


def decide(actor: Any, fact_id: int, *, agreed: bool, words: str = "") -> Guardianship:
    """The head of the child's school confirms or refuses what the registrar recorded.

    A refused limit ends; a confirmed lifting works from its day. Raises PermissionDenied, Http404, `FamilyError`.
    """
    actor.require("guardian.confirm")
    with transaction.atomic():
        fact = _locked(fact_id)
        _own_child(actor, fact.person_id)
        if fact.decision:
            raise FamilyError(_("这一项已经确认过了"))
        if fact.recorded_by == actor.user_id:
            raise FamilyError(_("登记和确认要由两个人办理"))
        if not agreed and len(words.strip()) < LEAST_PAPER:
            raise FamilyError(_("不确认的, 请写明理由"))
        fact.decision = "confirmed" if agreed else "refused"
        fact.decided_by, fact.decided_name = actor.user_id, actor.user_name[:50]
        fact.decided_at, fact.decided_words = timezone.now(), words.strip()[:500]
        with acting("writer"):
            fact.save(update_fields=["decision", "decided_by", "decided_name", "decided_at", "decided_words"])
        _follow(actor, fact.person_id)
        _note(actor, "family.guardianship.decide", fact)
    return fact


def sights(person_id: uuid.UUID, numbers: list[int], day: date | None = None) -> dict[int, int]:
    """What each of these guardians may see on a day: 0 nothing, else 1 with 2 (school) and 4 (contact). One query."""
    if not numbers:
        return {}
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select n, xueji_sight(%s, n, %s) from unnest(%s::int[]) n",
            [person_id, day or timezone.localdate(), numbers],
        )
        return dict(c.fetchall())


def follow_day(day: date | None = None) -> int:
    """Once a day: homes whose protection begins or ends on its own day are guarded or opened; returns how many.

    Sight itself needs no job: the database asks the day at every entry.
    """
    day = day or timezone.localdate()
    with transaction.atomic(), acting("writer"):
        people_ids = list(
            Guardianship.objects.filter(kind="protected", since=day)
            .values_list("person_id", flat=True)
            .distinct()[:5000]
        )
        for person_id in people_ids:
            people.guard(person_id, _protected(person_id, day))
    return len(people_ids)


def _follow(actor: Any, person_id: uuid.UUID) -> None:
    """What is derived from the facts: guarded homes, and the codes of whoever may not see the child any more."""
    today = timezone.localdate()
    with acting("writer"):
        people.guard(person_id, _protected(person_id, today))
        codes = list(
            Invitation.objects.filter(
                person_id=person_id, used_at=None, ended_at=None, guardian_no__isnull=False
            )
        )
    seen = sights(person_id, [c.guardian_no for c in codes if c.guardian_no is not None], today)
    shut = [c.pk for c in codes if c.guardian_no is not None and not seen[c.guardian_no]]
    if shut:
        with acting("writer"):
            Invitation.objects.filter(pk__in=shut).update(ended_at=timezone.now())


def _protected(person_id: uuid.UUID, day: date) -> bool:
    facts = Guardianship.objects.filter(
        person_id=person_id, kind="protected", lifts=None, since__lte=day
    ).exclude(decision="refused")
    lifted = Guardianship.objects.filter(
        person_id=person_id, kind="protected", decision="confirmed", since__lte=day
    ).exclude(lifts=None)
    return bool(set(facts.values_list("pk", flat=True)) - set(lifted.values_list("lifts_id", flat=True)))


def require_child(actor: Any, person_id: uuid.UUID) -> None:
    """Raise Http404 unless the child is at the actor's school now."""
    _own_child(actor, person_id)


def _own_child(actor: Any, person_id: uuid.UUID) -> Any:
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    return row


def _locked(fact_id: int) -> Guardianship:
    with acting("writer"):
        fact = Guardianship.objects.select_for_update().filter(pk=fact_id).first()
    if fact is None:
        raise Http404
    return fact


def _keep(actor: Any, school_id: int, file: tuple[str, bytes] | None) -> uuid.UUID | None:
    """The paper as a file of the school alone: without the child's key, so that no parent's scope opens it."""
    if file is None:
        return None
    try:
        kept = files.store(actor, file[1], name=file[0], purpose="guardianship", readers=[school_id])
    except FileRefused as error:
        raise FamilyError(error.message) from error
    return kept.id


def _note(actor: Any, action: str, fact: Guardianship) -> None:
    tell(
        actor,
        action,
        object_type="guardianship",
        object_id=fact.pk,
        person_id=fact.person_id,
        purpose=fact.paper,
        after={
            "kind": fact.kind,
            "guardian_no": fact.guardian_no,
            "since": fact.since.isoformat(),
            "lifts": fact.lifts_id,
            "decision": fact.decision,
        },
    )
