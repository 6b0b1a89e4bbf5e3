"""Passkeys (WebAuthn): registering them, proving the second factor with one, and signing in with one alone."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from ..actor import Actor
from ..models import Factor, FactorKind, User
from . import factor
from .factor import FactorRefused
from .signin import SignedIn, SignInRefused, address_is_busy, admit, count_failure

_SEEN = (ValueError, KeyError, TypeError, AttributeError, IndexError)


def _server(host: str) -> Fido2Server:
    """`host` is the name in the address bar, without the port; Django has checked that it is ours."""
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="电子学籍管理系统"))


def _digest(credential_id: bytes) -> bytes:
    return hashlib.sha256(credential_id).digest()


def _held(user_id: int) -> list[tuple[Factor, AttestedCredentialData]]:
    rows = Factor.objects.filter(user_id=user_id, kind=FactorKind.PASSKEY, confirmed_at__isnull=False)
    return [
        (r, AttestedCredentialData(vault.open_bytes(bytes(r.sealed), factor.place(r.pk))))
        for r in rows.order_by("created_at", "pk")[: factor.MOST]
    ]


def begin_register(actor: Actor, session_key: str, host: str) -> tuple[dict[str, Any], Any]:
    """What the browser needs to make a passkey, and the state to keep until it answers. Raises `FactorRefused`."""
    factor.may_enrol(actor, session_key)
    options, state = _server(host).register_begin(
        PublicKeyCredentialUserEntity(
            id=f"xueji:{actor.user_id}".encode(), name=actor.username, display_name=actor.user_name
        ),
        credentials=[c for _r, c in _held(actor.user_id)],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return dict(options), state


def register(actor: Actor, session_key: str, host: str, state: Any, answer: Any, name: str) -> None:
    """Keep a passkey. Raises `FactorRefused`."""
    factor.may_enrol(actor, session_key)
    try:
        made = _server(host).register_complete(state, answer)
        data = made.credential_data
        assert data is not None
    except (*_SEEN, AssertionError) as e:
        raise FactorRefused(_("通行密钥没有登记成功, 请再试一次")) from e
    row = Factor(
        pk=uuid.uuid4(),
        user_id=actor.user_id,
        kind=FactorKind.PASSKEY,
        name=factor.clean_name(name, _("通行密钥")),
        credential=_digest(data.credential_id),
        sign_count=made.counter,
        confirmed_at=timezone.now(),
    )
    row.sealed = vault.seal(bytes(data), factor.place(row.pk))
    try:
        with transaction.atomic(), acting("writer"):
            row.save(force_insert=True)
    except IntegrityError as e:
        raise FactorRefused(_("这个通行密钥已经登记过")) from e
    factor.enrolled(actor, session_key, FactorKind.PASSKEY)


def begin_prove(actor: Actor, host: str) -> tuple[dict[str, Any], Any]:
    """What the browser needs to prove one of the account's passkeys, and the state to keep."""
    held = [c for _r, c in _held(actor.user_id)]
    if not held:
        raise FactorRefused(_("这个账号没有通行密钥"))
    options, state = _server(host).authenticate_begin(
        held, user_verification=UserVerificationRequirement.PREFERRED
    )
    return dict(options), state


def prove(actor: Actor, session_key: str, host: str, state: Any, answer: Any, *, agent: str = "") -> None:
    """Prove the second factor with a passkey. Raises `FactorRefused`; wrong answers count like wrong codes."""
    with transaction.atomic():
        with acting("writer"):
            refused = factor.closed_words(actor.user_id)
            if not refused and _check(_held(actor.user_id), host, state, answer) is None:
                factor.missed(actor.user_id)
                refused = _("通行密钥没有通过验证, 请再试一次")
        if refused:
            factor.note_refused(actor, agent)
        else:
            factor.prove_session(actor, session_key, FactorKind.PASSKEY)
    if refused:
        raise FactorRefused(refused)


def begin_sign_in(host: str) -> tuple[dict[str, Any], Any]:
    """What the browser needs to sign in with a passkey that it finds itself."""
    options, state = _server(host).authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    return dict(options), state


def sign_in(host: str, state: Any, answer: Any, *, address: str, agent: str = "") -> SignedIn:
    """Sign in with a passkey alone: possession, and the device's own check of its owner. Raises `SignInRefused`."""
    wrong = SignInRefused("wrong", _("通行密钥没有通过验证。可以改用用户名和密码登录"))
    with transaction.atomic():
        busy = address_is_busy(address)
        result: SignedIn | SignInRefused = busy or wrong
        if busy is None:
            with acting("writer"):
                row = _find(answer)
                held = [(row, _credential(row))] if row else []
                found = _check(held, host, state, answer) if held else None
                user = User.objects.filter(pk=found.user_id).first() if found else None
            if user is None:
                count_failure(address, "?passkey")
                record(
                    Who(None, "", "", None, address), "accounts.sign_in.refused", after={"reason": "passkey"}
                )
            else:
                result = admit(user, "passkey", address=address, agent=agent)
    if isinstance(result, SignInRefused):
        raise result
    return result


def _find(answer: Any) -> Factor | None:
    try:
        credential_id = AuthenticationResponse.from_dict(answer).raw_id
    except _SEEN:
        return None
    return (
        Factor.objects.select_for_update()
        .filter(credential=_digest(credential_id), kind=FactorKind.PASSKEY, confirmed_at__isnull=False)
        .first()
    )


def _credential(row: Factor) -> AttestedCredentialData:
    return AttestedCredentialData(vault.open_bytes(bytes(row.sealed), factor.place(row.pk)))


def _check(
    held: list[tuple[Factor, AttestedCredentialData]], host: str, state: Any, answer: Any
) -> Factor | None:
    """The passkey that the answer proves; None if it proves none, or its counter went back (a copied key)."""
    try:
        used = _server(host).authenticate_complete(state, [c for _r, c in held], answer)
        counter = AuthenticationResponse.from_dict(answer).response.authenticator_data.counter
    except _SEEN:
        return None
    row = next(r for r, c in held if c.credential_id == used.credential_id)
    if counter and counter <= row.sign_count:
        return None
    Factor.objects.filter(pk=row.pk).update(sign_count=counter, last_used_at=timezone.now())
    return row
