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


class TermReport(models.Model):
    """学籍报表 of one unit, term and moment of the term, frozen when it was made; made again, it is replaced."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField(help_text="authority in charge of the school; of an authority, itself")
    term = models.CharField(max_length=6, help_text="2026-1")
    phase = models.CharField(max_length=5, help_text="begin or end")
    as_of = models.DateField()
    tables = models.JSONField(help_text="title, head, rows, notes and facts of each table")
    made_by = models.BigIntegerField(null=True, help_text="null: by the schedule")
    made_name = models.CharField(max_length=60, blank=True)
    made_at = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=1)

    class Meta:
        db_table = "term_report"
        constraints = [models.UniqueConstraint(fields=["org_id", "term", "phase"], name="term_report_once")]
        indexes = [models.Index(fields=["county_id", "term", "phase"], name="term_report_county")]
