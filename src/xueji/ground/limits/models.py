"""How often somebody asked lately. Counts are worth nothing after a crash: the table is not logged."""

from __future__ import annotations

from django.db import models


class RateCount(models.Model):
    """One account or one address (a keyed hash) and one kind of request; counted anew when its time is over."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    visitor = models.BinaryField(help_text="keyed hash of the account or the address")
    since = models.DateTimeField()
    asked = models.IntegerField()

    class Meta:
        db_table = "rate_count"
        constraints = [models.UniqueConstraint(fields=["kind", "visitor"], name="rate_count_one")]
        indexes = [models.Index(fields=["since"], name="rate_count_since")]
