"""The audit: who did what, when, from where, for what purpose, on whom. Append-only; sealed in a chain per day."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class AuditEntry(models.Model):
    """One entry. `before`/`after` never hold an identity number or a phone in clear."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=60)
    role = models.CharField(max_length=20)
    org_id = models.IntegerField(null=True)
    address = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=60, help_text="dotted: room.what, e.g. people.identity.reveal")
    object_type = models.CharField(max_length=30, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    person_id = models.UUIDField(null=True)
    purpose = models.CharField(max_length=200, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    row_count = models.IntegerField(default=1)
    digest = models.BinaryField(null=True, help_text="of the rows that a bulk entry stands for")

    class Meta:
        db_table = "audit_entry"
        indexes = [
            models.Index(fields=["person_id", "at"]),
            models.Index(fields=["user_id", "at"]),
            models.Index(fields=["action", "at"]),
            models.Index(fields=["at"]),
        ]


class AuditSeal(models.Model):
    """A seal over the entries `entry_ids`: SHA-256 and SM3 over the previous seal and the entries' own digests.

    `entry_hashes` holds the SHA-256 of each entry, 32 bytes after the other, so that a broken entry can be named.

    One row per batch that the worker seals; a day's chain begins with the last seal of the day before.
    """

    id = models.BigAutoField(primary_key=True)
    sealed_at = models.DateTimeField()
    day = models.DateField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    entry_ids = ArrayField(models.BigIntegerField(), help_text="ids may have gaps: those that were there")
    entry_hashes = models.BinaryField(default=b"")
    sha256 = models.BinaryField()
    sm3 = models.BinaryField()

    class Meta:
        db_table = "audit_seal"
