"""Versions of packs that places have put into force, and the proposals that wait for a second person.

Files speak for every pack that has no version here. Nothing in here concerns a pupil.
"""

from __future__ import annotations

from django.db import models


class PolicyVersion(models.Model):
    """The text of one version of a pack, addressed by the hash of its content; never changed, never deleted."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    pack = models.CharField(max_length=60)
    title = models.CharField(max_length=100)
    version = models.CharField(max_length=60)
    text = models.TextField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "policy_version"
        indexes = [models.Index(fields=["pack"], name="policy_version_pack")]


class PolicyLine(models.Model):
    """A hash that cases keep, and the packs (with their hashes) of which it is the hash, the nation's first."""

    hash = models.CharField(max_length=64, primary_key=True)
    packs = models.JSONField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "policy_line"


class StageState(models.TextChoices):
    """What has become of a proposal."""

    STAGED = "staged", "待复核"
    APPROVED = "approved", "已批准"
    REFUSED = "refused", "未通过"
    WITHDRAWN = "withdrawn", "已撤回"


class PolicyStage(models.Model):
    """A new version of a place's own pack, checked, waiting for a second person of the same authority."""

    id = models.BigAutoField(primary_key=True)
    org = models.ForeignKey("orgs.Org", on_delete=models.PROTECT, related_name="+")
    pack = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)
    base = models.CharField(max_length=64, blank=True, help_text="hash of the version that it is to follow")
    text = models.TextField()
    effective_on = models.DateField()
    note = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=StageState.choices, default=StageState.STAGED)
    staged_by = models.BigIntegerField()
    staged_name = models.CharField(max_length=60)
    staged_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    opinion = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "policy_stage"
        indexes = [models.Index(fields=["org", "-id"], name="policy_stage_org")]
        constraints = [
            models.UniqueConstraint(
                fields=["pack"], condition=models.Q(state="staged"), name="one_staged_version"
            ),
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("staged_by")) | models.Q(state="withdrawn"),
                name="stage_two_persons",
            ),
        ]


class PolicyActivation(models.Model):
    """From which day a version of a pack holds; of two for one day the later approved. Rows are only added."""

    id = models.BigAutoField(primary_key=True)
    pack = models.CharField(max_length=60)
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    effective_on = models.DateField()
    stage = models.OneToOneField(PolicyStage, on_delete=models.PROTECT, related_name="activation")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "policy_activation"


class PolicyState(models.Model):
    """One row: a token that changes with every activation. Each transaction reads it with its first statement."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    token = models.UUIDField(null=True)

    class Meta:
        db_table = "policy_state"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="policy_state_one_row")]
