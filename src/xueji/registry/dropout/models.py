"""The watch on children who may be dropping out: why, what was done, how it ended, what was reported."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Source(models.TextChoices):
    """Why a child is watched (C-DRO-01)."""

    UNREGISTERED = "unregistered", _("开学未按时注册")
    ABSENCE = "absence", _("连续缺课")
    MISMATCH = "mismatch", _("人籍不一致")


class Result(models.TextChoices):
    """How a watch stands (C-DRO-02)."""

    OPEN = "open", _("跟进中")
    RETURNED = "returned", _("已返校")
    NOT_RETURNED = "not_returned", _("未返校")
    CLEARED = "cleared", _("核实不属于辍学")


class Deed(models.TextChoices):
    """What an entry of the log is."""

    NOTICED = "noticed", _("登记")
    CALL = "call", _("电话联系")
    VISIT = "visit", _("家访")
    MEASURE = "measure", _("采取措施")
    REPORT = "report", _("上报主管部门")
    RESULT = "result", _("登记结果")


class Placed(models.Model):
    """Whose child it is: the school, its authority, the class."""

    county_id = models.IntegerField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)

    class Meta:
        abstract = True


class Watch(Placed):
    """One child on the list."""

    watch_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    person_id = models.UUIDField()
    student = models.CharField(max_length=100)
    source = models.CharField(max_length=14, choices=Source.choices)
    since = models.DateField(help_text="first day of absence, or the day on which registration was due")
    noticed_on = models.DateField()
    noticed_by = models.CharField(max_length=60)
    report_by = models.DateField(null=True, help_text="day by which the authority is to be told")
    reported_on = models.DateField(null=True)
    result = models.CharField(max_length=14, choices=Result.choices, default=Result.OPEN)
    result_on = models.DateField(null=True)
    last_entry_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "dropout_watch"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"], condition=Q(result__in=["open", "not_returned"]), name="dropout_once"
            )
        ]
        indexes = [
            models.Index(fields=["school_id", "result", "noticed_on"], name="dropout_school"),
            models.Index(fields=["county_id", "result", "noticed_on"], name="dropout_county"),
        ]


class Entry(Placed):
    """One line of the log; never changed."""

    id = models.BigAutoField(primary_key=True)
    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    actor_name = models.CharField(max_length=60)
    deed = models.CharField(max_length=10, choices=Deed.choices)
    text = models.CharField(max_length=500)

    class Meta:
        db_table = "dropout_entry"


class Report(models.Model):
    """What a school reported for a term (C-DRO-03); figures are those of that day."""

    id = models.BigAutoField(primary_key=True)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    school_year = models.PositiveSmallIntegerField()
    term = models.PositiveSmallIntegerField()
    figures = models.JSONField(default=dict)
    words = models.CharField(max_length=500, blank=True, help_text="会审意见")
    sent_by = models.CharField(max_length=60)
    sent_at = models.DateTimeField()

    class Meta:
        db_table = "dropout_report"
        constraints = [
            models.UniqueConstraint(fields=["school_id", "school_year", "term"], name="dropout_report_once")
        ]
