"""The second factor: enrolling, proving, taking away, and giving a way back to whoever lost it.

A try never raises inside its transaction: what it counted must stay. Codes and secrets reach no log and no audit.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from .. import totp
from ..actor import Actor
from ..models import Factor, FactorGuard, FactorKind, FactorRule, RecoveryCode, UserSession
from .manage import AccountError, _end_all, _target
from .signin import note_sign_in

LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
#: So many wrong codes without a right one between them, and only a reset by the account's manager helps.
CLOSE_AFTER = 20
MOST = 8
PENDING_FOR = timedelta(minutes=30)


class FactorRefused(Exception):
    """The second factor was not proven or not enrolled; `message` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def place(factor_id: uuid.UUID) -> str:
    """Where a factor's sealed part belongs."""
    return f"account_factor.sealed:{factor_id}"


def begin_totp(actor: Actor, session_key: str, name: str) -> uuid.UUID:
    """Make the secret of a new authenticator; it counts once a code of it was typed. Raises `FactorRefused`."""
    with transaction.atomic(), acting("writer"):
        may_enrol(actor, session_key)
        Factor.objects.filter(user_id=actor.user_id, confirmed_at=None).delete()
        row = Factor(user_id=actor.user_id, kind=FactorKind.TOTP, name=clean_name(name, _("手机验证器")))
        row.sealed = vault.seal(totp.new_secret(), place(row.pk))
        row.save(force_insert=True)
    return row.pk


def pending_secret(actor: Actor) -> tuple[uuid.UUID, str, str] | None:
    """The authenticator that waits for its first code: id, name, secret. A confirmed secret is never shown again."""
    row = (
        Factor.objects.filter(
            user_id=actor.user_id,
            kind=FactorKind.TOTP,
            confirmed_at=None,
            created_at__gt=timezone.now() - PENDING_FOR,
        )
        .order_by("-created_at")
        .first()
    )
    return (row.pk, row.name, vault.open(bytes(row.sealed), place(row.pk))) if row else None


def confirm_totp(actor: Actor, session_key: str, code: str) -> list[str]:
    """Take the first code of the waiting authenticator. Returns recovery codes to print if there were none before."""
    now = timezone.now()
    with transaction.atomic(), acting("writer"):
        may_enrol(actor, session_key)
        guard = _guard(actor.user_id)
        refused = _closed(guard, now)
        waiting = None if refused else pending_secret(actor)
        if not refused and waiting is None:
            refused = _("二维码已过期, 请重新添加")
        elif not refused and waiting is not None:
            step = totp.step_of(waiting[2], totp.plain(code), now.timestamp(), 0)
            if step is None:
                refused = _miss(guard, now)
            else:
                Factor.objects.filter(pk=waiting[0]).update(
                    confirmed_at=now, last_step=step, last_used_at=now
                )
    if refused:
        raise FactorRefused(refused)
    enrolled(actor, session_key, FactorKind.TOTP)
    held = RecoveryCode.objects.filter(user_id=actor.user_id, used_at=None).exists()
    return [] if held else _write_codes(actor.user_id, totp.RECOVERY_CODES)


def enrolled(actor: Actor, session_key: str, kind: str) -> None:
    """After any enrolment: this session counts as proven."""
    with transaction.atomic():
        _proven(actor, session_key, kind)
        record(
            actor, "accounts.factor.add", object_type="user", object_id=actor.user_id, after={"kind": kind}
        )


def prove(actor: Actor, session_key: str, code: str, *, agent: str = "") -> str:
    """Prove the second factor with a code of an authenticator or a recovery code; returns which it was.

    Raises `FactorRefused`. Five wrong codes stop for a quarter of an hour, twenty until the manager resets.
    """
    typed, now = totp.plain(code), timezone.now()
    kind = ""
    with transaction.atomic():
        with acting("writer"):
            guard = _guard(actor.user_id)
            refused = _closed(guard, now)
            if not refused:
                kind = _take_code(actor.user_id, typed, now)
                refused = "" if kind else _miss(guard, now)
        if refused:
            note_refused(actor, agent)
        else:
            _proven(actor, session_key, kind)
            record(
                actor,
                "accounts.factor.prove",
                object_type="user",
                object_id=actor.user_id,
                after={"kind": kind},
            )
    if refused:
        raise FactorRefused(refused)
    return kind


