"""A register that runs elsewhere and is taken over: the export, its rows, and what differs from the record here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TakeoverState(models.TextChoices):
    """Where a takeover stands."""

    MATCHING = "matching", _("待对应列")
    CHECKED = "checked", _("核对中")
    PUBLISHED = "published", _("已接管")
    CLOSED = "closed", _("已结束")
    DISCARDED = "discarded", _("已放弃")


class RowState(models.TextChoices):
    """What a row of the roster is to the record here."""

    NEW = "new", _("可以接管")
    ERROR = "error", _("有问题")
    HERE = "here", _("本系统已有")
    ELSEWHERE = "elsewhere", _("在本系统的其他学校")
    LEFT = "left", _("不接管")
    DONE = "done", _("已接管")


class DifferenceKind(models.TextChoices):
    """In which way the export and the record differ."""

    THERE = "there", _("只在导出表")
    HERE = "here", _("只在本系统")
    FIELD = "field", _("内容不同")
    PENDING = "pending", _("未办结业务")


class Decision(models.TextChoices):
    """What became of a difference."""

    OPEN = "open", _("待处理")
    TAKEN = "taken", _("已按导出表改正")
    CASE = "case", _("已发起业务")
    REPORT = "report", _("在官方系统更正")
    LEAVE = "leave", _("保留不动")


class Takeover(models.Model):
    """One export of one school: who brought it, from which files (kept sealed, hashed), its totals, who signed."""

    id = models.BigAutoField(primary_key=True)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    state = models.CharField(max_length=9, choices=TakeoverState.choices, default=TakeoverState.CHECKED)
    as_of = models.DateField(help_text="day of the export")
    roster_name = models.CharField(max_length=200)
    roster_sha256 = models.CharField(max_length=64)
    roster_file = models.UUIDField(null=True)
    moves_name = models.CharField(max_length=200, blank=True)
    moves_sha256 = models.CharField(max_length=64, blank=True)
    moves_file = models.UUIDField(null=True)
    mapping = models.JSONField(default=dict, help_text="headings of both sheets and the keys they stand for")
    counts = models.JSONField(default=dict)
    totals = models.JSONField(default=list, help_text="[stage, cohort, status, sex, n] of the other system")
    explanation = models.CharField(max_length=500, blank=True, help_text="why the totals differ")
    signed_by = models.BigIntegerField(null=True)
    signed_name = models.CharField(max_length=60, blank=True)
    signed_at = models.DateTimeField(null=True)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    published = models.IntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "takeover"
        indexes = [models.Index(fields=["school_id", "-id"], name="takeover_school")]


class TakeoverRow(models.Model):
    """A row of the roster as it was understood. What would identify a child lies sealed in `sealed`; closed to pages."""

    pk = models.CompositePrimaryKey("takeover_id", "row_no")
    takeover_id = models.BigIntegerField()
    row_no = models.IntegerField(help_text="row of the sheet as the user counts it")
    state = models.CharField(max_length=9, choices=RowState.choices)
    person_id = models.UUIDField(
        help_text="the key here: of the child that was found, or the one it will have"
    )
    name = models.CharField(max_length=100, blank=True)
    sex = models.CharField(max_length=1, blank=True)
    stage = models.CharField(max_length=1, blank=True)
    cohort_year = models.SmallIntegerField(null=True)
    class_number = models.SmallIntegerField(null=True)
    status = models.SmallIntegerField(null=True)
    issues = models.JSONField(default=list, help_text="what is wrong or was understood, masked")
    sealed = models.BinaryField(help_text="every value of the row, and its history")

    class Meta:
        db_table = "takeover_row"


class TakeoverDifference(models.Model):
    """One difference between the export and the record here, and what was decided about it. Values are masked."""

    id = models.BigAutoField(primary_key=True)
    takeover_id = models.BigIntegerField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    row_no = models.IntegerField(null=True)
    person_id = models.UUIDField(null=True)
    name = models.CharField(max_length=100)
    place = models.CharField(max_length=60, blank=True)
    kind = models.CharField(max_length=7, choices=DifferenceKind.choices)
    field = models.CharField(max_length=40, blank=True)
    here = models.CharField(max_length=200, blank=True)
    there = models.CharField(max_length=200, blank=True)
    decision = models.CharField(max_length=6, choices=Decision.choices, default=Decision.OPEN)
    reason = models.CharField(max_length=300, blank=True)
    case_id = models.UUIDField(null=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "takeover_difference"
        indexes = [models.Index(fields=["takeover_id", "decision", "id"], name="takeover_open")]
