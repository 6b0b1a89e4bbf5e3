"""What proves that an account is its owner's: second factors, former passwords, accounts elsewhere, sign-ins.

Imported by `models`, where Django looks for it.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .roles import Role


class FactorKind(models.TextChoices):
    """What a second factor is."""

    TOTP = "totp", _("动态验证码")
    PASSKEY = "passkey", _("通行密钥")


class Factor(models.Model):
    """An authenticator of an account: a shared secret of one-time codes, or a passkey. Sealed under its own id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="factors")
    kind = models.CharField(max_length=10, choices=FactorKind.choices)
    name = models.CharField(max_length=60)
    sealed = models.BinaryField(help_text="secret of the codes, or the passkey's credential data")
    credential = models.BinaryField(null=True, help_text="SHA-256 of a passkey's credential id")
    sign_count = models.BigIntegerField(default=0)
    last_step = models.BigIntegerField(
        default=0, help_text="time step of the last code taken: none is taken twice"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "account_factor"
        constraints = [models.UniqueConstraint(fields=["credential"], name="one_credential")]


class RecoveryCode(models.Model):
    """A code that stands in for a lost authenticator, once. Only its digest is kept."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField()
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recovery_code"


class FactorGuard(models.Model):
    """Wrong codes of an account, its lock, and the last reset by somebody else, of which the owner is told."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    failures = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    reset_at = models.DateTimeField(null=True)
    reset_by = models.CharField(max_length=50, blank=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "factor_guard"


class FactorRule(models.Model):
    """Whether a role must have a second factor. The defaults are `standards/second_factor.csv`."""

    role = models.CharField(max_length=20, primary_key=True, choices=Role.choices)
    must = models.BooleanField()

    class Meta:
        db_table = "factor_rule"


class FormerPassword(models.Model):
    """A password that an account had, as its hash: none of the last few is taken again."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    password = models.CharField(max_length=128)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "former_password"


class Provider(models.TextChoices):
    """Where single sign-on comes from."""

    OIDC = "oidc", "OIDC"
    CAS = "cas", "CAS"


class SsoIdentity(models.Model):
    """Which account somebody has who was signed in elsewhere. Never made by signing in."""

    id = models.BigAutoField(primary_key=True)
    provider = models.CharField(max_length=10, choices=Provider.choices)
    subject = models.CharField(
        max_length=200, help_text="the provider's name of the person, or mailto:address"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sso_identities"
    )
    bound_at = models.DateTimeField(auto_now_add=True)
    bound_by = models.BigIntegerField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sso_identity"
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="one_account_elsewhere"),
            models.UniqueConstraint(fields=["provider", "user"], name="one_identity_of_a_provider"),
        ]


class SignIn(models.Model):
    """One try to sign in to an account, for its owner to look at. The audit keeps the same for the auditor."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    how = models.CharField(max_length=10)
    outcome = models.CharField(max_length=10)
    address = models.CharField(max_length=45)
    agent = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "sign_in_log"
        indexes = [models.Index(fields=["user", "-id"], name="sign_in_log_of_user")]
