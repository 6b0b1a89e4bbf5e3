"""Problem records: what is wrong, whose records are concerned, what each school said, how it was decided."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """The three kinds (C-DUP-03)."""

    WRONG_ID = "wrong_id", _("身份证件号错误")
    SAME_ID = "same_id", _("身份证件号重复")
    SAME_PERSON = "same_person", _("姓名性别出生日期重复")


class State(models.TextChoices):
    """Where a problem stands."""

    OPEN = "open", _("各校处理中")
    ARBITRATING = "arbitrating", _("待仲裁")
    CLOSED = "closed", _("已解决")


class Action(models.TextChoices):
    """What a school answers (C-DUP-04)."""

    CHANGE = "change", _("变更")
    PROVE = "prove", _("佐证")
    DELETE = "delete", _("删除")


class Shared(models.Model):
    """All parties see all of it."""

    parties = ArrayField(models.IntegerField(), default=list)

    class Meta:
        abstract = True


class Problem(Shared):
    """One problem of one record or several. `sealed` is the identity number in dispute."""

    problem_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    source = models.CharField(max_length=20, help_text="intake, entry, change or check")
    note = models.CharField(max_length=300, blank=True)
    id_type = models.CharField(max_length=2, blank=True)
    sealed = models.BinaryField(null=True)
    masked = models.CharField(max_length=40, blank=True)
    superior_id = models.IntegerField(help_text="the lowest unit above all sides")
    due_on = models.DateField(null=True, help_text="of the arbitration; before it each side has its own")
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=60)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=300, blank=True)
    decided_by = models.CharField(max_length=60, blank=True)
    findings = models.JSONField(default=list, help_text="what the rules said of the arbitration")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "problem_record"
        indexes = [models.Index(fields=["superior_id", "state"], name="problem_superior")]


class Side(Shared):
    """One record that takes part, and what its school answered."""

    id = models.BigAutoField(primary_key=True)
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="sides")
    no = models.PositiveSmallIntegerField()
    person_id = models.UUIDField()
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    student = models.CharField(max_length=100)
    since = models.DateField(help_text="since when this school has the record")
    registered_by = models.CharField(max_length=60, blank=True)
    holds = models.BooleanField(default=False, help_text="the number in dispute is this record's now")
    action = models.CharField(max_length=8, choices=Action.choices, blank=True)
    statement = models.CharField(max_length=300, blank=True)
    case_id = models.UUIDField(null=True)
    case_number = models.CharField(max_length=30, blank=True)
    files = models.JSONField(default=list, help_text="evidence: id and name of each file")
    due_on = models.DateField(null=True)
    answered_at = models.DateTimeField(null=True)
    lapsed = models.BooleanField(default=False, help_text="the time passed without an answer")
    order = models.CharField(max_length=8, blank=True, help_text="of the arbitration: keep, change or delete")
    is_open = models.BooleanField(default=True)

    class Meta:
        db_table = "problem_side"
        constraints = [models.UniqueConstraint(fields=["problem", "no"], name="problem_side_once")]
        indexes = [
            models.Index(fields=["person_id"], condition=models.Q(is_open=True), name="problem_person"),
            models.Index(fields=["school_id", "is_open"], name="problem_school"),
            models.Index(fields=["county_id", "is_open"], name="problem_county"),
        ]


class Entry(Shared):
    """What happened and what was said, for all parties."""

    id = models.BigAutoField(primary_key=True)
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    actor_name = models.CharField(max_length=60)
    org_id = models.IntegerField(null=True)
    action = models.CharField(max_length=20)
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "problem_log"