def note_refused(actor: Actor, agent: str = "") -> None:
    """A wrong factor stands in the audit, and in the owner's own list of sign-ins."""
    note_sign_in(actor.user_id, "factor", "factor", actor.address, agent)
    record(actor, "accounts.factor.refused", object_type="user", object_id=actor.user_id)


def _take_code(user_id: int, typed: str, now: datetime) -> str:
    if typed.isdigit():
        for row in Factor.objects.select_for_update().filter(
            user_id=user_id, kind=FactorKind.TOTP, confirmed_at__isnull=False
        )[:MOST]:
            secret = vault.open(bytes(row.sealed), place(row.pk))
            step = totp.step_of(secret, typed, now.timestamp(), row.last_step)
            if step is not None:
                Factor.objects.filter(pk=row.pk).update(last_step=step, last_used_at=now)
                return str(FactorKind.TOTP)
        return ""
    used = RecoveryCode.objects.filter(
        user_id=user_id, used_at=None, digest=totp.digest(user_id, typed)
    ).update(used_at=now)
    return "recovery" if used else ""


def closed_words(user_id: int) -> str:
    """Why no code is taken now, in words; empty if one is. Inside a writing step."""
    return _closed(_guard(user_id), timezone.now())


def missed(user_id: int) -> str:
    """Count a wrong try of another kind of factor; the words for the user. Inside a writing step."""
    return _miss(_guard(user_id), timezone.now())


def _guard(user_id: int) -> FactorGuard:
    FactorGuard.objects.bulk_create([FactorGuard(user_id=user_id)], ignore_conflicts=True)
    return FactorGuard.objects.select_for_update().get(user_id=user_id)


def _closed(guard: FactorGuard, now: datetime) -> str:
    if guard.failures >= CLOSE_AFTER:
        return _("第二重验证连续错误太多, 已停用。请管理您账号的人(本校学籍管理员或上级主管部门)重置")
    if guard.locked_until and guard.locked_until > now:
        at = timezone.localtime(guard.locked_until).strftime("%H:%M")
        return _("连续输错, %(at)s 以后可以再试。急用可请管理您账号的人重置") % {"at": at}
    return ""


def _miss(guard: FactorGuard, now: datetime) -> str:
    guard.failures += 1
    guard.locked_until = now + LOCK_FOR if guard.failures % LOCK_AFTER == 0 else None
    guard.save(update_fields=["failures", "locked_until"])
    return _closed(guard, now) or _("验证码不对或已经用过, 请输入验证器现在显示的 6 位数字")


def _proven(actor: Actor, session_key: str, kind: str) -> None:
    with acting("writer"):
        UserSession.objects.filter(session_key=session_key, user_id=actor.user_id).update(
            factor=kind, factor_at=timezone.now()
        )
        FactorGuard.objects.filter(user_id=actor.user_id).update(failures=0, locked_until=None)


def prove_session(actor: Actor, session_key: str, kind: str) -> None:
    """This session has proven the second factor by something that was checked elsewhere (a passkey)."""
    with transaction.atomic():
        _proven(actor, session_key, kind)
        record(
            actor, "accounts.factor.prove", object_type="user", object_id=actor.user_id, after={"kind": kind}
        )


def may_enrol(actor: Actor, session_key: str) -> None:
    """Whoever has a factor or a code proves it before adding another. Raises `FactorRefused`."""
    held = Factor.objects.filter(user_id=actor.user_id, confirmed_at__isnull=False).count()
    codes = RecoveryCode.objects.filter(user_id=actor.user_id, used_at=None).exists()
    proven = UserSession.objects.filter(session_key=session_key, factor_at__isnull=False).exists()
    if (held or codes) and not proven:
        raise FactorRefused(_("请先完成第二重验证"))
    if held >= MOST:
        raise FactorRefused(_("最多登记 %s 个, 请先删掉不用的") % MOST)


def clean_name(name: str, default: str) -> str:
    """A name for an authenticator, never empty."""
    return " ".join(name.split())[:60] or default


