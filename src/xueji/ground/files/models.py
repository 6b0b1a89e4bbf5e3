"""Files by the digest of their content: evidence, sheets, photos, made documents. The bytes lie on disk."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class StoredFile(models.Model):
    """One file. `readers` are the organisations that may open it (schools and authorities in charge)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    mime = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=30)
    readers = ArrayField(models.IntegerField(), default=list)
    klasses = ArrayField(models.IntegerField(), default=list)
    person_id = models.UUIDField(null=True)
    user_id = models.BigIntegerField(null=True, help_text="who brought it")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "stored_file"
        indexes = [models.Index(fields=["sha256"])]
