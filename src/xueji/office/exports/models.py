"""Applications for files with data of many children, the units' rules about them, and what a province has opened."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ExportState(models.TextChoices):
    """Where an application stands."""

    ASKED = "asked", _("待审核")
    REVIEWED = "reviewed", _("待批准")
    GRANTED = "granted", _("已批准")
    REFUSED = "refused", _("未批准")
    ENDED = "ended", _("已收回")
    SETTLED = "settled", _("已确认销毁或归还")


class Channel(models.TextChoices):
    """How the file is made: from the page, or by the database's administrator at the data centre."""

    PAGE = "page", _("页面导出")
    BACKEND = "backend", _("后台导出")


class ExportRequest(models.Model):
    """One application. It holds conditions, never names; the file is made anew each time and kept nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=40, unique=True, null=True)
    org_id = models.IntegerField()
    province_id = models.IntegerField(null=True, help_text="whose leader must consent: back-end exports only")
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.PAGE)
    purpose_code = models.CharField(max_length=20, blank=True)
    fields = ArrayField(models.CharField(max_length=20))
    conditions = models.JSONField(default=dict)
    shown = models.CharField(max_length=200, help_text="the conditions in words")
    reason = models.CharField(max_length=200)
    use_scope = models.CharField(max_length=200, blank=True)
    way = models.CharField(max_length=200, blank=True)
    recipient_kind = models.CharField(max_length=10, default="inside")
    receiver = models.CharField(max_length=100, help_text="the unit that uses the data")
    responsible = models.CharField(max_length=50, blank=True, help_text="answers for the data there")
    handler = models.CharField(max_length=50, blank=True)
    plan_file = models.UUIDField(null=True)
    until = models.DateField()
    state = models.CharField(max_length=8, choices=ExportState.choices, default=ExportState.ASKED)
    asked_by = models.BigIntegerField()
    asked_name = models.CharField(max_length=50)
    asked_at = models.DateTimeField(auto_now_add=True)
    approved = ArrayField(models.CharField(max_length=20), default=list)
    reviewed_by = models.BigIntegerField(null=True)
    reviewed_name = models.CharField(max_length=50, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    review_word = models.CharField(max_length=200, blank=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=50, blank=True)
    decided_at = models.DateTimeField(null=True)
    word = models.CharField(max_length=200, blank=True)
    consented_by = models.BigIntegerField(null=True)
    consented_name = models.CharField(max_length=50, blank=True)
    consented_at = models.DateTimeField(null=True)
    consent_file = models.UUIDField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_name = models.CharField(max_length=50, blank=True)
    acknowledged_file = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    made = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(null=True)
    made_rows = models.IntegerField(null=True)
    made_by = models.BigIntegerField(null=True)
    made_name = models.CharField(max_length=50, blank=True)
    settled_how = models.CharField(max_length=10, blank=True)
    settled_on = models.DateField(null=True)
    settled_word = models.CharField(max_length=200, blank=True)
    settled_name = models.CharField(max_length=50, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "export_request"
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("asked_by")), name="export_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["granted", "refused"]) | Q(decided_by__isnull=False),
                name="export_decided",
            ),
            models.CheckConstraint(
                condition=Q(channel="page") | Q(made=0) | Q(consented_by__isnull=False),
                name="export_consented",
            ),
            models.CheckConstraint(
                condition=~Q(state="settled") | (Q(settled_at__isnull=False) & ~Q(settled_how="")),
                name="export_settled",
            ),
        ]
        indexes = [models.Index(fields=["org_id", "-asked_at"], name="export_org")]


class ExportRule(models.Model):
    """数据导出和使用管理制度 of a unit: its text, who answers, the posts, the limits. A new one ends the last."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    title = models.CharField(max_length=100)
    text = models.TextField(max_length=8000)
    responsible = models.CharField(max_length=50)
    post = models.CharField(max_length=50)
    duties = models.JSONField(default=list, help_text="[post, duty] of each")
    most_days = models.PositiveSmallIntegerField()
    most_files = models.PositiveSmallIntegerField()
    most_rows = models.PositiveIntegerField()
    since = models.DateField()
    until = models.DateField(null=True)
    set_by = models.BigIntegerField()
    set_name = models.CharField(max_length=50)
    set_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "export_rule"
        constraints = [
            models.UniqueConstraint(fields=["org_id"], condition=Q(until=None), name="one_export_rule")
        ]


class ExportOpening(models.Model):
    """The province's word that a county may export from the page, until a day; taken back when it must be."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField(help_text="the county")
    province_id = models.IntegerField()
    document = models.CharField(max_length=100)
    since = models.DateField()
    until = models.DateField()
    set_by = models.BigIntegerField()
    set_name = models.CharField(max_length=50)
    set_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_name = models.CharField(max_length=50, blank=True)
    ended_why = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "export_opening"
        constraints = [
            models.UniqueConstraint(fields=["org_id"], condition=Q(ended_at=None), name="one_export_opening")
        ]
