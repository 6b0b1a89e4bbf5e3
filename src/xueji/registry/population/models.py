"""Comparison with the population register (身份核验) and the periodic distribution of formal numbers (定期下发)."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class BatchState(models.TextChoices):
    """Where a batch stands."""

    RUNNING = "running", _("进行中")
    DONE = "done", _("已完成")
    STOPPED = "stopped", _("部分没有完成")


class Batch(models.Model):
    """One comparison: the records of a school or a county on one day, sent in parts."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField(help_text="unit that asked")
    county_id = models.IntegerField()
    school_id = models.IntegerField(null=True, help_text="null: all schools of the county")
    source = models.CharField(max_length=40, help_text="name of the register that answers")
    state = models.CharField(max_length=8, choices=BatchState.choices, default=BatchState.RUNNING)
    total = models.IntegerField(default=0)
    passed = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    unknown = models.IntegerField(default=0)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "population_batch"
        indexes = [models.Index(fields=["county_id", "-id"], name="population_batch_county")]


class Part(models.Model):
    """What is asked in one go. The key stays the same until the answer is stored: asked twice, it counts once."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="parts")
    county_id = models.IntegerField()
    no = models.IntegerField()
    key = models.UUIDField(default=uuid.uuid4)
    done = models.BooleanField(default=False)
    given_up = models.BooleanField(default=False)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    trouble = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "population_part"
        constraints = [models.UniqueConstraint(fields=["batch", "no"], name="population_part_once")]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(done=False, given_up=False), name="population_part_due"
            )
        ]


class ItemState(models.TextChoices):
    """What is known of one child in a batch."""

    WAITING = "waiting", _("待比对")
    RETRY = "retry", _("待重试")
    PASSED = "passed", _("一致")
    FAILED = "failed", _("不一致")
    UNKNOWN = "unknown", _("未比对")


class Item(models.Model):
    """One child in a batch: which paper was asked about, and the answer with its time."""

    pk = models.CompositePrimaryKey("batch_id", "person_id")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items", db_index=False)
    person_id = models.UUIDField()
    part_no = models.IntegerField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    doc_no = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=ItemState.choices, default=ItemState.WAITING)
    differs = models.CharField(
        max_length=20, blank=True, help_text="which fact differs, as the register says"
    )
    answered_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=40, blank=True, help_text="who answered")

    class Meta:
        db_table = "population_item"
        indexes = [
            models.Index(fields=["batch", "part_no"], name="population_item_part"),
            models.Index(fields=["school_id", "state"], name="population_item_school"),
            models.Index(fields=["person_id"], name="population_item_person"),
        ]


class Distribution(models.Model):
    """One distribution of formal numbers: all records of a county or a province that still have a temporary one."""

    id = models.BigAutoField(primary_key=True)
    number = models.CharField(max_length=30, unique=True)
    org_id = models.IntegerField()
    term = models.CharField(max_length=20, help_text="term in which it takes place")
    state = models.CharField(max_length=8, choices=BatchState.choices, default=BatchState.RUNNING)
    cursor = models.UUIDField(null=True, help_text="the last record looked at")
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    formal = models.IntegerField(default=0, help_text="G numbers given")
    without_id = models.IntegerField(default=0, help_text="J numbers given")
    held = models.IntegerField(default=0)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    assignment_id = models.BigIntegerField()
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField(auto_now=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "number_distribution"
        constraints = [
            models.UniqueConstraint(fields=["org_id"], condition=Q(state="running"), name="one_distribution")
        ]


class Given(models.Model):
    """What became of one child in a distribution: the new number's letter, or why the temporary one stays."""

    pk = models.CompositePrimaryKey("distribution_id", "person_id")
    distribution = models.ForeignKey(
        Distribution, on_delete=models.CASCADE, related_name="given", db_index=False
    )
    person_id = models.UUIDField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    result = models.CharField(max_length=12, help_text="G, J, or the reason for which it was held")
    number_no = models.PositiveSmallIntegerField(null=True)

    class Meta:
        db_table = "number_given"
        indexes = [models.Index(fields=["distribution", "school_id"], name="number_given_school")]
