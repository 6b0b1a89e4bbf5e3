"""Letting families in by codes that their school hands out, and ending it again (C-ROL-05, C-HOM)."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts import rules
from xueji.ground.accounts.models import LoginFailure, PortalLink, RoleAssignment, User
from xueji.ground.accounts.roles import Role
from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.standards.names import normalise_name
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.people import places
from xueji.registry.people.models import Guardian, IdentityDocument, Person, StudentNumber

from . import codes
from .errors import FamilyError
from .models import Invitation

VALID_DAYS = 30
TRIES = 5
PER_ADDRESS = 30
WINDOW = timedelta(minutes=10)
_TRIED = "?join"


@dataclass(frozen=True)
class Slip:
    """One code as it is handed out; it is never shown again."""

    name: str
    class_name: str
    for_whom: str
    code: str
    expires_on: date


def issue(actor: Any, class_id: int, person_ids: Iterable[uuid.UUID], *, pupils: bool = False) -> list[Slip]:
    """New codes for every present guardian of these children of a class, or for the children themselves (`pupils`).

    Children outside the actor's class or school do not exist for him. A code that was open before ends. Raises
    PermissionDenied, Http404, `FamilyError`.
    """
    actor.require("family.invite")
    wanted = list(dict.fromkeys(person_ids))
    rows = {r.person_id: r for r in enrolment.rows_of_class(actor, class_id) if r.reason == "enrolled"}
    if not set(wanted) <= set(rows):
        raise Http404
    today = timezone.localdate()
    expires = today + timedelta(days=VALID_DAYS)
    with transaction.atomic(), acting("writer"):
        targets: list[tuple[uuid.UUID, int | None, str]]
        if pupils:
            targets = [(p, None, _("本人")) for p in wanted]
        else:
            found = Guardian.objects.filter(person_id__in=wanted, is_guardian=True, until=None)
            place = {person_id: n for n, person_id in enumerate(wanted)}
            kin = sorted(found, key=lambda g: (place[g.person_id], g.guardian_no))
            kin = _with_sight(kin, today)
            targets = [(g.person_id, g.guardian_no, g.name) for g in kin]
        if not targets:
            raise FamilyError(
                _("这些学生没有可以邀请的监护人: 还没有登记, 或被限制查阅。请在学生的“家庭与监护人”里核对")
            )
        people = {p for p, _no, _name in targets}
        Invitation.objects.filter(
            person_id__in=people, guardian_no__isnull=pupils, used_at=None, ended_at=None
        ).update(ended_at=timezone.now())
        slips, new = [], []
        for person_id, guardian_no, whom in targets:
            code, row = codes.new_code(), rows[person_id]
            new.append(
                Invitation(
                    person_id=person_id,
                    guardian_no=guardian_no,
                    school_id=row.school_id,
                    class_id=row.class_id,
                    code=codes.digest(code),
                    issued_by=actor.user_id,
                    expires_on=expires,
                )
            )
            slips.append(Slip(row.name, row.class_name, whom, codes.shown(code), expires))
        Invitation.objects.bulk_create(new)
    record(
        actor,
        "family.invite",
        object_type="person",
        row_count=len(slips),
        after={"persons": [str(p) for p in sorted(people, key=str)], "pupils": pupils},
    )
    return slips


def join(*, code: str, name: str, last4: str, username: str, password: str, address: str) -> str:
    """Open an account with a code; returns its user name. Public: every try is counted and audited.

    Raises `FamilyError` (one answer whichever of code, name and number is wrong), ValidationError for the password.
    """
    wanted = username.strip().lower()
    if not rules.username_fits(wanted):
        raise FamilyError(_("用户名用小写字母、数字和 . _ - 组成, 至少2位, 不能用身份证号"))
    with transaction.atomic():
        found = _take(code, name, last4, address)
        opened = _open_account(found, wanted, password, address) if isinstance(found, Invitation) else found
    if isinstance(opened, FamilyError):
        raise opened
    return opened


def add_child(actor: Any, *, code: str, name: str, last4: str) -> uuid.UUID:
    """Add another child to the parent's own account. Raises `FamilyError`, PermissionDenied."""
    if actor.role != Role.PARENT:
        raise FamilyError(_("只有家长账号能添加孩子"))
    with transaction.atomic():
        result = _take(code, name, last4, actor.address)
        if isinstance(result, Invitation):
            if result.guardian_no is None:
                raise FamilyError(_("这个邀请码是给学生本人的, 请用家长的邀请码"))
            result = _link(result, actor.user_id) or result
    if isinstance(result, FamilyError):
        raise result
    _tell(actor, "family.add", result, actor.user_id)
    return result.person_id


def end(actor: Any, *, person_id: uuid.UUID, link_id: int, reason: str) -> None:
    """Close a child's record to an account from today: guardianship revoked, a court's order, an adoption.

    By the registrar of the child's school. Raises PermissionDenied, Http404, `FamilyError`.
    """
    actor.require("family.end")
    if enrolment.get_row(actor, person_id).school_id != actor.org_id:
        raise Http404
    if len(reason.strip()) < 5:
        raise FamilyError(_("请写明理由, 至少 5 个字"))
    today = timezone.localdate()
    with transaction.atomic(), acting("writer"):
        link = PortalLink.objects.select_for_update().filter(pk=link_id, person_id=person_id).first()
        if link is None or (link.until is not None and link.until <= today):
            raise Http404
        link.until = today
        link.save(update_fields=["until"])
    record(
        actor,
        "family.end",
        object_type="user",
        object_id=link.user_id,
        person_id=person_id,
        purpose=reason.strip()[:200],
        after={"guardian_no": link.guardian_no},
    )


