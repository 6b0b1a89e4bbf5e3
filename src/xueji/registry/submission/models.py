"""Handing data up (上报) and comparing it with what is there (核对).

A round is opened by an authority; each school that it names has one submission in it, with steps up the tiers, a
signature at each, and the children as they were when it was sent. A class check belongs to a class and a term.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def nothing() -> list[Any]:
    """An empty list."""
    return []


class RoundKind(models.TextChoices):
    """What an authority asks for."""

    SUBMIT = "submit", _("学籍数据上报")
    NEWCOMERS = "newcomers", _("新生名册上报")
    INSPECT = "inspect", _("数据质量核查")


class State(models.TextChoices):
    """Where a school's submission stands."""

    WAITING = "waiting", _("待上报")
    RUNNING = "running", _("审核中")
    RETURNED = "returned", _("退回待修改")
    PASSED = "passed", _("审核通过")


class Placed(models.Model):
    """Columns that row-level security reads: the school and the authority in charge of it."""

    county_id = models.IntegerField()
    school_id = models.IntegerField()

    class Meta:
        abstract = True


class Round(models.Model):
    """上报任务: who asks for what of whom until when. Tells nothing of pupils."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField(help_text="the authority that opened it")
    kind = models.CharField(max_length=10, choices=RoundKind.choices)
    title = models.CharField(max_length=80)
    year = models.PositiveSmallIntegerField(help_text="school year of the term")
    term = models.PositiveSmallIntegerField()
    grades = ArrayField(models.CharField(max_length=3), default=list, help_text="P1, J3 ...; none: all")
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    blocking = ArrayField(models.CharField(max_length=12), default=list, help_text="findings that stop")
    evidence = ArrayField(
        models.CharField(max_length=12), default=list, help_text="groups whose papers count"
    )
    levels = ArrayField(
        models.CharField(max_length=30), default=list, help_text="the chain, as policy had it"
    )
    responsible = models.CharField(max_length=60)
    phone = models.CharField(max_length=30)
    note = models.CharField(max_length=500, blank=True)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "submission_round"
        constraints = [
            models.CheckConstraint(condition=Q(due_at__gt=models.F("opens_at")), name="round_lasts")
        ]
        indexes = [models.Index(fields=["org_id", "-id"], name="round_org")]


class Submission(Placed):
    """One school's part in a round."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="submissions")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    number = models.CharField(max_length=30, unique=True, null=True, help_text="given when first sent")
    times = models.PositiveSmallIntegerField(default=0, help_text="how often it was sent")
    slot_from = models.DateTimeField(null=True, help_text="the school's own time within the round")
    slot_to = models.DateTimeField(null=True)
    current_seq = models.PositiveSmallIntegerField(null=True)
    snapshot = models.JSONField(default=dict, help_text="counts and digests, per class")
    digest = models.BinaryField(null=True)
    explained = models.JSONField(default=dict, help_text="why a finding stays, by code")
    repair = models.JSONField(default=nothing, help_text="what was asked for when it came back")
    submitted_at = models.DateTimeField(null=True)
    late = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "submission"
        constraints = [
            models.UniqueConstraint(fields=["round", "school_id"], name="one_submission_a_round"),
            models.CheckConstraint(
                condition=Q(state="running", current_seq__isnull=False)
                | (~Q(state="running") & Q(current_seq__isnull=True)),
                name="running_submission_has_holder",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting") | Q(number__isnull=False, digest__isnull=False),
                name="sent_submission_has_digest",
            ),
        ]
        indexes = [
            models.Index(fields=["school_id", "state"], name="submission_school"),
            models.Index(fields=["county_id", "state"], name="submission_county"),
        ]


class Step(Placed):
    """One tier's turn: whose, what was decided."""

    id = models.BigAutoField(primary_key=True)
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="steps")
    seq = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=40)
    role = models.CharField(max_length=20)
    org_id = models.IntegerField()
    state = models.CharField(max_length=10, default="future", help_text="future, current, done, returned")
    arrived_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decider_id = models.BigIntegerField(null=True)
    decider_name = models.CharField(max_length=60, blank=True)
    opinion = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "submission_step"
        constraints = [
            models.UniqueConstraint(fields=["submission", "seq"], name="submission_step_once"),
            models.UniqueConstraint(
                fields=["submission"], condition=Q(state="current"), name="one_current_submission_step"
            ),
        ]
        indexes = [models.Index(fields=["org_id", "role", "state"], name="submission_step_holder")]


class Signature(Placed):
    """Who answered for a submission at a tier: name, part, time, how he was known, what exactly he signed."""

    id = models.BigAutoField(primary_key=True)
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="signatures")
    times = models.PositiveSmallIntegerField()
    seq = models.PositiveSmallIntegerField()
    org_id = models.IntegerField()
    org_name = models.CharField(max_length=100)
    user_id = models.BigIntegerField()
    name = models.CharField(max_length=60)
    part = models.CharField(max_length=40)
    way = models.CharField(max_length=10, help_text="password, totp or recovery")
    at = models.DateTimeField()
    digest = models.BinaryField()

    class Meta:
        db_table = "submission_signature"


class Log(Placed):
    """Everything that happened to a submission, with the children named in it."""

    id = models.BigAutoField(primary_key=True)
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="log")
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=60)
    org_id = models.IntegerField(null=True)
    action = models.CharField(max_length=20)
    text = models.CharField(max_length=600, blank=True)
    items = models.JSONField(default=nothing, help_text="children returned: person, name, reason")

    class Meta:
        db_table = "submission_log"


