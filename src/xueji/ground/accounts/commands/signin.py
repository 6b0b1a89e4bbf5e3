"""Signing in and out, one's own password and sessions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import EntryState

from .. import queries
from ..actor import Actor
from ..http import LAST_KEY, USER_KEY
from ..models import FormerPassword, LoginFailure, RoleAssignment, SignIn, User, UserSession

LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
PER_ADDRESS = 30
ADDRESS_WINDOW = timedelta(minutes=10)
#: Failures that other pages count under the same table (`family` joins) say nothing about signing in.
JOINING = "?join"
#: How long an account's owner can look back on sign-ins. The audit keeps them longer.
LOG_FOR = timedelta(days=180)


@dataclass(frozen=True)
class SignedIn:
    """Who signed in; `last_at` and `last_from` tell him of the time before."""

    user_id: int
    must_change: bool
    last_at: datetime | None
    last_from: str
    #: What proved a second factor already: a passkey, or a provider that is trusted with it.
    factor: str = ""


class SignInRefused(Exception):
    """Signing in failed; `message` is for the user, `reason` one of wrong, locked, busy."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class WrongPassword(Exception):
    """The present password was wrong; `message` is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _wrong() -> SignInRefused:
    return SignInRefused("wrong", _("用户名或密码不对, 请再核对一遍。连续错5次会锁定15分钟"))


def _locked(until: datetime) -> SignInRefused:
    at = timezone.localtime(until).strftime("%H:%M")
    return SignInRefused(
        "locked",
        _("密码连续错误, 账号已锁定, %(at)s 以后可以再试。急用可请本单位学籍管理员或上级主管部门解锁")
        % {"at": at},
    )


def _handle_of_unknown(name: str) -> str:
    """Unknown names are kept as a digest: people type passwords into the wrong box."""
    return "?" + hashlib.sha256(name.encode()).hexdigest()[:20]


def sign_in(username: str, password: str, *, address: str, agent: str = "") -> SignedIn:
    """Check user name and password; raises `SignInRefused`. Success and failure are audited.

    Costs the same for names that do not exist; five failures lock a name for fifteen minutes, thirty failures in
    ten minutes stop an address.
    """
    name = username.strip().lower()[:60]
    with transaction.atomic():
        result = _try(name, password, address, timezone.now(), agent)
    if isinstance(result, SignInRefused):
        raise result
    return result


def _try(name: str, password: str, address: str, now: datetime, agent: str) -> SignedIn | SignInRefused:
    busy = address_is_busy(address, now)
    if busy is not None:
        return busy
    with acting("writer"):
        user = User.objects.select_for_update().filter(username=name).first()
    if user is None:
        return _try_unknown(name, password, address, now)
    who = Who(user.pk, user.display_name, "", user.home_org_id, address)
    right = check_password(password, user.password)
    if user.locked_until and user.locked_until > now:
        record(
            who, "accounts.sign_in.refused", object_type="user", object_id=user.pk, after={"reason": "locked"}
        )
        note_sign_in(user.pk, "password", "locked", address, agent)
        return _locked(user.locked_until)
    if not right or not user.is_active:
        return _fail(user, who, address, now, "password" if user.is_active else "inactive", agent=agent)
    return admit(user, "password", address=address, agent=agent)


def address_is_busy(address: str, now: datetime | None = None) -> SignInRefused | None:
    """The refusal for an address with too many failures of late; None for others."""
    since = (now or timezone.now()) - ADDRESS_WINDOW
    with acting("writer"):
        failures = (
            LoginFailure.objects.filter(address=address, at__gt=since).exclude(username=JOINING).count()
        )
    if failures < PER_ADDRESS:
        return None
    return SignInRefused("busy", _("这个网络地址登录失败次数太多, 请10分钟后再试"))


def count_failure(address: str, handle: str) -> None:
    """Count a failure that belongs to no known account against its address."""
    with acting("writer"):
        LoginFailure.objects.create(address=address, username=handle)


def note_sign_in(user_id: int, how: str, outcome: str, address: str, agent: str) -> None:
    """One line in the owner's own list of sign-ins; lines beyond its time go."""
    with acting("writer"):
        SignIn.objects.filter(user_id=user_id, at__lt=timezone.now() - LOG_FOR).delete()
        SignIn.objects.create(
            user_id=user_id, how=how, outcome=outcome, address=address[:45], agent=agent[:200]
        )


