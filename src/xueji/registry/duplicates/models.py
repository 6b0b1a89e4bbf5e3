"""One child, one record: suspected duplicates and how they were settled, merges of two records and their undoing."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    """Where a check of many records stands."""

    QUEUED = "queued", _("排队中")
    RUNNING = "running", _("检查中")
    DONE = "done", _("已完成")
    FAILED = "failed", _("未能完成")


class Run(models.Model):
    """A check of all records of a school or a county against the whole database; `cursor` is the last one looked at."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField(null=True)
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.QUEUED)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    found = models.IntegerField(default=0)
    cursor = models.UUIDField(null=True)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    assignment_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "duplicate_run"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id"], condition=Q(state__in=["queued", "running"]), name="one_duplicate_run"
            )
        ]


class PairState(models.TextChoices):
    """What became of a suspicion."""

    NEW = "new", _("待核对")
    PROBLEM = "problem", _("问题学籍处理中")
    DIFFERENT = "different", _("不是同一人")
    MERGED = "merged", _("已合并")


class Pair(models.Model):
    """Two records that may be one child's; `first` is the smaller key. A decided pair is not asked about again."""

    id = models.BigAutoField(primary_key=True)
    first = models.UUIDField()
    second = models.UUIDField(db_index=True)
    first_school = models.IntegerField()
    first_county = models.IntegerField()
    second_school = models.IntegerField()
    second_county = models.IntegerField()
    superior_id = models.IntegerField(help_text="the lowest unit above both, or the school of both")
    parties = ArrayField(models.IntegerField(), default=list)
    score = models.PositiveSmallIntegerField()
    reasons = ArrayField(models.CharField(max_length=20), default=list)
    state = models.CharField(max_length=10, choices=PairState.choices, default=PairState.NEW)
    found_at = models.DateTimeField()
    problem_id = models.UUIDField(null=True)
    proof = models.CharField(max_length=300, blank=True, help_text="why they are two children")
    decided_by = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "duplicate_pair"
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_order"),
        ]
        indexes = [models.Index(fields=["state", "-score", "id"], name="duplicate_pair_state")]


class MergeState(models.TextChoices):
    """Where a merge stands."""

    PROPOSED = "proposed", _("待负责人决定")
    REFUSED = "refused", _("未同意")
    WITHDRAWN = "withdrawn", _("已撤回")
    DONE = "done", _("已合并")
    UNDOING = "undoing", _("撤销待决定")
    UNDONE = "undone", _("已撤销合并")


class Merge(models.Model):
    """Two records become one: proposed by one person of the lowest unit above both, decided by another of it."""

    merge_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=30, unique=True)
    kept = models.UUIDField(db_index=True)
    merged = models.UUIDField(db_index=True)
    org_id = models.IntegerField(help_text="the lowest unit above both records")
    parties = ArrayField(models.IntegerField(), default=list)
    state = models.CharField(max_length=10, choices=MergeState.choices, default=MergeState.PROPOSED)
    take = models.JSONField(default=dict, help_text="fact -> kept or merged")
    sides = models.JSONField(default=dict, help_text="name and school of both on the day of the proposal")
    stamp = models.CharField(max_length=200, help_text="state of both records that was looked at")
    basis = models.CharField(max_length=300)
    proposed_by = models.BigIntegerField()
    proposed_name = models.CharField(max_length=60)
    proposed_at = models.DateTimeField()
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    opinion = models.CharField(max_length=300, blank=True)
    closed_from = models.DateTimeField(
        null=True, help_text="when the ended record's chain was closed by the merge"
    )
    undo_by = models.BigIntegerField(null=True)
    undo_name = models.CharField(max_length=60, blank=True)
    undo_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=300, blank=True)
    undone_by = models.BigIntegerField(null=True)
    undone_name = models.CharField(max_length=60, blank=True)
    undone_at = models.DateTimeField(null=True)
    undone_opinion = models.CharField(max_length=300, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "person_merge"
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="merge_two_people"
            ),
            models.CheckConstraint(
                condition=Q(undone_by=None) | ~Q(undone_by=F("undo_by")), name="unmerge_two_people"
            ),
            models.UniqueConstraint(
                fields=["merged"],
                condition=Q(state__in=["proposed", "done", "undoing"]),
                name="one_live_merge",
            ),
        ]
        indexes = [models.Index(fields=["org_id", "state", "-proposed_at"], name="merge_org")]


class MergeRow(models.Model):
    """One row that a merge wrote or moved, with what stood there before: what an undoing takes back, and nothing else."""

    id = models.BigAutoField(primary_key=True)
    merge = models.ForeignKey(Merge, on_delete=models.PROTECT, related_name="rows")
    tbl = models.CharField(max_length=40)
    op = models.CharField(max_length=8, help_text="insert, update, move, problem")
    key = models.JSONField(default=dict)
    before = models.JSONField(default=dict)

    class Meta:
        db_table = "person_merge_row"
