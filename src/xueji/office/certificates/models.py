"""Certificates given out: what was printed, under which number and code, until when it holds."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Certificate(models.Model):
    """One certificate. The public page finds it by the digest of its code and shows only what is on the paper."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=20)
    code_digest = models.BinaryField(unique=True, help_text="SHA-256 of the verification code")
    code_sealed = models.BinaryField(help_text="the code, for printing again")
    person_id = models.UUIDField(db_index=True)
    readers = ArrayField(models.IntegerField(), default=list)
    school_id = models.IntegerField()
    content = models.JSONField(help_text="what is on the paper, identity masked")
    purpose = models.CharField(max_length=100)
    issued_at = models.DateTimeField()
    issued_by = models.BigIntegerField()
    valid_until = models.DateField()
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "certificate"
        indexes = [models.Index(fields=["school_id", "-issued_at", "-id"], name="certificate_school")]


class CertificateCounter(models.Model):
    """The last serial of certificate numbers of a school and year; its row is the lock."""

    run = models.CharField(max_length=40, primary_key=True)
    last = models.IntegerField()

    class Meta:
        db_table = "certificate_counter"


class VerifyVisit(models.Model):
    """How often an address asked the public page lately; the address itself is kept as a keyed hash only."""

    visitor = models.BinaryField(primary_key=True)
    since = models.DateTimeField()
    asked = models.IntegerField()

    class Meta:
        db_table = "verify_visit"
