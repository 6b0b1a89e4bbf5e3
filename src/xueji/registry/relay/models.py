"""Transfers between two installations: who the others are, what was said, and the case that each side keeps.

A conversation is one transfer; its key is the same on both sides. Each side numbers what it says, the other works it
off in that order. The case of a side is its own: its steps, its rules, its log; the other side's steps are mirrored.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Own(models.Model):
    """What this installation is called among the others: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    code = models.CharField(max_length=12, help_text="short code, known to the others")
    name = models.CharField(max_length=100)
    base_url = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "relay_own"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="relay_one_own")]


class Peer(models.Model):
    """Another installation that this one knows: entered by the system administrator, its fingerprint compared.

    `keys` are its public keys in use and former ones: {id, purpose, suite, public, until}.
    """

    id = models.AutoField(primary_key=True)
    code = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=100)
    base_url = models.CharField(max_length=200, blank=True, help_text="empty: by file only")
    divisions = ArrayField(
        models.CharField(max_length=6), default=list, help_text="beginnings of division codes"
    )
    keys = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    added_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)

    class Meta:
        db_table = "relay_peer"

    def __str__(self) -> str:
        return self.name


class Talk(models.Model):
    """A conversation's counters; its row is the lock of all that happens to the transfer."""

    conversation = models.UUIDField(primary_key=True)
    peer = models.ForeignKey(Peer, on_delete=models.PROTECT)
    out_seq = models.PositiveIntegerField(default=0)
    in_seq = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "relay_talk"


class MessageState(models.TextChoices):
    """Where a message stands, on its way out or in."""

    QUEUED = "queued", "待发送"
    SENT = "sent", "已送达"
    CARRIED = "carried", "已导出为文件"
    WAITING = "waiting", "待处理"
    DONE = "done", "已处理"
    DEAD = "dead", "多次失败"


class Message(models.Model):
    """What both directions have in common. `sealed` is the content, gone as soon as nobody needs it any more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    peer = models.ForeignKey(Peer, on_delete=models.PROTECT)
    conversation = models.UUIDField()
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=30)
    sealed = models.BinaryField(null=True)
    state = models.CharField(max_length=10, choices=MessageState.choices)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    problem = models.CharField(max_length=60, blank=True, help_text="a code, never content")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Outgoing(Message):
    """To another installation: written with the deed, sent until the other side has signed for it."""

    class Meta:
        db_table = "relay_out"
        constraints = [models.UniqueConstraint(fields=["conversation", "seq"], name="relay_out_once")]
        indexes = [
            models.Index(fields=["next_at"], name="relay_out_due", condition=Q(state="queued")),
            models.Index(fields=["made_at"], name="relay_out_made"),
        ]


class Incoming(Message):
    """From another installation: kept before it is signed for, worked off in the order of `seq`."""

    class Meta:
        db_table = "relay_in"
        constraints = [models.UniqueConstraint(fields=["conversation", "seq"], name="relay_in_once")]
        indexes = [
            models.Index(fields=["next_at"], name="relay_in_due", condition=Q(state="waiting")),
            models.Index(fields=["made_at"], name="relay_in_made"),
        ]


class Lookup(models.Model):
    """Another installation asked for a child by name and number: counted, so that it cannot try numbers out."""

    id = models.BigAutoField(primary_key=True)
    peer = models.ForeignKey(Peer, on_delete=models.PROTECT)
    at = models.DateTimeField()
    found = models.BooleanField()

    class Meta:
        db_table = "relay_lookup"
        indexes = [models.Index(fields=["peer", "at"], name="relay_lookup_peer")]


class Counter(models.Model):
    """The last serial of case numbers by year and division; its row is the lock."""

    run = models.CharField(max_length=40, primary_key=True)
    last = models.IntegerField()

    class Meta:
        db_table = "relay_counter"


class Side(models.TextChoices):
    """Which end of the transfer this installation is."""

    IN = "in", "转入"
    OUT = "out", "转出"


class State(models.TextChoices):
    """Where a transfer stands, as this side sees it."""

    ASKING = "asking", "查询中"
    ASKED = "asked", "对方查询过"
    DRAFT = "draft", "草稿"
    RUNNING = "running", "办理中"
    RETURNED = "returned", "退回待修改"
    AWAY = "away", "对方办理中"
    MOVING = "moving", "移交学籍"
    DONE = "done", "已办结"
    UNKNOWN = "unknown", "没有查到"
    REFUSED = "refused", "未通过"
    WITHDRAWN = "withdrawn", "已撤回"
    CANCELLED = "cancelled", "已撤销"
    FAILED = "failed", "未能移交"


LIVE = (State.RUNNING, State.RETURNED, State.AWAY, State.MOVING)
ENDED = (State.DONE, State.UNKNOWN, State.REFUSED, State.WITHDRAWN, State.CANCELLED, State.FAILED)


class Visible(models.Model):
    """Columns that row-level security reads: organisations taking part, the child's classes, the child."""

    parties = ArrayField(models.IntegerField(), default=list)
    klasses = ArrayField(models.IntegerField(), default=list)
    person_id = models.UUIDField(null=True)

    class Meta:
        abstract = True


