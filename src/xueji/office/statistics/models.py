"""Monthly reports that schools have handed in: the figures as they were then."""

from __future__ import annotations

from django.db import models


class MonthlyReport(models.Model):
    """学籍变动情况月报 of one school and month, frozen when it was handed in; handed in again, it is replaced."""

    id = models.BigAutoField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField(help_text="authority in charge of the school")
    month = models.DateField(help_text="its first day")
    figures = models.JSONField(help_text="opening, each column of the movement table, closing")
    times = models.PositiveSmallIntegerField(default=1, help_text="how often it was handed in")
    submitted_by = models.BigIntegerField()
    submitter_name = models.CharField(max_length=60)
    submitted_at = models.DateTimeField()

    class Meta:
        db_table = "monthly_report"
        constraints = [models.UniqueConstraint(fields=["school_id", "month"], name="monthly_report_once")]
        indexes = [models.Index(fields=["county_id", "month"], name="monthly_report_county")]
