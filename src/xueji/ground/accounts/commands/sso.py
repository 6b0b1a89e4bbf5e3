"""Which account somebody has whom a provider elsewhere has signed in. No account is ever made by signing in."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import Who, record
from xueji.ground.db.scope import acting

from ..actor import Actor
from ..models import Provider, SsoIdentity
from ..sso import Person
from .manage import AccountError, _target
from .signin import SignedIn, SignInRefused, address_is_busy, admit, count_failure


class UnknownPerson(Exception):
    """The provider knows the person, this installation does not."""


def sign_in(provider: str, person: Person, *, address: str, agent: str = "") -> SignedIn:
    """Let the account of somebody in whom the provider has signed in. Raises `UnknownPerson`, `SignInRefused`.

    An address by which the manager announced him is replaced by the provider's own name at the first sign-in: an
    address can pass to somebody else, that name cannot.
    """
    result: SignedIn | SignInRefused | None = None
    with transaction.atomic():
        busy = address_is_busy(address)
        if busy is None:
            with acting("writer"):
                row = _find(provider, person)
                if row is not None:
                    row.subject, row.last_used_at = person.subject, timezone.now()
                    row.save(update_fields=["subject", "last_used_at"])
            if row is None:
                count_failure(address, "?sso")
                record(
                    Who(None, "", "", None, address),
                    "accounts.sign_in.refused",
                    after={"reason": "unknown", "how": provider},
                )
            else:
                result = admit(
                    row.user, provider, address=address, agent=agent, factor="sso" if person.factor else ""
                )
    if busy is not None:
        raise busy
    if result is None:
        raise UnknownPerson
    if isinstance(result, SignInRefused):
        raise SignInRefused("wrong", _("账号已停用, 请找本单位的账号管理人员"))
    return result


def _find(provider: str, person: Person) -> SsoIdentity | None:
    rows = (
        SsoIdentity.objects.select_related("user").select_for_update(of=("self",)).filter(provider=provider)
    )
    found = rows.filter(subject=person.subject).first()
    if found is None and person.email:
        found = rows.filter(subject=f"mailto:{person.email}").first()
    return found


def bind_own(actor: Actor, provider: str, person: Person) -> None:
    """Bind the actor's own account to whom the provider has just signed in. Raises `AccountError`."""
    _bind(actor, actor.user_id, provider, person.subject)


def bind_for(actor: Actor, user_id: int, provider: str, subject: str) -> None:
    """Announce somebody's identity elsewhere, by whoever manages the account. Raises `AccountError`, Http404."""
    user = _target(actor, user_id)
    text = subject.strip()
    if provider not in Provider.values or not 0 < len(text) <= 190 or text.lower().startswith("mailto:"):
        raise AccountError(_("请填写对方在统一身份认证里的账号或邮箱"))
    if provider == Provider.OIDC and "@" in text:
        text = f"mailto:{text.lower()}"
    _bind(actor, user.pk, provider, text)


def _bind(actor: Actor, user_id: int, provider: str, subject: str) -> None:
    try:
        with transaction.atomic(), acting("writer"):
            SsoIdentity.objects.create(
                provider=provider, subject=subject, user_id=user_id, bound_by=actor.user_id
            )
    except IntegrityError as e:
        raise AccountError(_("这个账号或这个统一身份认证账号已经绑定过, 请先解除")) from e
    record(actor, "accounts.sso.bind", object_type="user", object_id=user_id, after={"provider": provider})


def unbind(actor: Actor, user_id: int, provider: str) -> None:
    """End a binding: one's own, or by whoever manages the account. Raises Http404."""
    if user_id != actor.user_id:
        _target(actor, user_id)
    with transaction.atomic(), acting("writer"):
        gone, _detail = SsoIdentity.objects.filter(user_id=user_id, provider=provider).delete()
    if not gone:
        raise Http404
    record(actor, "accounts.sso.unbind", object_type="user", object_id=user_id, before={"provider": provider})
