"""Exams of the authority (学考, 会考, 高考, 中考): who is registered, verified, seated, and what came back."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExamKind(models.TextChoices):
    """What kind of exam it is."""

    XK = "xk", _("学业水平考试")
    HK = "hk", _("会考")
    ZK = "zk", _("中考")
    GK = "gk", _("高考")


class ExamState(models.TextChoices):
    """How far an exam is."""

    OPEN = "open", _("报名核对")
    SEATED = "seated", _("已编排准考证")
    DONE = "done", _("成绩已返回")


class EntryState(models.TextChoices):
    """How far one pupil's registration is."""

    OPEN = "open", _("待核对")
    CHECKED = "checked", _("已核对")
    WRONG = "wrong", _("信息有误")
    OUT = "out", _("不参加")


class Exam(models.Model):
    """An exam as an authority announces it; it tells nothing of pupils."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField(help_text="the authority that holds it")
    org_path = models.CharField(max_length=200, help_text="schools below take part")
    org_name = models.CharField(max_length=100)
    kind = models.CharField(max_length=2, choices=ExamKind.choices)
    name = models.CharField(max_length=60)
    stage = models.CharField(max_length=1)
    cohort_year = models.IntegerField()
    subjects = models.JSONField(default=list, help_text="[name, 考试 or 考查]")
    opens_on = models.DateField()
    closes_on = models.DateField()
    held_on = models.DateField()
    state = models.CharField(max_length=6, choices=ExamState.choices, default=ExamState.OPEN)
    article = models.CharField(max_length=200, blank=True)
    made_by = models.BigIntegerField()
    made_name = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    seated_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "exam"
        indexes = [models.Index(fields=["org_id", "-id"], name="exam_org")]


class ExamEntry(models.Model):
    """报名: one pupil at one exam, with what was verified, where it sits, and the marks that came back."""

    id = models.BigAutoField(primary_key=True)
    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="entries")
    person_id = models.UUIDField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    name = models.CharField(max_length=100, help_text="as it was verified")
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    state = models.CharField(max_length=7, choices=EntryState.choices, default=EntryState.OPEN)
    why = models.CharField(max_length=200, blank=True)
    checked_name = models.CharField(max_length=60, blank=True)
    checked_at = models.DateTimeField(null=True)
    ticket = models.CharField(max_length=20, blank=True)
    room = models.PositiveSmallIntegerField(null=True)
    seat = models.PositiveSmallIntegerField(null=True)
    marks = models.JSONField(default=dict, help_text="subject -> mark")
    marked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "exam_entry"
        constraints = [
            models.UniqueConstraint(fields=["exam", "person_id"], name="exam_entry_once"),
            models.UniqueConstraint(
                fields=["exam", "ticket"], condition=~models.Q(ticket=""), name="exam_ticket_once"
            ),
        ]
        indexes = [
            models.Index(fields=["school_id", "exam", "state"], name="exam_entry_school"),
            models.Index(fields=["person_id"], name="exam_entry_person"),
        ]
