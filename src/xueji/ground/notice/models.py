"""The privacy notice by versions, and who has been shown which. No student data."""

from __future__ import annotations

from django.db import models


class PolicyNotice(models.Model):
    """One version of the privacy notice: `body` is a list of sections, each with a title and paragraphs."""

    version = models.CharField(primary_key=True, max_length=20)
    since = models.DateField()
    title = models.CharField(max_length=100)
    body = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of title and body")
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "policy_notice"


class NoticeReading(models.Model):
    """An account was shown a version and said that it has read it (个人信息保护法 17)."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField()
    version = models.CharField(max_length=20)
    at = models.DateTimeField(auto_now_add=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        db_table = "notice_reading"
        constraints = [models.UniqueConstraint(fields=["user_id", "version"], name="one_reading_a_version")]
