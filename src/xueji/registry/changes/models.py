"""Cases (业务): drafted, checked, evidenced, decided step by step, then applied in one transaction.

`parties` are the organisations that take part (schools and authorities in charge): they see the case.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseStatus(models.TextChoices):
    """One status vocabulary for every kind of case."""

    DRAFT = "draft", "草稿"
    RUNNING = "running", "办理中"
    RETURNED = "returned", "退回待修改"
    WAITING = "waiting", "等待前置业务"
    APPROVED = "approved", "已批准待生效"
    DONE = "done", "已办结"
    REFUSED = "refused", "未通过"
    WITHDRAWN = "withdrawn", "已撤回"
    CANCELLED = "cancelled", "已撤销"


OPEN = (CaseStatus.RUNNING, CaseStatus.RETURNED, CaseStatus.WAITING, CaseStatus.APPROVED)


class Visible(models.Model):
    """Columns that row-level security reads: organisations taking part, the child's classes, the child."""

    parties = ArrayField(models.IntegerField(), default=list)
    klasses = ArrayField(models.IntegerField(), default=list)
    person_id = models.UUIDField(null=True)

    class Meta:
        abstract = True


class Case(Visible):
    """One business of one child. `facts`, `findings` and `packs` stay as they were decided on."""

    case_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=30, unique=True, null=True, help_text="given on submission")
    business = models.CharField(max_length=30)
    variant = models.CharField(max_length=30, blank=True)
    status = models.CharField(max_length=10, choices=CaseStatus.choices, default=CaseStatus.DRAFT)
    org_id = models.IntegerField(help_text="unit that started it")
    creator_id = models.BigIntegerField()
    student_name = models.CharField(max_length=100, blank=True)
    from_school_id = models.IntegerField(null=True)
    to_school_id = models.IntegerField(null=True)
    to_class_id = models.IntegerField(null=True)
    form = models.JSONField(default=dict, help_text="what was filled in; sensitive values sealed")
    sealed = models.BinaryField(null=True)
    summary = models.JSONField(default=dict, help_text="what parties need to know of the child, masked")
    facts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    packs = models.CharField(max_length=64, blank=True, help_text="hash of the packs it was decided on")
    evaluated_on = models.DateField(null=True, help_text="day for which the rules were asked")
    effect = models.JSONField(default=dict, help_text="facts, packs and day of the rules asked at the effect")
    overrides = models.JSONField(
        default=dict, help_text="rule -> reason, by, at: stated exceptions of 一般 rules"
    )
    outage = models.JSONField(
        default=dict, help_text="补录: the true day and why it was done on paper; else empty"
    )
    chain_version = models.CharField(
        max_length=60, blank=True, help_text="last event of the child when submitted"
    )
    effective_on = models.DateField(null=True)
    current_seq = models.PositiveSmallIntegerField(null=True)
    repair_due = models.DateField(null=True, help_text="until when the starter mends a returned case")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=300, blank=True)
    waits_for = models.CharField(max_length=200, blank=True)
    narrowed_at = models.DateTimeField(null=True, help_text="since when only the starter still sees it")

    class Meta:
        db_table = "case_"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"],
                condition=models.Q(status__in=["running", "returned", "approved"]),
                name="one_open_case",
            )
        ]
        indexes = [
            models.Index(fields=["org_id", "status"]),
            models.Index(fields=["person_id"], name="case_person"),
            models.Index(
                fields=["status", "business"],
                condition=models.Q(status__in=["running", "returned", "waiting", "approved"]),
                name="case_open",
            ),
        ]


class StepMode(models.TextChoices):
    """What a step is for the case."""

    APPROVE = "approve", "审批"
    FILE = "file", "备案"
    ADVISE = "advise", "会签"


class CaseStep(Visible):
    """One step of a case's chain: whose, until when, what was decided.

    Steps of one `turn` stand beside each other: the branches of a fork, and the opinions that were asked of others
    (`asked_by`). Read in the order of turn and seq. A step of mode `file` is `informed` until it is acknowledged.
    """

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="steps")
    seq = models.PositiveSmallIntegerField()
    turn = models.PositiveSmallIntegerField(default=1)
    branch = models.CharField(max_length=20, blank=True)
    mode = models.CharField(max_length=8, choices=StepMode.choices, default=StepMode.APPROVE)
    side = models.CharField(max_length=20, blank=True)
    duty = models.CharField(max_length=20, blank=True)
    clock = models.CharField(max_length=40, blank=True)
    asked_by = models.PositiveSmallIntegerField(
        null=True, help_text="seq of the step that asked for an opinion"
    )
    question = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=40)
    role = models.CharField(max_length=20)
    org_id = models.IntegerField()
    limit_days = models.PositiveSmallIntegerField(null=True)
    limit_default = models.BooleanField(default=False, help_text="no text gives days: this system's default")
    state = models.CharField(
        max_length=10, default="future", help_text="future, current, informed, done, returned, refused"
    )
    arrived_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    left_days = models.SmallIntegerField(
        null=True, help_text="working days that were left when the clock stopped; null while it runs"
    )
    paused_days = models.PositiveSmallIntegerField(
        default=0, help_text="working days that a pause did not count"
    )
    reminded_on = models.DateField(null=True)
    escalated = models.PositiveSmallIntegerField(
        default=0, help_text="1 the unit's head, 2 the authority above"
    )
    decided_at = models.DateTimeField(null=True)
    decider_id = models.BigIntegerField(null=True)
    decider_name = models.CharField(max_length=60, blank=True)
    acted_for = models.CharField(max_length=60, blank=True, help_text="whose part a substitute took")
    forced = models.BooleanField(default=False, help_text="passed by the authority above, with its reason")
    decision = models.CharField(max_length=10, blank=True)
    opinion = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "case_step"
        constraints = [
            models.UniqueConstraint(fields=["case", "seq"], name="case_step_once"),
            models.UniqueConstraint(
                fields=["case", "branch"], condition=models.Q(state="current"), name="one_current_step"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_on"], condition=models.Q(state__in=["current", "informed"]), name="case_step_due"
            ),
            models.Index(fields=["decided_at"], name="case_step_decided"),
        ]


