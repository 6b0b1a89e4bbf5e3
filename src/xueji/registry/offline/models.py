"""A copy of a school's records that works without the platform: the package, each hand-back, what the copies differ in."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PackageState(models.TextChoices):
    """Where a package is."""

    OUT = "out", _("离线中")
    BACK = "back", _("已交回, 待处理")
    DONE = "done", _("已同步")
    ENDED = "ended", _("已作废")


class BackState(models.TextChoices):
    """What became of a hand-back."""

    OPEN = "open", _("处理中")
    DONE = "done", _("已同步")
    REPLACED = "replaced", _("已由后来的交回代替")


class ItemKind(models.TextChoices):
    """In which way package, platform and base are not at one."""

    SAFE = "safe", _("只有离线表改了")
    CLASH = "clash", _("两边都改了")
    CASE = "case", _("要办业务才能改")
    THERE = "there", _("只在离线表")
    GONE = "gone", _("离线表里没有了")
    FAULT = "fault", _("不能采用")
    AHEAD = "ahead", _("只有平台改了")


class Decision(models.TextChoices):
    """What became of an item."""

    OPEN = "open", _("待处理")
    APPLIED = "applied", _("已同步到平台")
    TAKEN = "taken", _("采用离线表")
    KEPT = "kept", _("保留平台")
    CASE = "case", _("已发起业务")
    BATCH = "batch", _("已转入导入")
    NOTED = "noted", _("无需处理")


class OfflinePackage(models.Model):
    """离线包: who took which pupils out, and the sealed base against which the way back is compared."""

    id = models.BigAutoField(primary_key=True)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True, help_text="null: the whole school")
    title = models.CharField(max_length=60)
    total = models.IntegerField()
    state = models.CharField(max_length=5, choices=PackageState.choices, default=PackageState.OUT)
    base_file = models.UUIDField(null=True, help_text="sealed; null: its time is over")
    made_by = models.BigIntegerField()
    made_name = models.CharField(max_length=60)
    made_at = models.DateTimeField(auto_now_add=True)
    ended_name = models.CharField(max_length=60, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "offline_package"
        indexes = [models.Index(fields=["school_id", "-id"], name="offline_package_school")]


class HandBack(models.Model):
    """交回: the package as it came back, with what was counted when it was compared."""

    id = models.BigAutoField(primary_key=True)
    package = models.ForeignKey(OfflinePackage, on_delete=models.PROTECT, related_name="handbacks")
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    number = models.PositiveSmallIntegerField(help_text="within the package")
    state = models.CharField(max_length=8, choices=BackState.choices, default=BackState.OPEN)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    file_id = models.UUIDField(null=True, help_text="sealed; null: its time is over")
    counts = models.JSONField(default=dict)
    by_id = models.BigIntegerField()
    by_name = models.CharField(max_length=60)
    at = models.DateTimeField(auto_now_add=True)
    done_name = models.CharField(max_length=60, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "offline_handback"
        constraints = [
            models.UniqueConstraint(fields=["package", "number"], name="offline_handback_number"),
            models.UniqueConstraint(
                fields=["package"], condition=models.Q(state="open"), name="offline_one_open_handback"
            ),
        ]


class OfflineItem(models.Model):
    """One thing in which the copies differ, and what was decided. Values are masked."""

    id = models.BigAutoField(primary_key=True)
    handback = models.ForeignKey(HandBack, on_delete=models.PROTECT, related_name="items")
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    row_no = models.IntegerField(null=True)
    person_id = models.UUIDField(null=True)
    version = models.IntegerField(null=True, help_text="of the person when it was compared")
    name = models.CharField(max_length=100)
    place = models.CharField(max_length=60, blank=True)
    kind = models.CharField(max_length=5, choices=ItemKind.choices)
    field = models.CharField(max_length=40, blank=True)
    base = models.CharField(max_length=200, blank=True)
    here = models.CharField(max_length=200, blank=True)
    there = models.CharField(max_length=200, blank=True)
    decision = models.CharField(max_length=7, choices=Decision.choices, default=Decision.OPEN)
    reason = models.CharField(max_length=300, blank=True)
    case_id = models.UUIDField(null=True)
    batch_id = models.BigIntegerField(null=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "offline_item"
        indexes = [models.Index(fields=["handback", "decision", "id"], name="offline_item_open")]
