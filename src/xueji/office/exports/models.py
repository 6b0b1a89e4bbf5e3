"""Applications for files with plain numbers of many children: who asked, for what, who let it, how often it was made."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ExportState(models.TextChoices):
    """Where an application stands."""

    ASKED = "asked", _("待批准")
    GRANTED = "granted", _("已批准")
    REFUSED = "refused", _("未批准")
    ENDED = "ended", _("已收回")


class ExportRequest(models.Model):
    """One application. It holds conditions, never names; the file is made anew each time and kept nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    org_id = models.IntegerField()
    fields = ArrayField(models.CharField(max_length=20))
    conditions = models.JSONField(default=dict)
    shown = models.CharField(max_length=200, help_text="the conditions in words")
    reason = models.CharField(max_length=200)
    receiver = models.CharField(max_length=100)
    until = models.DateField()
    state = models.CharField(max_length=8, choices=ExportState.choices, default=ExportState.ASKED)
    asked_by = models.BigIntegerField()
    asked_name = models.CharField(max_length=50)
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=50, blank=True)
    decided_at = models.DateTimeField(null=True)
    word = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)
    made = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(null=True)
    made_rows = models.IntegerField(null=True)

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
        ]
        indexes = [models.Index(fields=["org_id", "-asked_at"], name="export_org")]
