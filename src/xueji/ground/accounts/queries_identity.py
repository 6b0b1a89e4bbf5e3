"""Reading what proves an account's owner: factors, rules, sign-ins, identities elsewhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from xueji.ground.db.scope import acting

from .actor import Actor
from .http import agent_words
from .models import (
    Factor,
    FactorGuard,
    FactorKind,
    FactorRule,
    Provider,
    RecoveryCode,
    SignIn,
    SsoIdentity,
    UserSession,
)
from .roles import Role


@dataclass(frozen=True)
class FactorRow:
    """One authenticator, as its owner sees it."""

    id: uuid.UUID
    kind: str
    kind_label: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class FactorState:
    """How it stands with the second factor of the actor in this session."""

    must: bool
    proven: bool
    rows: list[FactorRow]
    codes_left: int

    @property
    def to_prove(self) -> bool:
        """Whether something is enrolled that this session has not proven."""
        return bool(self.rows or self.codes_left) and not self.proven

    @property
    def has_passkey(self) -> bool:
        """Whether a passkey could prove it."""
        return any(r.kind == FactorKind.PASSKEY for r in self.rows)

    @property
    def has_totp(self) -> bool:
        """Whether a code of an app could prove it."""
        return any(r.kind == FactorKind.TOTP for r in self.rows)

    @property
    def to_enrol(self) -> bool:
        """Whether the role must have a factor and the account has none."""
        return self.must and not self.rows


def factor_state(actor: Actor, session_key: str) -> FactorState:
    """The actor's second factor; four statements."""
    rows = Factor.objects.filter(user_id=actor.user_id, confirmed_at__isnull=False).order_by(
        "created_at", "pk"
    )[:20]
    return FactorState(
        must=FactorRule.objects.filter(role=actor.role, must=True).exists(),
        proven=UserSession.objects.filter(session_key=session_key, factor_at__isnull=False).exists(),
        rows=[
            FactorRow(f.pk, f.kind, str(FactorKind(f.kind).label), f.name, f.created_at, f.last_used_at)
            for f in rows
        ],
        codes_left=RecoveryCode.objects.filter(user_id=actor.user_id, used_at=None).count(),
    )


def may_set_rules(actor: Actor) -> bool:
    """Whether the actor decides for the whole installation: the security administrator of its top unit."""
    return actor.role == Role.SECURITY_ADMIN and actor.org_path.count("/") == 2


@dataclass(frozen=True)
class RuleRow:
    """Whether a role must have a second factor."""

    role: str
    role_label: str
    must: bool


def factor_rules() -> list[RuleRow]:
    """Every role of staff and administrators, in the order of the roles; one statement."""
    held = dict(FactorRule.objects.values_list("role", "must")[:50])
    return [RuleRow(r, str(Role(r).label), held[r]) for r in Role.values if r in held]


@dataclass(frozen=True)
class IdentityCard:
    """What the manager of an account sees of its proofs."""

    factors: list[str]
    codes_left: int
    closed: bool
    elsewhere: list[tuple[str, str, str]]


def identity_card(user_id: int, *, close_after: int) -> IdentityCard:
    """The proofs of an account, for its manager, who has been checked before."""
    with acting("writer"):
        factors = Factor.objects.filter(user_id=user_id, confirmed_at__isnull=False).order_by(
            "created_at", "pk"
        )
        guard = FactorGuard.objects.filter(user_id=user_id).first()
        return IdentityCard(
            factors=[f"{FactorKind(f.kind).label} · {f.name}" for f in factors[:20]],
            codes_left=RecoveryCode.objects.filter(user_id=user_id, used_at=None).count(),
            closed=guard is not None and guard.failures >= close_after,
            elsewhere=[
                (s.provider, str(Provider(s.provider).label), s.subject.removeprefix("mailto:"))
                for s in SsoIdentity.objects.filter(user_id=user_id).order_by("provider")[:5]
            ],
        )


@dataclass(frozen=True)
class SignInRow:
    """One try to sign in to the actor's account."""

    at: datetime
    how: str
    outcome: str
    right: bool
    address: str
    browser: str


def sign_ins(actor: Actor) -> list[SignInRow]:
    """The last tries to sign in to the actor's own account; one statement."""
    outcomes = {
        "ok": _("成功"),
        "wrong": _("密码不对"),
        "locked": _("已锁定, 未放行"),
        "factor": _("第二重验证不对"),
    }
    how = {
        "password": _("密码"),
        "factor": _("第二重验证"),
        "passkey": _("通行密钥"),
        "oidc": _("统一身份认证"),
        "cas": _("统一身份认证"),
    }
    return [
        SignInRow(
            r.at,
            str(how.get(r.how, r.how)),
            str(outcomes.get(r.outcome, r.outcome)),
            r.outcome == "ok",
            r.address,
            agent_words(r.agent),
        )
        for r in SignIn.objects.filter(user_id=actor.user_id).order_by("-pk")[:20]
    ]


def identities_elsewhere(actor: Actor) -> list[SsoIdentity]:
    """The actor's own accounts elsewhere."""
    return list(SsoIdentity.objects.filter(user_id=actor.user_id).order_by("provider")[:5])
