"""The business of a year in lists: graduation lists with their readiness, promotion checks, admission, destinations.

A list is one batch with a holder, a deadline, steps and a log. What the rules say of a child is kept once for all
children with the same facts (`GraduationVector`); a child's row names the vector that it fell under.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def no_lines() -> list[Any]:
    """An empty list: inside a class with a field of that name, the word is taken."""
    return []


class ListKind(models.TextChoices):
    """What a list does."""

    FINISH = "finish", _("毕业名册")
    SUPPLEMENT = "supplement", _("补充毕业名册")
    EXCHANGE = "exchange", _("结业换发毕业名册")
    UNDO = "undo", _("毕业回退名册")


class ListStatus(models.TextChoices):
    """The same words as for a single case."""

    DRAFT = "draft", _("草稿")
    RUNNING = "running", _("办理中")
    RETURNED = "returned", _("退回待修改")
    APPROVED = "approved", _("已批准待生效")
    DONE = "done", _("已办结")
    REFUSED = "refused", _("未通过")
    CANCELLED = "cancelled", _("已撤销")


EDITABLE = (ListStatus.DRAFT, ListStatus.RETURNED)
OPEN = (ListStatus.DRAFT, ListStatus.RUNNING, ListStatus.RETURNED, ListStatus.APPROVED)
FINAL = (ListStatus.DONE, ListStatus.REFUSED, ListStatus.CANCELLED)


class Placed(models.Model):
    """Columns that row-level security reads: the school and the authority in charge of it."""

    county_id = models.IntegerField()
    school_id = models.IntegerField()

    class Meta:
        abstract = True


class GraduationList(Placed):
    """One batch: the children of a cohort, the steps that it takes, the day on which it takes effect."""

    list_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=30, unique=True, null=True, help_text="given on submission")
    kind = models.CharField(max_length=10, choices=ListKind.choices)
    status = models.CharField(max_length=10, choices=ListStatus.choices, default=ListStatus.DRAFT)
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    effective_on = models.DateField()
    due_on = models.DateField(help_text="day by which the list is to be decided")
    reason = models.CharField(max_length=300, blank=True, help_text="why: of an undo, of an exchange")
    repair = models.JSONField(default=list, help_text="what was asked for when it came back")
    current_seq = models.PositiveSmallIntegerField(null=True)
    packs = models.CharField(max_length=64, blank=True, help_text="hash of the packs it was checked with")
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=300, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "graduation_list"
        constraints = [
            models.CheckConstraint(
                condition=Q(status="running", current_seq__isnull=False)
                | (~Q(status="running") & Q(current_seq__isnull=True)),
                name="running_list_has_holder",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "cancelled"]) | Q(number__isnull=False),
                name="sent_list_has_number",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["done", "refused", "cancelled"], ended_at__isnull=False)
                | Q(status__in=["draft", "running", "returned", "approved"], ended_at__isnull=True),
                name="ended_list_has_end",
            ),
            models.UniqueConstraint(
                fields=["school_id", "stage", "cohort_year"],
                condition=Q(
                    kind__in=["finish", "supplement"], status__in=["draft", "running", "returned", "approved"]
                ),
                name="one_open_list_of_a_cohort",
            ),
        ]
        indexes = [
            models.Index(fields=["school_id", "-created_at"], name="list_school"),
            models.Index(fields=["county_id", "status"], name="list_county"),
        ]


class GraduationVector(Placed):
    """What the rules say of all children of a list whose facts are the same."""

    pk = models.CompositePrimaryKey("list_id", "no")
    list = models.ForeignKey(GraduationList, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    no = models.IntegerField()
    facts = models.JSONField(default=dict)
    verdict = models.CharField(max_length=8, help_text="ready, warn, ask or blocked")
    proposed = models.PositiveSmallIntegerField(null=True, help_text="status that the rules lead to")
    findings = models.JSONField(default=no_lines)
    n = models.IntegerField(default=0)

    class Meta:
        db_table = "graduation_vector"


class GraduationItem(Placed):
    """A child on a list. `result` is the status that it gets, null: left out this time."""

    pk = models.CompositePrimaryKey("list_id", "person_id")
    # Not checked row by row: the guard of the table looks once for a statement (migration 0003).
    list = models.ForeignKey(GraduationList, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    person_id = models.UUIDField()
    class_id = models.IntegerField(null=True)
    class_seat = models.PositiveSmallIntegerField(null=True)
    name = models.CharField(max_length=100)
    pinyin_sort = models.CharField(max_length=800)
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    from_status = models.PositiveSmallIntegerField()
    expected = models.UUIDField(help_text="last event of the child when it was checked")
    vector_no = models.IntegerField()
    given = models.JSONField(default=dict, help_text="facts that the school stated: marks, conduct ...")
    proposed = models.PositiveSmallIntegerField(null=True)
    result = models.PositiveSmallIntegerField(null=True)
    manual = models.BooleanField(default=False, help_text="the result was set by hand")
    reason = models.CharField(max_length=300, blank=True, help_text="why it differs from the proposal")
    changed_by = models.CharField(max_length=60, blank=True)
    open = models.BooleanField(default=False, help_text="sent and not yet ended: on one list at a time")
    event_id = models.UUIDField(null=True, help_text="the event that the list wrote")

    class Meta:
        db_table = "graduation_item"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"], condition=Q(open=True), name="child_on_one_open_list"
            )
        ]
        indexes = [models.Index(fields=["list", "pinyin_sort", "person_id"], name="item_order")]


class GraduationStep(Placed):
    """One step of a list's chain: whose, until when, what was decided."""

    id = models.BigAutoField(primary_key=True)
    list = models.ForeignKey(GraduationList, on_delete=models.PROTECT, related_name="steps")
    seq = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=40)
    role = models.CharField(max_length=20)
    org_id = models.IntegerField()
    state = models.CharField(
        max_length=10, default="future", help_text="future, current, done, returned, refused"
    )
    arrived_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    decided_at = models.DateTimeField(null=True)
    decider_id = models.BigIntegerField(null=True)
    decider_name = models.CharField(max_length=60, blank=True)
    decision = models.CharField(max_length=10, blank=True)
    opinion = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "graduation_step"
        constraints = [
            models.UniqueConstraint(fields=["list", "seq"], name="list_step_once"),
            models.UniqueConstraint(
                fields=["list"], condition=Q(state="current"), name="one_current_list_step"
            ),
        ]
        indexes = [models.Index(fields=["org_id", "role", "state"], name="list_step_holder")]


