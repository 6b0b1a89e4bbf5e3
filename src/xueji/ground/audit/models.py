"""The audit: who did what, when, from where, for what purpose, on whom. Append-only; sealed in a chain per day."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

VERDICTS = [("fine", _("工作需要")), ("follow", _("继续关注")), ("misuse", _("违规查看"))]


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
    person_ids = ArrayField(
        models.UUIDField(), null=True, help_text="whom a list, a search, a print or an export showed"
    )
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
            models.Index(fields=["org_id", "at"]),
            GinIndex(fields=["person_ids"], name="audit_entry_people", condition=Q(person_ids__isnull=False)),
        ]


class AuditSeal(models.Model):
    """A seal over the entries `entry_ids`: SHA-256 and SM3 over the previous seal and the entries' own digests.

    `entry_hashes` holds the SHA-256 of each entry, 32 bytes after the other, so that a broken entry can be named.

    One row per batch that the worker seals; a day's chain begins with the last seal of the day before.
    """

    id = models.BigAutoField(primary_key=True)
    version = models.SmallIntegerField(default=1, help_text="which form of arithmetic, see chain.py")
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
        indexes = [
            models.Index(fields=["last_id"], name="audit_seal_last"),
            models.Index(fields=["sealed_at"]),
        ]


class AuditQueued(models.Model):
    """A plain view of a page that waits to be taken into the audit: an unlogged table, so that a look costs no disk
    write. It outlives the web process and a clean stop of the server, not a crash of the server.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=60)
    role = models.CharField(max_length=20)
    org_id = models.IntegerField(null=True)
    address = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=30, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    person_id = models.UUIDField(null=True)
    purpose = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "audit_queued"


class AuditAnchor(models.Model):
    """An anchor that was given out: the head of the chain, signed, as it stands in the file outside."""

    id = models.BigAutoField(primary_key=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=60)
    seal_id = models.BigIntegerField()
    content = models.JSONField(help_text="the anchor, word for word, with its signature")

    class Meta:
        db_table = "audit_anchor"


class AuditArchive(models.Model):
    """A file into which the entries of a closed month were written; the stub by which verification goes on."""

    id = models.BigAutoField(primary_key=True)
    made_at = models.DateTimeField()
    month = models.DateField(help_text="its first day")
    kind = models.CharField(max_length=12, help_text="class of entries, see retention.py")
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    entry_ids = ArrayField(models.BigIntegerField())
    file_name = models.CharField(max_length=120)
    size = models.BigIntegerField()
    sha256 = models.BinaryField()
    sm3 = models.BinaryField()
    signature = models.JSONField()

    class Meta:
        db_table = "audit_archive"
        constraints = [models.UniqueConstraint(fields=["file_name"], name="audit_archive_file")]


class AuditFinding(models.Model):
    """Unusual reading of one account on one day, by one rule: the figures and the entries that it rests on."""

    id = models.BigAutoField(primary_key=True)
    made_at = models.DateTimeField()
    day = models.DateField()
    rule = models.CharField(max_length=20)
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=60)
    role = models.CharField(max_length=20)
    org_id = models.IntegerField(null=True)
    figures = models.JSONField()

    class Meta:
        db_table = "audit_finding"
        constraints = [models.UniqueConstraint(fields=["day", "rule", "user_id"], name="audit_finding_once")]
        indexes = [models.Index(fields=["day"])]


class AuditReview(models.Model):
    """What the audit administrator found out about a finding. The audit itself stays as it is."""

    id = models.BigAutoField(primary_key=True)
    finding = models.ForeignKey(AuditFinding, on_delete=models.PROTECT)
    at = models.DateTimeField()
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=60)
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    note = models.CharField(max_length=300)

    class Meta:
        db_table = "audit_review"
