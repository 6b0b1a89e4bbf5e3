"""The privacy notice by versions, and who has been shown which. No student data."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class PolicyNotice(models.Model):
    """One version of the privacy notice: `body` is a list of sections, each with a title and paragraphs."""

    version = models.CharField(primary_key=True, max_length=20)
    since = models.DateField()
    title = models.CharField(max_length=100)
    body = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of title and body")
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.BigIntegerField(null=True, help_text="empty: taken up from a file")
    published_name = models.CharField(max_length=60, blank=True)
    renews = ArrayField(
        models.CharField(max_length=30),
        default=list,
        help_text="questions of consent that are asked anew from its day",
    )

    class Meta:
        db_table = "policy_notice"


class DraftState(models.TextChoices):
    """Where a draft stands."""

    DRAFT = "draft", _("草稿")
    SENT = "sent", _("待公布")
    PUBLISHED = "published", _("已公布")
    DROPPED = "dropped", _("已作废")


class NoticeDraft(models.Model):
    """A text on its way to a version: written by one or several, published by somebody else. One is open at a time."""

    id = models.BigAutoField(primary_key=True)
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.DRAFT)
    open = models.BooleanField(default=True)
    title = models.CharField(max_length=100)
    body = models.JSONField()
    since = models.DateField()
    renews = ArrayField(models.CharField(max_length=30), default=list)
    why = models.CharField(max_length=300, help_text="what changes and why")
    turn = models.PositiveIntegerField(default=1, help_text="grows with every save")
    writers = ArrayField(models.BigIntegerField(), default=list)
    saved_by = models.BigIntegerField()
    saved_name = models.CharField(max_length=60)
    saved_at = models.DateTimeField()
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    opinion = models.CharField(max_length=300, blank=True)
    version = models.CharField(max_length=20, blank=True)

    class Meta:
        db_table = "notice_draft"
        constraints = [
            models.UniqueConstraint(fields=["open"], condition=Q(open=True), name="one_open_notice_draft"),
            models.CheckConstraint(
                condition=~Q(state="published")
                | Q(decided_by__isnull=False, open=False) & ~Q(decided_by=F("saved_by")),
                name="notice_draft_two_people",
            ),
        ]


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
