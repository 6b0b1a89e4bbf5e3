"""Placing pupils: runs of a balanced placement, questions about a child's class, term registration, entry review."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    """Where a placement stands. The list is fixed before the seed is known."""

    DRAFT = "draft", _("准备名单")
    FROZEN = "frozen", _("名单已锁定, 等待摇号")
    DRAWN = "drawn", _("已摇号, 待确认")
    DONE = "done", _("已编班")
    DROPPED = "dropped", _("已作废")


class Metric(models.TextChoices):
    """What besides sex and number is evened out."""

    NONE = "none", _("不按成绩和年龄")
    SCORE = "score", _("按成绩均衡")
    AGE = "age", _("按年龄均衡")


class BondMode(models.TextChoices):
    """What a group of pupils asks for."""

    TOGETHER = "together", _("编在同一个班")
    APART = "apart", _("编在不同的班")


class SeatOrder(models.TextChoices):
    """By what the serial numbers of a class are given."""

    PINYIN = "pinyin", _("按姓名拼音")
    SEX = "sex", _("先男后女, 再按拼音")
    RANDOM = "random", _("随机(按种子)")
    LISTED = "listed", _("按名单原有顺序")


class Run(models.Model):
    """One placement of the unplaced pupils of a grade into its classes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=7, choices=RunState.choices, default=RunState.DRAFT)
    classes = ArrayField(models.IntegerField(), default=list)
    metric = models.CharField(max_length=5, choices=Metric.choices, default=Metric.NONE)
    by_home = models.BooleanField(default=False)
    seat_order = models.CharField(max_length=6, choices=SeatOrder.choices, default=SeatOrder.PINYIN)
    effective_on = models.DateField()
    places = models.JSONField(default=list, help_text="the classes as they were when the list was fixed")
    list_digest = models.CharField(max_length=64, blank=True)
    seed = models.CharField(max_length=64, blank=True)
    seed_words = models.CharField(
        max_length=200, blank=True, help_text="where the seed came from, who saw it"
    )
    result_digest = models.CharField(max_length=64, blank=True)
    draws = models.JSONField(
        default=list, help_text="earlier draws of this list, with why they were repeated"
    )
    reason = models.CharField(
        max_length=200, blank=True, help_text="why a class goes over a recommended size"
    )
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    frozen_at = models.DateTimeField(null=True)
    drawn_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=60, blank=True)

    class Meta:
        db_table = "placement_run"
        indexes = [models.Index(fields=["school_id", "-created_at"], name="placement_run_school")]


class Item(models.Model):
    """A pupil of a run, under the number that stands for him in the public list."""

    pk = models.CompositePrimaryKey("run_id", "no")
    run_id = models.UUIDField()
    no = models.PositiveIntegerField()
    school_id = models.IntegerField()
    person_id = models.UUIDField()
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    score = models.DecimalField(max_digits=7, decimal_places=2, null=True)
    home = models.CharField(max_length=40, blank=True)
    bond = models.CharField(max_length=10, blank=True)
    bond_mode = models.CharField(max_length=8, choices=BondMode.choices, default=BondMode.TOGETHER)
    special = models.BooleanField(default=False)
    locked_class = models.IntegerField(null=True)
    why = models.CharField(max_length=100, blank=True, help_text="why the pupil is bound to a class")
    class_id = models.IntegerField(null=True, help_text="result")
    by_hand = models.BooleanField(default=False)
    open = models.BooleanField(default=True)

    class Meta:
        db_table = "placement_item"
        constraints = [
            models.UniqueConstraint(fields=["person_id"], condition=Q(open=True), name="placed_once")
        ]


class AskKind(models.TextChoices):
    """What somebody asks for."""

    SWAP = "swap", _("两人对调")
    ENTRY = "entry", _("插班")
    CLAIM = "claim", _("班主任认领")


class AskState(models.TextChoices):
    """How far it is."""

    ASKED = "asked", _("待校长审批")
    APPROVED = "approved", _("待教导处安排班级")
    PLACED = "placed", _("待班主任接收")
    DONE = "done", _("已完成")
    REFUSED = "refused", _("不同意")
    WITHDRAWN = "withdrawn", _("已撤回")


