"""Signing the promise, taking the lesson, writing down a training held elsewhere, the unit's own words and rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.http import Http404
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.roles import STAFF
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from .. import queries, words
from ..errors import DutyError
from ..models import DutyRule, Training, Undertaking, UndertakingText


def sign(actor: Actor, *, name: str, text_id: int | None) -> Undertaking:
    """The owner of the account signs the words in force (C-ROL-09; 个人信息保护法 51).

    `text_id` is the version that the signer read: signing another than the one in force is refused. Raises
    DutyError, PermissionDenied for families.
    """
    if actor.is_portal:
        raise PermissionDenied
    if "".join(name.split()) != "".join(actor.user_name.split()):
        raise DutyError(_("请输入您在系统中的姓名“%(name)s”作为签名") % {"name": actor.user_name})
    words_now = queries.text_of(actor.user_id)
    if words_now.text_id != text_id:
        raise DutyError(_("承诺书刚刚更新, 请看过新的内容再签"))
    row = Undertaking(
        user_id=actor.user_id,
        org_id=actor.org_id,
        text_id=text_id,
        name=actor.user_name,
        signed_on=today(),
        address=actor.address,
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    record(
        actor,
        "duty.sign",
        object_type="undertaking",
        object_id=row.pk,
        after={"text": text_id, "version": words_now.version},
    )
    return row


def pass_lesson(actor: Actor, answers: Mapping[str, str]) -> Training:
    """Keep the built-in lesson as taken when every question is answered rightly. Raises DutyError."""
    if actor.is_portal:
        raise PermissionDenied
    wrong = [n for n, q in enumerate(words.QUESTIONS, 1) if answers.get(q.key) != str(q.right)]
    if wrong:
        raise DutyError(_("第 %s 题不对, 请对照上面的规定再答") % "、".join(map(str, wrong)))
    return _keep(
        actor,
        actor.user_id,
        actor.org_id,
        topic=str(words.LESSON_TOPIC),
        done_on=today(),
        hours=Decimal(words.LESSON_HOURS),
        trainer=_("系统自学"),
        evidence=_("在线答题, 全部答对"),
    )


def write_training(
    actor: Actor,
    user_ids: Sequence[int],
    *,
    topic: str,
    done_on: date,
    hours: str,
    trainer: str,
    evidence: str = "",
) -> int:
    """Write down a training of colleagues of the unit that was held in a room; returns how many.

    Nobody writes down his own. Raises DutyError, Http404 for somebody of another unit.
    """
    actor.require("duty.train")
    if not user_ids:
        raise DutyError(_("请选择参加培训的人员"))
    if not topic.strip() or not trainer.strip():
        raise DutyError(_("请填写培训内容和主讲人"))
    if done_on > today():
        raise DutyError(_("培训日期不能晚于今天"))
    try:
        length = Decimal(hours)
    except InvalidOperation:
        raise DutyError(_("请填写学时, 例如 2")) from None
    if not 0 < length <= 100:
        raise DutyError(_("请填写学时, 例如 2"))
    if actor.user_id in user_ids:
        raise DutyError(_("本人的培训由他人登记, 或在线学习后自动登记"))
    units = queries.unit_people(actor, list(user_ids))
    if set(units) != set(user_ids):
        raise Http404
    for user_id in user_ids:
        _keep(
            actor,
            user_id,
            units[user_id],
            topic=topic.strip()[:100],
            done_on=done_on,
            hours=length,
            trainer=trainer.strip()[:60],
            evidence=evidence.strip()[:200],
        )
    return len(user_ids)


def _keep(
    actor: Actor,
    user_id: int,
    org_id: int | None,
    *,
    topic: str,
    done_on: date,
    hours: Decimal,
    trainer: str,
    evidence: str,
) -> Training:
    row = Training(
        user_id=user_id,
        org_id=org_id,
        topic=topic,
        done_on=done_on,
        hours=hours,
        trainer=trainer,
        evidence=evidence,
        written_by=actor.user_id,
    )
    with transaction.atomic(), acting("writer"):
        row.save(force_insert=True)
    record(
        actor,
        "duty.train",
        object_type="user",
        object_id=user_id,
        after={"topic": topic, "on": done_on.isoformat(), "hours": str(hours)},
    )
    return row


def write_text(actor: Actor, body: str) -> UndertakingText:
    """A new version of the words for the security administrator's unit and all below: everybody signs anew."""
    actor.require("duty.text")
    text = "\n".join(line.strip() for line in body.strip().splitlines() if line.strip())
    if len(text) < 50:
        raise DutyError(_("承诺书内容太短, 至少50字"))
    if actor.org_id is None:
        raise PermissionDenied
    with transaction.atomic(), acting("writer"):
        last = UndertakingText.objects.filter(org_id=actor.org_id).aggregate(n=Max("version"))["n"] or 0
        row = UndertakingText(
            org_id=actor.org_id, version=last + 1, body=text[:8000], written_by=actor.user_id
        )
        row.save(force_insert=True)
    record(
        actor, "duty.text", object_type="undertaking_text", object_id=row.pk, after={"version": row.version}
    )
    return row


def set_rule(actor: Actor, roles: Sequence[str], months: int) -> None:
    """Who must have signed and learned in this installation; the administrator of its topmost unit alone."""
    actor.require("duty.text")
    if actor.org_path.count("/") != 2:
        raise PermissionDenied(_("由最上级单位的安全管理员设置"))
    if not 1 <= months <= 36:
        raise DutyError(_("有效期填 1 至 36 个月"))
    kept = sorted(r for r in STAFF if r in roles)
    with transaction.atomic(), acting("writer"):
        before = DutyRule.objects.select_for_update().get(pk=1)
        DutyRule.objects.filter(pk=1).update(roles=kept, months=months)
    record(
        actor,
        "duty.rule",
        object_type="duty_rule",
        object_id=1,
        before={"roles": before.roles, "months": before.months},
        after={"roles": kept, "months": months},
    )
