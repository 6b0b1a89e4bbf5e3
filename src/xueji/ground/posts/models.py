"""The register of 学籍管理员: who keeps the records of a school, since when, trained when."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Officer(models.Model):
    """A school's officer for records from a day on; the last line without an end is the one in office."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField(help_text="authority in charge, which the line is reported to")
    user_id = models.BigIntegerField(help_text="account that holds the registrar's role there")
    name = models.CharField(max_length=50)
    title = models.CharField(max_length=40, blank=True, help_text="职务")
    phone = models.CharField(max_length=30, help_text="of the office")
    full_time = models.BooleanField(default=True, help_text="专职")
    since = models.DateField()
    until = models.DateField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why it ended")
    named_by = models.BigIntegerField()
    named_name = models.CharField(max_length=50)
    named_at = models.DateTimeField(auto_now_add=True)
    noted_by = models.BigIntegerField(null=True)
    noted_name = models.CharField(max_length=50, blank=True)
    noted_at = models.DateTimeField(null=True)
    trained_on = models.DateField(null=True)
    training = models.CharField(max_length=100, blank=True)
    training_hours = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    trained_name = models.CharField(max_length=50, blank=True, help_text="who entered the training")

    class Meta:
        db_table = "officer"
        constraints = [
            models.UniqueConstraint(fields=["org_id"], condition=Q(until=None), name="one_officer_a_school"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="officer_period"),
            models.CheckConstraint(
                condition=(Q(trained_on=None) & Q(training_hours=None))
                | (Q(trained_on__isnull=False) & Q(training_hours__gt=0)),
                name="officer_training_whole",
            ),
        ]
        indexes = [models.Index(fields=["county_id", "until"], name="officer_county")]