class Ask(models.Model):
    """A question about a child's class: a swap of two, a mid-term entry, a claim."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    kind = models.CharField(max_length=5, choices=AskKind.choices)
    state = models.CharField(max_length=9, choices=AskState.choices, default=AskState.ASKED)
    person_id = models.UUIDField()
    student = models.CharField(max_length=100)
    other_person_id = models.UUIDField(null=True)
    other_student = models.CharField(max_length=100, blank=True)
    from_class = models.IntegerField(null=True)
    class_id = models.IntegerField(null=True, help_text="the class that the child comes into")
    reason = models.CharField(max_length=200)
    effective_on = models.DateField()
    assessed_on = models.DateField(null=True)
    assessment = models.CharField(max_length=200, blank=True, help_text="placement assessment and its result")
    asked_by = models.CharField(max_length=60)
    asked_at = models.DateTimeField(auto_now_add=True)
    head_name = models.CharField(max_length=60, blank=True)
    head_at = models.DateTimeField(null=True)
    head_words = models.CharField(max_length=200, blank=True)
    placed_name = models.CharField(max_length=60, blank=True)
    placed_at = models.DateTimeField(null=True)
    received_name = models.CharField(max_length=60, blank=True)
    received_at = models.DateTimeField(null=True)
    article = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "placement_ask"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"],
                condition=Q(state__in=["asked", "approved"]),
                name="asked_once",
            )
        ]
        indexes = [
            models.Index(fields=["school_id", "state", "-asked_at"], name="placement_ask_school"),
            models.Index(fields=["class_id"], name="placement_ask_class"),
        ]


class MarkState(models.TextChoices):
    """How a pupil stands at the beginning of a term (C-ENR-09)."""

    RETURNED = "returned", _("已到校注册")
    EXCUSED = "excused", _("未到, 已请假或有证明")
    ABSENT = "absent", _("未到, 按旷课")


class TermMark(models.Model):
    """One pupil's registration for a term."""

    pk = models.CompositePrimaryKey("school_id", "school_year", "term", "person_id")
    school_id = models.IntegerField()
    school_year = models.PositiveSmallIntegerField()
    term = models.PositiveSmallIntegerField()
    person_id = models.UUIDField()
    county_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    state = models.CharField(max_length=8, choices=MarkState.choices)
    on = models.DateField(
        help_text="day of registration, or since when the pupil is away", db_column="on_day"
    )
    proof = models.CharField(max_length=200, blank=True, help_text="what proves the absence")
    by_name = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        db_table = "term_mark"
        indexes = [models.Index(fields=["class_id", "school_year", "term"], name="term_mark_class")]


class ReviewResult(models.TextChoices):
    """What the review after entry said (C-ENR-10)."""

    PASSED = "passed", _("复查合格")
    DEFERRED = "deferred", _("保留入学资格")
    CANCELLED = "cancelled", _("取消入学资格")


class EntryReview(models.Model):
    """The review of one pupil after entry."""

    pk = models.CompositePrimaryKey("school_id", "person_id", "cohort_year")
    school_id = models.IntegerField()
    person_id = models.UUIDField()
    cohort_year = models.PositiveSmallIntegerField()
    county_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    result = models.CharField(max_length=9, choices=ReviewResult.choices)
    parts = ArrayField(models.CharField(max_length=8), default=list, help_text="what was looked at")
    reason = models.CharField(max_length=200, blank=True)
    by_name = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        db_table = "entry_review"


class SchoolNumber(models.Model):
    """A pupil's number at the school (注册学号): given once, kept for good, never given to another (C-NUM-11, C-NUM-12)."""

    id = models.BigAutoField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    class_id = models.IntegerField(null=True, help_text="the class in which the number was given")
    person_id = models.UUIDField()
    cohort_year = models.PositiveSmallIntegerField()
    order = models.PositiveIntegerField(help_text="the how manyth of its year", db_column="nth")
    number = models.CharField(max_length=20)
    given_on = models.DateField()
    given_by = models.CharField(max_length=60)

    class Meta:
        db_table = "school_number"
        constraints = [
            models.UniqueConstraint(fields=["school_id", "person_id"], name="one_school_number"),
            models.UniqueConstraint(fields=["school_id", "number"], name="school_number_once"),
        ]


class ClassCheck(models.Model):
    """A class whose list was checked against the children present (已核对, C-ENR-19)."""

    class_id = models.IntegerField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    pupils = models.PositiveSmallIntegerField()
    remark = models.CharField(max_length=200, blank=True)
    by_name = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        db_table = "class_list_check"