def admit(user: User, how: str, *, address: str, agent: str, factor: str = "") -> SignedIn | SignInRefused:
    """Let an account in that proved who it is by `how`: password, passkey, oidc, cas. Inside a transaction.

    A closed account is refused like a wrong password; a lock after wrong passwords stops passwords alone.
    """
    now = timezone.now()
    who = Who(user.pk, user.display_name, "", user.home_org_id, address)
    if not user.is_active:
        return _fail(user, who, address, now, "inactive", how=how, agent=agent)
    if school := _outside(user.pk):
        record(
            who, "accounts.sign_in.refused", object_type="user", object_id=user.pk, after={"reason": "entry"}
        )
        return SignInRefused(
            "entry",
            _("%s 还没有通过入网资格审查, 或已暂停入网, 账号现在不能使用。请联系学籍主管部门") % school,
        )
    proof = "passkey" if how == "passkey" else factor
    before = SignedIn(user.pk, _must_change(user, how, now), user.last_login, user.last_seen_from, proof)
    with acting("writer"):
        User.objects.filter(pk=user.pk).update(
            failed_logins=0, locked_until=None, last_login=now, last_seen_from=address
        )
    note_sign_in(user.pk, how, "ok", address, agent)
    record(who, "accounts.sign_in", object_type="user", object_id=user.pk, after={"how": how})
    return before


def _outside(user_id: int) -> str:
    """The school for whose sake an account may not enter: all its roles are at schools outside the network (C-ORG-04)."""
    with acting("writer"):
        held = queries.in_force(RoleAssignment.objects.filter(user_id=user_id))
        found = list(held.order_by("pk").values_list("org__school__entry", "org__name")[:50])
    if not found or any(entry in (None, EntryState.ADMITTED) for entry, _name in found):
        return ""
    return str(found[0][1])


def _must_change(user: User, how: str, now: datetime) -> bool:
    """Whether the password must be changed first: a first password, or one older than the installation allows."""
    if user.must_change_password or how != "password" or not settings.PASSWORD_DAYS:
        return user.must_change_password
    with acting("writer"):
        last = FormerPassword.objects.filter(user_id=user.pk).order_by("-pk").first()
        since = last.at if last else user.created_at
        if since > now - timedelta(days=settings.PASSWORD_DAYS):
            return False
        User.objects.filter(pk=user.pk).update(must_change_password=True)
    return True


def _try_unknown(name: str, password: str, address: str, now: datetime) -> SignInRefused:
    make_password(password)  # the same work as for a name that exists
    handle = _handle_of_unknown(name)
    with acting("writer"):
        recent = list(
            LoginFailure.objects.filter(username=handle, at__gt=now - LOCK_FOR).order_by("-at", "-pk")[
                :LOCK_AFTER
            ]
        )
        if len(recent) < LOCK_AFTER:
            LoginFailure.objects.create(address=address, username=handle)
    record(Who(None, "", "", None, address), "accounts.sign_in.refused", after={"reason": "unknown"})
    if len(recent) >= LOCK_AFTER:
        return _locked(recent[0].at + LOCK_FOR)
    return _locked(now + LOCK_FOR) if len(recent) == LOCK_AFTER - 1 else _wrong()


def _fail(
    user: User,
    who: Who,
    address: str,
    now: datetime,
    reason: str,
    *,
    how: str = "password",
    agent: str = "",
) -> SignInRefused:
    # A lock that has run out starts a new count.
    failed = 1 if user.locked_until else user.failed_logins + 1
    locked = now + LOCK_FOR if failed >= LOCK_AFTER else None
    with acting("writer"):
        LoginFailure.objects.filter(address=address, at__lt=now - timedelta(days=1)).delete()
        LoginFailure.objects.create(address=address, username=user.username)
        User.objects.filter(pk=user.pk).update(failed_logins=failed, locked_until=locked)
    record(
        who,
        "accounts.sign_in.refused",
        object_type="user",
        object_id=user.pk,
        after={"reason": reason, "failures": failed},
    )
    note_sign_in(user.pk, how, "wrong", address, agent)
    if locked:
        record(who, "accounts.locked", object_type="user", object_id=user.pk)
        return _locked(locked)
    return _wrong()


def start_session(signed: SignedIn, session: SessionBase, *, address: str, agent: str = "") -> None:
    """Give the browser a fresh session of this account; the oldest beyond the allowed number are ended."""
    session.flush()
    session[USER_KEY] = signed.user_id
    if signed.last_at:
        session[LAST_KEY] = [signed.last_at.isoformat(timespec="seconds"), signed.last_from]
    session.save(must_create=True)
    now = timezone.now()
    alive = now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    with transaction.atomic():
        with acting("writer"):
            held = list(UserSession.objects.filter(user_id=signed.user_id).order_by("-seen_at"))
            keep = [s for s in held if s.seen_at > alive][: settings.MAX_SESSIONS_PER_USER - 1]
            drop = [s.session_key for s in held if s not in keep]
            UserSession.objects.filter(session_key__in=drop).delete()
            UserSession.objects.create(
                session_key=session.session_key or "",
                user_id=signed.user_id,
                seen_at=now,
                address=address,
                agent=agent[:200],
                factor=signed.factor,
                factor_at=now if signed.factor else None,
            )
        Session.objects.filter(session_key__in=drop).delete()


