"""New records on their way to the authority's approval (学籍核准), and the yearly registration of senior pupils."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What a list is for."""

    CREATION = "creation", _("新建学籍核准")
    SENIOR = "senior", _("高中学籍注册")


class ListState(models.TextChoices):
    """Where a list stands."""

    RUNNING = "running", _("待核准")
    RETURNED = "returned", _("已退回")
    APPROVED = "approved", _("已核准")
    WITHDRAWN = "withdrawn", _("已撤回")


class ItemState(models.TextChoices):
    """Where a pupil of a list stands."""

    PENDING = "pending", _("学籍待审核")
    APPROVED = "approved", _("已核准")
    RETURNED = "returned", _("已退回")


class CreationList(models.Model):
    """A list of one school: sent, decided step by step, approved for all whom nobody returned."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    year = models.SmallIntegerField(help_text="school year, by its first calendar year")
    state = models.CharField(max_length=9, choices=ListState.choices, default=ListState.RUNNING)
    total = models.IntegerField()
    current_seq = models.SmallIntegerField(null=True)
    note = models.CharField(max_length=300, blank=True)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "creation_list"
        indexes = [
            models.Index(fields=["school_id", "-id"], name="creation_school"),
            models.Index(fields=["county_id", "state"], name="creation_county"),
        ]


class CreationItem(models.Model):
    """One pupil of a list. A pupil waits on one list of a kind at a time."""

    pk = models.CompositePrimaryKey("list_id", "person_id")
    list_id = models.BigIntegerField()
    person_id = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=8)
    year = models.SmallIntegerField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    state = models.CharField(max_length=8, choices=ItemState.choices, default=ItemState.PENDING)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "creation_item"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "kind", "year"],
                condition=models.Q(state__in=["pending", "approved"]),
                name="one_creation_list",
            )
        ]


class CreationStep(models.Model):
    """One step of a list: whose, and what was decided."""

    pk = models.CompositePrimaryKey("list_id", "seq")
    list_id = models.BigIntegerField()
    seq = models.SmallIntegerField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    org_id = models.IntegerField()
    role = models.CharField(max_length=20)
    label = models.CharField(max_length=40)
    state = models.CharField(max_length=8, default="future", help_text="future, current, done, returned")
    decider_id = models.BigIntegerField(null=True)
    decider_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    opinion = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "creation_step"
        indexes = [
            models.Index(fields=["org_id", "role"], condition=models.Q(state="current"), name="creation_todo")
        ]


class CreationWindow(models.Model):
    """A time in which an authority lets its schools put pupils on record or register seniors (C-NUM-18)."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    org_id = models.IntegerField(help_text="the authority; holds for every school below it")
    stages = ArrayField(models.CharField(max_length=1), default=list, help_text="empty: all")
    opens_on = models.DateField()
    closes_on = models.DateField()
    reason = models.CharField(max_length=200)
    opened_by = models.BigIntegerField()
    opened_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, help_text="closed before its day")

    class Meta:
        db_table = "creation_window"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes_on__gte=models.F("opens_on")), name="creation_window_days"
            )
        ]
        indexes = [models.Index(fields=["org_id", "closes_on"], name="creation_window_org")]


class Mode(models.TextChoices):
    """Special ways of going to school that the record shows as a type of its own (C-NUM-17)."""

    HOME = "home", _("送教上门")
    SPECIAL = "special", _("特殊教育")
    REFORM = "reform", _("专门学校(工读)")
    INCLUSIVE = "inclusive", _("随班就读")


class SpecialRecord(models.Model):
    """That a pupil goes to school in a special way, since when, on what ground; entered by the school in charge."""

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    county_id = models.IntegerField()
    school_id = models.IntegerField(help_text="承担学校")
    mode = models.CharField(max_length=9, choices=Mode.choices)
    since = models.DateField()
    until = models.DateField(null=True)
    basis = models.CharField(max_length=200)
    ended_why = models.CharField(max_length=200, blank=True)
    entered_by = models.BigIntegerField()
    entered_name = models.CharField(max_length=60)
    entered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "special_record"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "school_id"], condition=models.Q(until=None), name="one_special_mode"
            )
        ]
        indexes = [models.Index(fields=["school_id", "mode"], name="special_school")]
