"""Lines of the term book."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LineKind(models.TextChoices):
    """What a line is about."""

    MARK = "mark", _("成绩")
    ATTENDANCE = "attendance", _("考勤")
    AWARD = "award", _("奖励")


class TermLine(models.Model):
    """One value of one child in one term; appended, ended, never rewritten."""

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    school_id = models.IntegerField(help_text="where it was entered")
    class_id = models.IntegerField(null=True)
    year = models.PositiveSmallIntegerField(help_text="in which the school year begins")
    term = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=LineKind.choices)
    item = models.CharField(max_length=100, help_text="subject, kind of absence, or what was won")
    value = models.CharField(max_length=30)
    on = models.DateField(null=True, help_text="of an award")
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=50)
    at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_name = models.CharField(max_length=50, blank=True)
    ended_why = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "term_line"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "year", "term", "kind", "item"],
                condition=Q(ended_at=None),
                name="one_term_line",
            ),
            models.CheckConstraint(condition=Q(term__in=[1, 2]), name="term_line_term"),
        ]
        indexes = [models.Index(fields=["class_id", "year", "term"], name="term_line_class")]