class Child(Placed):
    """A child as it was handed in. `locked` while the submission is under review."""

    pk = models.CompositePrimaryKey("submission_id", "person_id")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    person_id = models.UUIDField()
    class_id = models.IntegerField(null=True)
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    class_seat = models.PositiveSmallIntegerField(null=True)
    digest = models.BinaryField()
    returned = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    locked = models.BooleanField(default=True)

    class Meta:
        db_table = "submission_child"
        indexes = [models.Index(fields=["person_id"], condition=Q(locked=True), name="submission_locked")]


class Proof(Placed):
    """Papers of one child of a group (外来务工 ...) as the authority found them."""

    pk = models.CompositePrimaryKey("submission_id", "person_id", "category")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    person_id = models.UUIDField()
    category = models.CharField(max_length=12)
    seen = ArrayField(models.CharField(max_length=30), default=list)
    missing = ArrayField(models.CharField(max_length=30), default=list)
    verified = models.BooleanField()
    note = models.CharField(max_length=200, blank=True)
    by_id = models.BigIntegerField()
    by_name = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        db_table = "submission_proof"


class CheckState(models.TextChoices):
    """What a class's comparison came to."""

    REPORTED = "reported", _("不符, 待负责人处理")
    VERIFIED = "verified", _("已核对")


class ClassCheck(Placed):
    """学籍核对 of one class in one term: heads in the room against names in the system."""

    id = models.BigAutoField(primary_key=True)
    class_id = models.IntegerField()
    year = models.PositiveSmallIntegerField()
    term = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=CheckState.choices)
    listed = models.PositiveIntegerField(help_text="in the system")
    present = models.PositiveIntegerField(help_text="counted in the room")
    excused = models.PositiveIntegerField(default=0, help_text="absent, but of this class without doubt")
    lacking = models.PositiveIntegerField(default=0, help_text="in the system, not at school")
    extra = models.PositiveIntegerField(default=0, help_text="at school, not in the system")
    gaps = models.PositiveIntegerField(default=0, help_text="children with mandatory items missing")
    balanced = models.BooleanField(help_text="账实相符")
    note = models.CharField(max_length=300, blank=True)
    roll = models.BinaryField(help_text="digest of who was on the list")
    by_id = models.BigIntegerField()
    by_name = models.CharField(max_length=60)
    at = models.DateTimeField()
    leader_id = models.BigIntegerField(null=True)
    leader_name = models.CharField(max_length=60, blank=True)
    leader_at = models.DateTimeField(null=True)
    leader_note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "class_check"
        constraints = [
            models.UniqueConstraint(fields=["class_id", "year", "term"], name="class_checked_once"),
            models.CheckConstraint(
                condition=Q(balanced=False) | Q(lacking=0, extra=0), name="balanced_means_equal"
            ),
            models.CheckConstraint(
                condition=Q(balanced=True) | Q(state="reported") | Q(leader_id__isnull=False),
                name="mismatch_needs_leader",
            ),
        ]
        indexes = [models.Index(fields=["school_id", "year", "term"], name="class_check_school")]


class ClassCheckLine(Placed):
    """One child that does not simply sit where the system says: absent with a cause, or here without a record."""

    id = models.BigAutoField(primary_key=True)
    check_of = models.ForeignKey(
        ClassCheck, on_delete=models.CASCADE, related_name="lines", db_column="check_id"
    )
    class_id = models.IntegerField()
    person_id = models.UUIDField(null=True, help_text="null: no record here")
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=1, blank=True)
    cause = models.CharField(max_length=12)
    note = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=60, blank=True)
    settled_how = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "class_check_line"
        indexes = [
            models.Index(
                fields=["school_id"], condition=Q(person_id=None, settled_at=None), name="class_check_omitted"
            )
        ]


class TermReview(Placed):
    """学期会审: a school's joint look at all records of a term, handed to the authority with its figures."""

    id = models.BigAutoField(primary_key=True)
    year = models.PositiveSmallIntegerField()
    term = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, default="sent", help_text="sent, accepted or returned")
    figures = models.JSONField(default=dict)
    findings = models.JSONField(default=nothing, help_text="code, words, number, how it was resolved")
    members = models.CharField(max_length=300, help_text="who took part")
    held_on = models.DateField()
    digest = models.BinaryField()
    times = models.PositiveSmallIntegerField(default=1)
    sent_by = models.BigIntegerField()
    sent_name = models.CharField(max_length=60)
    sent_at = models.DateTimeField()
    answered_name = models.CharField(max_length=60, blank=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "term_review"
        constraints = [models.UniqueConstraint(fields=["school_id", "year", "term"], name="term_review_once")]
        indexes = [models.Index(fields=["county_id", "year", "term"], name="term_review_county")]


class InspectionResult(Placed):
    """What an inspection found at one school."""

    pk = models.CompositePrimaryKey("round_id", "school_id")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="results", db_index=False)
    total = models.PositiveIntegerField()
    findings = models.JSONField(default=dict, help_text="number of children by finding")
    passed = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        db_table = "inspection_result"


class Package(models.Model):
    """数据包: what a central school or county gathered of its schools' submissions in a round, kept with its digest."""

    id = models.BigAutoField(primary_key=True)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="packages")
    org_id = models.IntegerField(help_text="who gathered it")
    county_id = models.IntegerField(help_text="to whom it goes")
    number = models.PositiveSmallIntegerField(help_text="within the round and unit")
    file_id = models.UUIDField()
    sha256 = models.CharField(max_length=64)
    schools = models.JSONField(default=nothing, help_text="school, name, batch number, pupils, digest")
    total = models.PositiveIntegerField()
    state = models.CharField(max_length=10, default="sent", help_text="sent, accepted or returned")
    maker_id = models.BigIntegerField()
    maker_name = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    answered_name = models.CharField(max_length=60, blank=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "submission_package"
        constraints = [
            models.UniqueConstraint(fields=["round", "org_id", "number"], name="package_number"),
        ]