class RelayCase(Visible):
    """One transfer as this side keeps it. `phase` tells the moments of the hand-over apart.

    Losing side: `prepared` (record sent, it stands still), `closed` (the child has left, the other side opens).
    Receiving side: `ready` (the record was tried and lies sealed).
    """

    case_id = models.UUIDField(primary_key=True, help_text="the conversation; the same on both sides")
    side = models.CharField(max_length=3, choices=Side.choices)
    peer = models.ForeignKey(Peer, on_delete=models.PROTECT)
    number = models.CharField(max_length=30, unique=True, null=True)
    their_number = models.CharField(max_length=30, blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    phase = models.CharField(max_length=10, blank=True)
    org_id = models.IntegerField(help_text="the school on this side")
    county_id = models.IntegerField()
    creator_id = models.BigIntegerField(null=True)
    student_name = models.CharField(max_length=100)
    other_school = models.CharField(max_length=100, blank=True)
    other_code = models.CharField(max_length=10)
    other_authority = models.CharField(max_length=100, blank=True)
    to_class_id = models.IntegerField(null=True)
    form = models.JSONField(default=dict)
    sealed = models.BinaryField(
        null=True, help_text="number asked for; later the record that is to be taken in"
    )
    summary = models.JSONField(default=dict, help_text="what the parties need to know of the child, masked")
    papers = models.JSONField(default=list, help_text="evidence: slot, name, file on this side")
    facts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    packs = models.CharField(max_length=64, blank=True)
    effective_on = models.DateField(null=True)
    current_seq = models.PositiveSmallIntegerField(null=True)
    return_to = models.CharField(max_length=5, blank=True, help_text="who sent it back: own, their")
    holder_id = models.IntegerField(null=True)
    holder_role = models.CharField(max_length=20, blank=True)
    due_on = models.DateField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "relay_case"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id"],
                condition=Q(side="out", state__in=["running", "returned", "moving"]),
                name="relay_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["holder_id", "due_on"], name="relay_case_holder"),
            models.Index(fields=["org_id", "changed_at"], name="relay_case_org"),
            models.Index(fields=["county_id", "changed_at"], name="relay_case_county"),
            models.Index(fields=["person_id"], name="relay_case_person"),
        ]


class RelayStep(Visible):
    """One step of the chain: this side's own, or one of the other side as it told us."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(RelayCase, on_delete=models.CASCADE, related_name="steps")
    own = models.BooleanField()
    seq = models.PositiveSmallIntegerField()
    side = models.CharField(max_length=20)
    duty = models.CharField(max_length=10)
    label = models.CharField(max_length=40)
    role = models.CharField(max_length=20, blank=True)
    org_id = models.IntegerField(null=True, help_text="of an own step")
    org_name = models.CharField(max_length=100)
    limit_days = models.PositiveSmallIntegerField(null=True)
    clock = models.CharField(max_length=20, blank=True)
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
        db_table = "relay_step"
        constraints = [models.UniqueConstraint(fields=["case", "own", "seq"], name="relay_step_once")]


class RelayLog(Visible):
    """Everything that happened to a transfer on this side, in words for all who take part."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(RelayCase, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=60)
    org_id = models.IntegerField(null=True)
    action = models.CharField(max_length=30)
    text = models.CharField(max_length=600, blank=True)

    class Meta:
        db_table = "relay_log"