def sign_out(actor: Actor, session: SessionBase) -> None:
    """End the present session."""
    with acting("writer"):
        UserSession.objects.filter(session_key=session.session_key, user_id=actor.user_id).delete()
    record(actor, "accounts.sign_out", object_type="user", object_id=actor.user_id)
    session.flush()


def session_handle(session_key: str) -> str:
    """A name for a session that pages may show: the key itself would let its reader in."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:16]


def end_session(actor: Actor, handle: str) -> bool:
    """End one of the actor's own sessions, named by its handle; False if there is none."""
    keys = UserSession.objects.filter(user_id=actor.user_id).values_list("session_key", flat=True)
    return end_sessions(actor, actor.user_id, [k for k in keys if session_handle(k) == handle]) > 0


def end_sessions(actor: Actor | Who, user_id: int, keys: list[str]) -> int:
    """End sessions of an account (all writes of this kind pass here); returns how many."""
    if not keys:
        return 0
    with acting("writer"):
        n, _detail = UserSession.objects.filter(user_id=user_id, session_key__in=keys).delete()
    Session.objects.filter(session_key__in=keys).delete()
    record(actor, "accounts.session.end", object_type="user", object_id=user_id, row_count=n)
    return n


def confirm_password(actor: Actor, typed: str) -> None:
    """The account's owner types his password again, to answer for a deed. A wrong one counts like a failed sign-in.

    Raises `WrongPassword`; then keep the transaction, so that the failure is counted.
    """
    now = timezone.now()
    with acting("writer"):
        user = User.objects.select_for_update().get(pk=actor.user_id)
    if user.locked_until and user.locked_until > now:
        raise WrongPassword(_locked(user.locked_until).message)
    if not check_password(typed, user.password):
        who = Who(actor.user_id, actor.user_name, actor.role, actor.org_id, actor.address)
        refused = _fail(user, who, actor.address, now, "confirm_password")
        raise WrongPassword(
            refused.message if refused.reason == "locked" else _("密码不对, 没有签字。请再输一遍")
        )


def change_password(actor: Actor, old: str, new: str, *, session_key: str = "") -> None:
    """Change one's own password and end one's other sessions.

    Raises `WrongPassword` (counted like a failed sign-in) and ValidationError (policy; the new equals the old).
    """
    now = timezone.now()
    with acting("writer"):
        user = User.objects.select_for_update().get(pk=actor.user_id)
    if user.locked_until and user.locked_until > now:
        raise WrongPassword(_locked(user.locked_until).message)
    if not check_password(old, user.password):
        who = Who(actor.user_id, actor.user_name, actor.role, actor.org_id, actor.address)
        refused = _fail(user, who, actor.address, now, "change_password")
        raise WrongPassword(refused.message if refused.reason == "locked" else _("原密码不对, 请再输一遍"))
    validate_password(new, user)
    if check_password(new, user.password):
        raise ValidationError(_("新密码不能和原密码相同"), code="password_same")
    with acting("writer"):
        _not_of_late(user.pk, new)
        hashed = make_password(new)
        User.objects.filter(pk=user.pk).update(password=hashed, must_change_password=False, failed_logins=0)
        FormerPassword.objects.create(user_id=user.pk, password=hashed)
    record(actor, "accounts.password.change", object_type="user", object_id=user.pk)
    others = UserSession.objects.filter(user_id=user.pk).exclude(session_key=session_key)
    end_sessions(actor, user.pk, list(others.values_list("session_key", flat=True)))


def _not_of_late(user_id: int, new: str) -> None:
    """Raise ValidationError if the password is one of the account's last few; older ones are forgotten."""
    held = list(FormerPassword.objects.filter(user_id=user_id).order_by("-pk")[:50])
    late = held[: settings.PASSWORD_HISTORY]
    if any(check_password(new, f.password) for f in late):
        raise ValidationError(
            _("新密码不能是最近用过的 %s 个密码之一") % settings.PASSWORD_HISTORY, code="password_former"
        )
    # The one that is being written takes a place too.
    FormerPassword.objects.filter(
        pk__in=[f.pk for f in held[max(settings.PASSWORD_HISTORY - 1, 0) :]]
    ).delete()