class CaseSeat(models.Model):
    """A unit's place at a case, for lists and to-dos: read by organisation, never by scanning cases."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="seats")
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    person_id = models.UUIDField(null=True)
    business = models.CharField(max_length=30)
    status = models.CharField(max_length=10)
    holds = models.BooleanField(default=False)
    holder_roles = ArrayField(models.CharField(max_length=20), default=list)
    pressed_roles = ArrayField(
        models.CharField(max_length=20), default=list, help_text="who is to press the holder: 超期督办"
    )
    started_here = models.BooleanField(default=False)
    due_on = models.DateField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "case_seat"
        constraints = [models.UniqueConstraint(fields=["case", "org_id"], name="seat_once")]
        indexes = [
            models.Index(fields=["org_id", "holds", "due_on"]),
            models.Index(fields=["county_id", "status", "changed_at"]),
            models.Index(fields=["org_id", "changed_at"], name="seat_changed"),
        ]


class CaseFile(Visible):
    """Evidence of a case, in a named slot."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="files")
    slot = models.CharField(max_length=60)
    file_id = models.UUIDField()
    file_name = models.CharField(max_length=200)
    added_by = models.BigIntegerField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "case_file"


class CaseLog(Visible):
    """Everything that happened to a case, in words for all parties."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=60)
    org_id = models.IntegerField(null=True)
    action = models.CharField(max_length=30)
    text = models.CharField(max_length=600, blank=True)

    class Meta:
        db_table = "case_log"


class Placing(models.TextChoices):
    """Where a request to place a child stands."""

    OPEN = "open", _("待安排")
    PLACED = "placed", _("已安排学校")
    TAKEN = "taken", _("已发起转入")
    NONE = "none", _("暂无学位")
    DROPPED = "dropped", _("已取消")


class PlacingRequest(models.Model):
    """统筹安排: a transfer that was refused because the grade is full; the authority names a school with room."""

    id = models.BigAutoField(primary_key=True)
    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="placing")
    county_id = models.IntegerField(help_text="the authority that places")
    school_id = models.IntegerField(help_text="the school that had no room")
    placed_school_id = models.IntegerField(null=True)
    person_id = models.UUIDField()
    about = models.JSONField(default=dict, help_text="what is known of the child, as the case shows it")
    stage = models.CharField(max_length=1)
    cohort_year = models.IntegerField()
    state = models.CharField(max_length=7, choices=Placing.choices, default=Placing.OPEN)
    asked_at = models.DateTimeField()
    due_on = models.DateField()
    answer = models.CharField(max_length=300, blank=True)
    answered_name = models.CharField(max_length=60, blank=True)
    answered_at = models.DateTimeField(null=True)
    new_case_id = models.UUIDField(null=True, help_text="the transfer that the named school began")

    class Meta:
        db_table = "placing_request"
        indexes = [
            models.Index(fields=["county_id", "state", "due_on"], name="placing_county"),
            models.Index(fields=["placed_school_id", "state"], name="placing_placed"),
            models.Index(fields=["school_id", "-id"], name="placing_school"),
        ]


class OpinionTemplate(models.Model):
    """An opinion kept for later: of one person (`user_id`), or of everybody in a unit (`org_id`). Never both."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    business = models.CharField(max_length=30, blank=True, help_text="empty: any")
    decision = models.CharField(max_length=10)
    text = models.CharField(max_length=200)
    created_by = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "opinion_template"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(org_id=None) ^ models.Q(user_id=None), name="template_of_one"
            )
        ]
        indexes = [
            models.Index(fields=["org_id", "decision"], name="template_org"),
            models.Index(fields=["user_id", "decision"], name="template_user"),
        ]


class LookupAttempt(models.Model):
    """A search for another school's child by name and number: counted, so that nobody can try numbers out."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField()
    at = models.DateTimeField()
    found = models.BooleanField()

    class Meta:
        db_table = "case_lookup"
        indexes = [models.Index(fields=["user_id", "at"], name="lookup_user")]


class CaseCounter(models.Model):
    """The last serial of case numbers by prefix, year and division; its row is the lock."""

    run = models.CharField(max_length=40, primary_key=True)
    last = models.IntegerField()

    class Meta:
        db_table = "case_counter"