def remove(actor: Actor, session_key: str, factor_id: uuid.UUID) -> None:
    """Take one of one's own authenticators away. The last one of a role that must have one stays."""
    with transaction.atomic():
        with acting("writer"):
            mine = list(
                Factor.objects.select_for_update().filter(user_id=actor.user_id, confirmed_at__isnull=False)
            )
            row = next((f for f in mine if f.pk == factor_id), None)
            if row is None:
                raise Http404
            if not UserSession.objects.filter(session_key=session_key, factor_at__isnull=False).exists():
                raise FactorRefused(_("请先完成第二重验证"))
            if len(mine) == 1 and FactorRule.objects.filter(role=actor.role, must=True).exists():
                raise FactorRefused(_("您的身份必须有第二重验证。请先添加新的, 再删除这一个"))
            row.delete()
            if len(mine) == 1:
                RecoveryCode.objects.filter(user_id=actor.user_id).delete()
        record(
            actor,
            "accounts.factor.remove",
            object_type="user",
            object_id=actor.user_id,
            before={"kind": row.kind, "name": row.name},
        )


def new_codes(actor: Actor, session_key: str) -> list[str]:
    """Fresh recovery codes; the former ones end. Raises `FactorRefused`."""
    with transaction.atomic():
        if not UserSession.objects.filter(session_key=session_key, factor_at__isnull=False).exists():
            raise FactorRefused(_("请先完成第二重验证"))
        record(actor, "accounts.factor.codes", object_type="user", object_id=actor.user_id)
        return _write_codes(actor.user_id, totp.RECOVERY_CODES)


def _write_codes(user_id: int, n: int) -> list[str]:
    codes = totp.new_recovery_codes(n)
    with transaction.atomic(), acting("writer"):
        RecoveryCode.objects.filter(user_id=user_id).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user_id=user_id, digest=totp.digest(user_id, c)) for c in codes
        )
    return codes


def reset(actor: Actor | Who, user_id: int) -> str:
    """Take every authenticator of an account away after it was lost; returns one code, shown once.

    With the code the owner signs in and enrols anew: the password alone enrols nothing. He is told of it at his next
    sign-in. Raises Http404, PermissionDenied, `AccountError`.
    """
    user = _target(actor, user_id)
    now = timezone.now()
    with transaction.atomic():
        with acting("writer"):
            had, _detail = Factor.objects.filter(user_id=user.pk).delete()
            if not had and not RecoveryCode.objects.filter(user_id=user.pk).exists():
                raise AccountError(_("这个账号还没有登记第二重验证"))
            guard = _guard(user.pk)
            guard.failures, guard.locked_until = 0, None
            guard.reset_at, guard.reset_by, guard.told_at = now, actor.user_name, None
            guard.save()
        code = _write_codes(user.pk, 1)[0]
        record(actor, "accounts.factor.reset", object_type="user", object_id=user.pk, before={"factors": had})
        _end_all(actor, user.pk)
    return code


def reset_to_tell(user_id: int) -> tuple[datetime, str] | None:
    """When and by whom the account's factors were reset, if the owner has not been told yet; told from now on."""
    with transaction.atomic(), acting("writer"):
        row = FactorGuard.objects.filter(user_id=user_id, reset_at__isnull=False, told_at=None).first()
        if row is None or row.reset_at is None:
            return None
        FactorGuard.objects.filter(pk=row.pk).update(told_at=timezone.now())
        return row.reset_at, row.reset_by


def set_rule(actor: Actor, role: str, must: bool) -> None:
    """Decide for the installation whether a role must have a second factor. By the top security administrator."""
    from ..queries_identity import may_set_rules

    if not may_set_rules(actor):
        raise Http404
    with transaction.atomic():
        with acting("writer"):
            before = FactorRule.objects.filter(role=role).first()
            if before is None:
                raise Http404
            if before.must == must:
                return
            FactorRule.objects.filter(role=role).update(must=must)
        record(
            actor,
            "accounts.factor.rule",
            object_type="role",
            object_id=role,
            before={"must": before.must},
            after={"must": must},
        )
