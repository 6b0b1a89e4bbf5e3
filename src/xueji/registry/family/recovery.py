"""A family's way back into its account: by a new code of the school, or by the registrar who checked a paper (C-ROL-06)."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.commands import NewAccount
from xueji.ground.accounts.commands.signin import end_sessions
from xueji.ground.accounts.models import PortalLink, RoleAssignment, User, UserSession
from xueji.ground.accounts.passwords import first_password
from xueji.ground.accounts.roles import PORTAL
from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting
from xueji.ground.duty import verification
from xueji.registry.enrolment import queries as enrolment

from . import commands
from .errors import FamilyError
from .models import Invitation


def recover(*, code: str, name: str, last4: str, username: str, password: str, address: str) -> str:
    """A new password for an account that forgot it, with a new code from the school. Public: every try is counted.

    The code must be for the guardian (or pupil) whose account it is. Raises `FamilyError` (one answer whatever is wrong),
    ValidationError for the password.
    """
    with transaction.atomic():
        found = commands._take(code, name, last4, address)
        done = (
            _renew(found, username.strip().lower(), password, address)
            if isinstance(found, Invitation)
            else found
        )
    if isinstance(done, FamilyError):
        raise done
    return done


def _renew(row: Invitation, username: str, password: str, address: str) -> str | FamilyError:
    with acting("writer"):
        user = User.objects.select_for_update().filter(username=username, is_active=True).first()
        linked = user is not None and (
            PortalLink.objects.filter(
                user_id=user.pk, person_id=row.person_id, guardian_no=row.guardian_no, until=None
            ).exists()
        )
        if user is None or not linked or not _only_family(user.pk):
            # As wrong as a wrong name: the code's tries count for this too.
            row.failures += 1
            if row.failures >= commands.TRIES:
                row.ended_at = timezone.now()
            row.save(update_fields=["failures", "ended_at"])
            return FamilyError(
                _("用户名和邀请码对不上。请对照学校发的单子再看一遍, 也可以请班主任重新发一个")
            )
        validate_password(password, user)
        _set(user, make_password(password), must_change=False)
        row.used_at, row.used_by = timezone.now(), user.pk
        row.save(update_fields=["used_at", "used_by"])
    who = Who(user.pk, user.display_name, "", None, address)
    record(who, "family.recover", object_type="user", object_id=user.pk, person_id=row.person_id)
    _end_all(who, user.pk)
    return user.username


def reset(
    actor: Any, *, person_id: uuid.UUID, link_id: int, form: verification.VerificationForm
) -> NewAccount:
    """A new first password, shown once, for a parent or pupil who came to the school with a paper.

    By the registrar of the child's school; sessions end. Raises PermissionDenied, Http404, VerificationError.
    """
    actor.require("family.end")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    today, secret = timezone.localdate(), first_password()
    with transaction.atomic():
        with acting("writer"):
            link = PortalLink.objects.filter(pk=link_id, person_id=person_id).first()
            if (
                link is None
                or (link.until is not None and link.until <= today)
                or not _only_family(link.user_id)
            ):
                raise Http404
            user = User.objects.select_for_update().get(pk=link.user_id)
        kept = form.kept(actor, person_id, f"reset:{user.pk}")
        with acting("writer"):
            _set(user, make_password(secret), must_change=True)
        record(
            actor,
            "family.reset",
            object_type="user",
            object_id=user.pk,
            person_id=person_id,
            after={"verification": kept},
        )
        _end_all(actor, user.pk)
    return NewAccount(user.pk, user.username, secret)


def _only_family(user_id: int) -> bool:
    """Whether an account holds no role but a family's: a teacher who is a parent is reset as a teacher."""
    held = set(RoleAssignment.objects.filter(user_id=user_id).values_list("role", flat=True))
    return bool(held) and held <= {str(r) for r in PORTAL}


def _set(user: User, hashed: str, *, must_change: bool) -> None:
    User.objects.filter(pk=user.pk).update(
        password=hashed, must_change_password=must_change, failed_logins=0, locked_until=None
    )


def _end_all(who: Any, user_id: int) -> None:
    with acting("writer"):
        keys = list(UserSession.objects.filter(user_id=user_id).values_list("session_key", flat=True))
    end_sessions(who, user_id, keys)