def _with_sight(kin: list[Guardian], day: date) -> list[Guardian]:
    """Those who may see the child at all: no code for whom a court has shut out. One query; in the writing role."""
    if not kin:
        return []
    with connection.cursor() as c:
        c.execute(
            "select p, n from unnest(%s::uuid[], %s::int[]) x(p, n) where xueji_sight(p, n, %s) > 0",
            [[g.person_id for g in kin], [g.guardian_no for g in kin], day],
        )
        seen = set(c.fetchall())
    return [g for g in kin if (g.person_id, g.guardian_no) in seen]


def _take(code: str, name: str, last4: str, address: str) -> Invitation | FamilyError:
    """The open invitation that code, name and number belong to, locked; or the one answer to everything wrong."""
    now = timezone.now()
    with acting("writer"):
        misses = LoginFailure.objects.filter(address=address, at__gt=now - WINDOW, username=_TRIED).count()
        if misses >= PER_ADDRESS:
            return FamilyError(_("这个网络地址试的次数太多, 请10分钟后再试"))
        row = (
            Invitation.objects.select_for_update()
            .filter(
                code=codes.digest(code), used_at=None, ended_at=None, expires_on__gte=timezone.localdate()
            )
            .first()
        )
        # A code that is nobody's costs what a real one with a wrong name does: somebody is compared all the same.
        stand_in = Person.objects.values_list("person_id", flat=True).first()
        somebody = row.person_id if row else stand_in
        fits = somebody is not None and _is_of(somebody, name, last4)
        if row is not None and fits and _sees(row):
            return row
        LoginFailure.objects.create(address=address, username=_TRIED)
        if row is not None:
            row.failures += 1
            if row.failures >= TRIES:
                row.ended_at = now
        Invitation.objects.filter(pk=row.pk if row else 0).update(
            failures=row.failures if row else 0, ended_at=row.ended_at if row else None
        )
    who = Who(None, "", "", None, address)
    record(who, "family.join.refused", person_id=row.person_id if row else None)
    return FamilyError(
        _(
            "邀请码、姓名和证件号末四位对不上, 或邀请码已过期。请对照学校发的单子再看一遍, 也可以请班主任重新发一个"
        )
    )


def _is_of(person_id: uuid.UUID, name: str, last4: str) -> bool:
    """Whether the name is the child's and the characters end the identity number (the student number without one)."""
    person = Person.objects.get(pk=person_id)
    document = IdentityDocument.objects.filter(person_id=person_id, until=None).first()
    if document is not None:
        number = vault.open(bytes(document.sealed), places.document(person_id, document.doc_no))
    else:
        held = StudentNumber.objects.filter(person_id=person_id, scheme="national", state="current").first()
        number = (
            vault.open(bytes(held.sealed), places.number(person_id, held.number_no))
            if held is not None and held.sealed is not None
            else ""
        )
    same_name = hmac.compare_digest(normalise_name(name).value.encode(), person.name.encode())
    same_end = hmac.compare_digest(last4.strip().upper().encode(), number[-4:].upper().encode())
    return same_name and same_end and len(number) >= 4


def _sees(row: Invitation) -> bool:
    """Whether the guardian of a code may (still) see the child on the day on which it is used."""
    if row.guardian_no is None:
        return True
    with connection.cursor() as c:
        c.execute(
            "select xueji_sight(%s, %s, %s) > 0", [row.person_id, row.guardian_no, timezone.localdate()]
        )
        return bool(c.fetchone()[0])


def _open_account(row: Invitation, username: str, password: str, address: str) -> str | FamilyError:
    with acting("writer"):
        if row.guardian_no is None:
            shown = Person.objects.get(pk=row.person_id).name
        else:
            shown = Guardian.objects.get(person_id=row.person_id, guardian_no=row.guardian_no).name
        user = User(username=username, display_name=shown[:50], must_change_password=False)
        validate_password(password, user)
        user.password = make_password(password)
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            return FamilyError(_("用户名“%(name)s”已有人使用, 请换一个") % {"name": username})
        RoleAssignment.objects.create(
            user_id=user.pk,
            role=Role.STUDENT if row.guardian_no is None else Role.PARENT,
            valid_from=timezone.localdate(),
        )
    refused = _link(row, user.pk)
    assert refused is None
    _tell(Who(user.pk, user.display_name, "", None, address), "family.join", row, user.pk)
    return username


def _link(row: Invitation, user_id: int) -> FamilyError | None:
    """Use the code up: the account sees the child from today."""
    today = timezone.localdate()
    with acting("writer"):
        if PortalLink.objects.filter(user_id=user_id, person_id=row.person_id, until=None).exists():
            return FamilyError(_("这个孩子已经在您的账号里"))
        PortalLink.objects.create(
            user_id=user_id, person_id=row.person_id, guardian_no=row.guardian_no, since=today
        )
        row.used_at, row.used_by = timezone.now(), user_id
        row.save(update_fields=["used_at", "used_by"])
    return None


def _tell(who: Any, what: str, row: Invitation, user_id: int) -> None:
    record(
        who,
        what,
        object_type="user",
        object_id=user_id,
        person_id=row.person_id,
        after={"guardian_no": row.guardian_no, "invitation": row.pk},
    )


__all__ = ["Slip", "ValidationError", "add_child", "end", "issue", "join"]
