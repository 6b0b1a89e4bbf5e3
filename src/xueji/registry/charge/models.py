"""Sight beyond one's scope for a stated reason and a short time; work that is handed to a successor."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

REASONS = {
    "safety": _("学生安全, 走失或意外"),
    "dropout": _("控辍保学核查"),
    "duplicate": _("学籍重复或冒用核查"),
    "court": _("公检法机关依法调取"),
    "complaint": _("核实投诉举报"),
    "other": _("其他紧急情况"),
}


class Placed(models.Model):
    """Columns that row-level security reads: the unit that looks, the child's school and its authority, who looks."""

    user_id = models.BigIntegerField()
    org_id = models.IntegerField()
    school_id = models.IntegerField(null=True)
    county_id = models.IntegerField(null=True)

    class Meta:
        abstract = True


class EmergencyGrant(Placed):
    """One child opened to one account (紧急查阅): read only, by the clock, told to the heads of both sides.

    Nothing of it changes but `ended_at`; longer means a new one, with a reason and a notice of its own.
    """

    id = models.BigAutoField(primary_key=True)
    assignment_id = models.BigIntegerField()
    user_name = models.CharField(max_length=50)
    role = models.CharField(max_length=20)
    person_id = models.UUIDField()
    masked_name = models.CharField(max_length=20)
    reason_kind = models.CharField(max_length=10, choices=REASONS.items())
    reason = models.CharField(max_length=300)
    opened_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "emergency_grant"
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at"))
                & Q(expires_at__lte=F("opened_at") + timedelta(hours=24)),
                name="emergency_short",
            )
        ]
        indexes = [
            models.Index(fields=["user_id", "-opened_at"], name="emergency_user"),
            models.Index(fields=["school_id", "-opened_at"], name="emergency_school"),
            models.Index(fields=["org_id", "-opened_at"], name="emergency_org"),
            models.Index(fields=["county_id", "-opened_at"], name="emergency_county"),
        ]


class EmergencyLook(Placed):
    """What was looked at, each time."""

    id = models.BigAutoField(primary_key=True)
    grant_id = models.BigIntegerField(db_index=True)
    at = models.DateTimeField(auto_now_add=True)
    what = models.CharField(max_length=60)

    class Meta:
        db_table = "emergency_look"


class EmergencyAnswer(Placed):
    """A head took notice, or objects: an objection goes to the head of the authority. One for each unit."""

    id = models.BigAutoField(primary_key=True)
    grant_id = models.BigIntegerField()
    by_org_id = models.IntegerField()
    by_id = models.BigIntegerField()
    by_name = models.CharField(max_length=50)
    objects_ = models.BooleanField(db_column="objects", default=False)
    word = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "emergency_answer"
        constraints = [
            models.UniqueConstraint(fields=["grant_id", "by_org_id"], name="emergency_answer_once")
        ]


class EmergencyTry(models.Model):
    """A search beyond the scope, found or not: counted, and closed to every page."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    found = models.BooleanField()

    class Meta:
        db_table = "emergency_try"
        indexes = [models.Index(fields=["user_id", "at"], name="emergency_try_user")]


class HandOver(models.Model):
    """Work handed from one account to another of the same unit on a day (移交); kept for good."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    from_id = models.BigIntegerField()
    from_name = models.CharField(max_length=50)
    to_id = models.BigIntegerField()
    to_name = models.CharField(max_length=50)
    roles = ArrayField(models.CharField(max_length=100), help_text="what was handed over, in words")
    day = models.DateField(help_text="from this day the successor holds it and the former holder does not")
    items = models.JSONField(default=list, help_text="rows of the list: what, how many, remark")
    note = models.CharField(max_length=300, blank=True)
    written_by = models.BigIntegerField()
    written_name = models.CharField(max_length=50)
    written_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    remark = models.CharField(max_length=300, blank=True, help_text="of the successor")

    class Meta:
        db_table = "hand_over"
        constraints = [
            models.CheckConstraint(condition=~Q(from_id=F("to_id")), name="hand_over_two_people"),
        ]
        indexes = [
            models.Index(fields=["org_id", "-day"], name="hand_over_org"),
            models.Index(fields=["to_id"], condition=Q(confirmed_at=None), name="hand_over_open"),
        ]
