"""The timeline. A chain (person + kind) is a row of states, each lasting until the next.

Four constraints forbid every overlap and every gap (migration 0002); the chain's foreign key carries the status
along, so that a state can only follow one whose status it names, over a transition that some rule allows.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from xueji.registry.people.models import Person

REGISTERED = 1
GUEST = 2


class Transition(models.Model):
    """A legal step of a chain's status, compiled from the packs; versioned, never deleted, referenced by key."""

    id = models.IntegerField(primary_key=True, help_text="the pack's number of the transition")
    kind = models.PositiveSmallIntegerField()
    from_status = models.PositiveSmallIntegerField()
    business = models.CharField(max_length=30)
    to_status = models.PositiveSmallIntegerField()
    cite = models.CharField(max_length=200, blank=True)
    version = models.IntegerField(default=1)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "transition"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "from_status", "business", "to_status"], name="transition_once"
            )
        ]


class EnrolmentState(models.Model):
    """One link of a chain: where and in which status, from `valid_from` until `valid_to` (open if null)."""

    pk = models.CompositePrimaryKey("person_id", "kind", "valid_from")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, db_index=False)
    kind = models.PositiveSmallIntegerField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    from_status = models.PositiveSmallIntegerField(help_text="status of the link before; 0 at the beginning")
    business = models.CharField(max_length=30)
    status = models.PositiveSmallIntegerField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    class_seat = models.PositiveSmallIntegerField(null=True, help_text="班内学号")
    event_id = models.UUIDField()

    class Meta:
        db_table = "enrolment_state"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="link_lasts"
            ),
            models.CheckConstraint(condition=Q(kind__in=[REGISTERED, GUEST]), name="link_kind"),
        ]
        indexes = [models.Index(fields=["school_id", "valid_from"], name="link_school")]


class SupersededState(models.Model):
    """A link that was believed from `recorded_at` until `superseded_at` and then relinked away."""

    pk = models.CompositePrimaryKey("person_id", "kind", "valid_from", "superseded_by")
    person_id = models.UUIDField()
    kind = models.PositiveSmallIntegerField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    from_status = models.PositiveSmallIntegerField()
    business = models.CharField(max_length=30)
    status = models.PositiveSmallIntegerField()
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    class_seat = models.PositiveSmallIntegerField(null=True)
    event_id = models.UUIDField()
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField()
    superseded_by = models.UUIDField(help_text="the event that relinked")

    class Meta:
        db_table = "enrolment_superseded"


class Event(models.Model):
    """What happened to a person's record: append-only. A transfer is two events, one for each school."""

    pk = models.CompositePrimaryKey("person_id", "event_id")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, db_index=False)
    event_id = models.UUIDField()
    business = models.CharField(max_length=30)
    valid_at = models.DateTimeField(help_text="from when it holds")
    recorded_at = models.DateTimeField(help_text="when it was known here")
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=60, blank=True)
    case_id = models.UUIDField(null=True)
    batch_id = models.BigIntegerField(null=True)
    article = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict, help_text="before/after, the other school; numbers masked")

    class Meta:
        db_table = "event"
        indexes = [
            models.Index(fields=["school_id", "valid_at"], name="event_school"),
            models.Index(fields=["batch_id"], name="event_batch", condition=Q(batch_id__isnull=False)),
        ]


class Roster(models.Model):
    """Who may see a child, and the current row for lists and search, keyed by the organisation of the scope.

    One row for each school that has or had the child (`reason`). A former school's row is a snapshot of the day
    on which the child left; a present one is kept in the same transaction as the chain.
    """

    pk = models.CompositePrimaryKey("county_id", "school_id", "person_id", "kind")
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    person_id = models.UUIDField(db_index=True)
    kind = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=8, help_text="enrolled, guest, former, case")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    class_id = models.IntegerField(null=True)
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    class_seat = models.PositiveSmallIntegerField(null=True)
    status = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    pinyin = models.CharField(max_length=400)
    initials = models.CharField(max_length=100)
    pinyin_sort = models.CharField(max_length=800)
    grams = ArrayField(models.TextField(), default=list)
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    number_prefix = models.CharField(max_length=1, blank=True)
    last6 = models.BinaryField(null=True, help_text="blind index of the identity number's last six")
    check_state = models.CharField(max_length=12, default="unchecked")
    open_case = models.CharField(max_length=30, blank=True, help_text="number of the case under way")
    problem = models.BooleanField(default=False)

    class Meta:
        db_table = "roster"
        indexes = [
            models.Index(fields=["school_id", "pinyin_sort", "person_id"], name="roster_school_name"),
            models.Index(fields=["county_id", "pinyin_sort", "person_id"], name="roster_county_name"),
            models.Index(fields=["class_id", "pinyin_sort"], name="roster_class"),
            models.Index(fields=["last6"], name="roster_last6"),
            models.Index(fields=["school_id"], condition=Q(kind=GUEST, reason="guest"), name="roster_guest"),
        ]


class CubeDelta(models.Model):
    """Head-counts as differences by day: any head-count is a sum up to a day, any movement a sum between two.

    `flow` is the business that brought the child, or took it (then with the ending `.out`); rows with status 0 do
    not exist.
    """

    pk = models.CompositePrimaryKey(
        "county_id", "school_id", "day", "kind", "stage", "cohort_year", "sex", "status", "flow"
    )
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    day = models.DateField()
    kind = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=1)
    cohort_year = models.PositiveSmallIntegerField()
    sex = models.CharField(max_length=1)
    status = models.PositiveSmallIntegerField()
    flow = models.CharField(max_length=30)
    n = models.IntegerField()

    class Meta:
        db_table = "cube_delta"


class PendingLink(models.Model):
    """A link that begins later: rosters, readers and cube follow on its day (`commands.activate_due`)."""

    pk = models.CompositePrimaryKey("person_id", "kind", "valid_from")
    person_id = models.UUIDField()
    kind = models.PositiveSmallIntegerField()
    valid_from = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "pending_link"


class ClassSerial(models.Model):
    """The last 班内学号 that a class has given, and when its pupils were numbered anew."""

    class_id = models.IntegerField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    last = models.PositiveSmallIntegerField()
    numbered_at = models.DateTimeField(null=True)
    numbered_how = models.CharField(max_length=60, blank=True, db_default="")

    class Meta:
        db_table = "class_serial"
