"""Batches of photos on their way to the pupils."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class BatchState(models.TextChoices):
    """Where a batch of photos stands."""

    QUEUED = "queued", _("正在处理")
    READY = "ready", _("待确认")
    DONE = "done", _("已完成")
    FAILED = "failed", _("未能读取")


class ItemState(models.TextChoices):
    """What became of one picture."""

    MATCHED = "matched", _("已对应")
    UNMATCHED = "unmatched", _("没有对应的学生")
    REFUSED = "refused", _("照片不合要求")
    APPLIED = "applied", _("已采用")
    LEFT = "left", _("不采用")


class PhotoBatch(models.Model):
    """One upload: who, when, how many pictures, how far."""

    id = models.BigAutoField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    state = models.CharField(max_length=6, choices=BatchState.choices, default=BatchState.QUEUED)
    file_name = models.CharField(max_length=120)
    file_id = models.UUIDField(null=True, help_text="the sealed upload, until it is worked through")
    total = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    assignment_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "photo_batch"
        indexes = [models.Index(fields=["school_id", "-id"])]


class PhotoItem(models.Model):
    """One picture of a batch. `label` is the masked name of its file."""

    pk = models.CompositePrimaryKey("batch_id", "no")
    batch_id = models.BigIntegerField()
    no = models.PositiveIntegerField()
    school_id = models.IntegerField()
    label = models.CharField(max_length=120)
    state = models.CharField(max_length=9, choices=ItemState.choices)
    how = models.CharField(max_length=10, blank=True, help_text="identity, number, class, name, seat, hand")
    person_id = models.UUIDField(null=True)
    file_id = models.UUIDField(null=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "photo_item"
        constraints = [
            # Two pictures of one batch never claim the same pupil.
            models.UniqueConstraint(
                fields=["batch_id", "person_id"],
                condition=models.Q(state__in=["matched", "applied"]),
                name="one_photo_a_pupil",
            )
        ]