class GraduationLog(Placed):
    """Everything that happened to a list, in words."""

    id = models.BigAutoField(primary_key=True)
    list = models.ForeignKey(GraduationList, on_delete=models.PROTECT, related_name="log")
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=60)
    org_id = models.IntegerField(null=True)
    action = models.CharField(max_length=30)
    text = models.CharField(max_length=600, blank=True)

    class Meta:
        db_table = "graduation_log"


class PromotionCheck(Placed):
    """A school's head states that the classes were checked against the system in a school year (C-PRO-01, F-32)."""

    id = models.BigAutoField(primary_key=True)
    start_year = models.PositiveSmallIntegerField()
    counts = models.JSONField(default=dict)
    remark = models.CharField(max_length=300, blank=True)
    confirmed_by = models.BigIntegerField()
    confirmed_name = models.CharField(max_length=60)
    confirmed_at = models.DateTimeField()

    class Meta:
        db_table = "promotion_check"
        constraints = [
            models.UniqueConstraint(fields=["school_id", "start_year"], name="promotion_checked_once")
        ]


class AdmissionState(models.TextChoices):
    """Where a graduate's way into the next stage stands."""

    ASKED = "asked", _("待接收地主管部门核办")
    RELEASED = "released", _("待毕业地主管部门核办")
    PLACED = "placed", _("待学校接收")
    ACCEPTED = "accepted", _("已接收")
    DECLINED = "declined", _("未接收")
    WITHDRAWN = "withdrawn", _("已撤销")


class Admission(models.Model):
    """A graduate assigned to a school of the next stage, or asked for by one (C-PRO-04, C-GRA-05)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    person_id = models.UUIDField()
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    from_county_id = models.IntegerField()
    from_school_id = models.IntegerField()
    from_class_id = models.IntegerField(null=True)
    from_stage = models.CharField(max_length=1)
    to_county_id = models.IntegerField()
    to_school_id = models.IntegerField()
    way = models.CharField(max_length=8, help_text="assigned by the county, or claimed by the school")
    state = models.CharField(max_length=10, choices=AdmissionState.choices)
    reason = models.CharField(max_length=300, blank=True)
    expected = models.UUIDField(help_text="the graduate's last event")
    begun_by = models.BigIntegerField()
    begun_name = models.CharField(max_length=60)
    begun_at = models.DateTimeField()
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    class_id = models.IntegerField(null=True)
    event_id = models.UUIDField(null=True)

    class Meta:
        db_table = "admission"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"],
                condition=Q(state__in=["asked", "released", "placed"]),
                name="one_open_admission",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(event_id__isnull=False), name="accepted_has_event"
            ),
        ]
        indexes = [
            models.Index(fields=["to_school_id", "state"], name="admission_to"),
            models.Index(fields=["from_school_id", "state"], name="admission_from"),
            models.Index(fields=["to_county_id", "state"], name="admission_to_county"),
            models.Index(fields=["from_county_id", "state"], name="admission_from_county"),
        ]


class Destination(Placed):
    """Where a graduate went (毕业去向, C-GRA-06): code of `graduate_to_byqx` and the place in words."""

    pk = models.CompositePrimaryKey("person_id", "stage")
    person_id = models.UUIDField()
    stage = models.CharField(max_length=1)
    code = models.CharField(max_length=2)
    place = models.CharField(max_length=100, blank=True)
    recorded_by = models.CharField(max_length=60)
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "graduate_destination"


class StampState(models.TextChoices):
    """Where the endorsement of a register stands."""

    ASKED = "asked", _("待验章")
    STAMPED = "stamped", _("已验章")
    RETURNED = "returned", _("退回")


class RegisterStamp(models.Model):
    """学籍验章: the register of a school, as it stood when it was handed in, endorsed for a school year (C-ENR-17)."""

    id = models.BigAutoField(primary_key=True)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    start_year = models.IntegerField()
    state = models.CharField(max_length=8, choices=StampState.choices, default=StampState.ASKED)
    total = models.IntegerField()
    counts = models.JSONField(default=dict, help_text="pupils by status")
    digest = models.CharField(max_length=64, help_text="of who is on the register, in which class and status")
    asked_name = models.CharField(max_length=60)
    asked_at = models.DateTimeField()
    stamped_org = models.CharField(max_length=100, blank=True)
    stamped_name = models.CharField(max_length=60, blank=True)
    stamped_at = models.DateTimeField(null=True)
    article = models.CharField(max_length=200, blank=True)
    remark = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "register_stamp"
        constraints = [models.UniqueConstraint(fields=["school_id", "start_year"], name="stamp_once")]
        indexes = [models.Index(fields=["county_id", "start_year", "state"], name="stamp_county")]
