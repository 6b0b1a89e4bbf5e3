"""The desk of the data-protection officer: who that is, what is kept how long, what went wrong, who was told."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Officer(models.Model):
    """个人信息保护负责人 of a unit: an account that works there, from a day to a day; published by name."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    user_id = models.BigIntegerField()
    name = models.CharField(max_length=60)
    phone = models.CharField(max_length=30, help_text="of the office, printed on the public page")
    since = models.DateField()
    until = models.DateField(null=True)
    set_by = models.BigIntegerField()
    set_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "privacy_officer"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id"], condition=models.Q(until=None), name="one_privacy_officer"
            )
        ]


class Hold(models.Model):
    """Stops the disposal of a class of data of a unit, or of what is kept about one child, until it is lifted.

    It works from the moment in which one person sets it; a second one confirms it, and a second one agrees to its end.
    """

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    kind = models.CharField(max_length=30, blank=True, help_text="retention class; empty: all")
    person_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=300)
    set_by = models.BigIntegerField()
    set_name = models.CharField(max_length=60)
    set_at = models.DateTimeField(auto_now_add=True)
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_name = models.CharField(max_length=60, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    lift_by = models.BigIntegerField(
        null=True, help_text="who asks for the end; it stands until somebody else agrees"
    )
    lift_name = models.CharField(max_length=60, blank=True)
    lift_at = models.DateTimeField(null=True)
    lift_reason = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.BigIntegerField(null=True)
    ended_name = models.CharField(max_length=60, blank=True)
    ended_words = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "privacy_hold"
        constraints = [
            models.CheckConstraint(
                condition=(models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("set_by")))
                & (
                    models.Q(ended_by=None)
                    | models.Q(lift_by=None) & ~models.Q(ended_by=models.F("set_by"))
                    | ~models.Q(ended_by=models.F("lift_by"))
                ),
                name="privacy_hold_two_people",
            )
        ]
        indexes = [
            models.Index(fields=["org_id"], name="privacy_hold_org", condition=models.Q(ended_at=None))
        ]


class DisposalState(models.TextChoices):
    """Where a disposal stands."""

    PROPOSED = "proposed", _("待批准")
    REFUSED = "refused", _("未批准")
    APPROVED = "approved", _("待销毁")
    DONE = "done", _("已销毁")


class Disposal(models.Model):
    """销毁: proposed, approved by a second person, carried out in batches; the row is its own certificate."""

    id = models.BigAutoField(primary_key=True)
    number = models.CharField(max_length=20, unique=True, null=True)
    org_id = models.IntegerField()
    kind = models.CharField(max_length=30)
    cutoff = models.DateField(help_text="what ended before this day")
    found = models.IntegerField(help_text="due on the day of the proposal")
    state = models.CharField(max_length=10, choices=DisposalState.choices, default=DisposalState.PROPOSED)
    reason = models.CharField(max_length=300, blank=True)
    proposed_by = models.BigIntegerField()
    proposed_name = models.CharField(max_length=60)
    proposed_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    opinion = models.CharField(max_length=300, blank=True)
    done = models.IntegerField(default=0)
    files = models.IntegerField(default=0)
    first_on = models.DateField(null=True)
    last_on = models.DateField(null=True)
    digest = models.BinaryField(null=True, help_text="SHA-256 over the keys of what was disposed of, chained")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "privacy_disposal"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id", "kind"],
                condition=models.Q(state__in=["proposed", "approved"]),
                name="one_open_disposal",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("proposed_by")),
                name="disposal_two_people",
            ),
        ]
        indexes = [models.Index(fields=["state"], name="privacy_disposal_state")]


class PaperState(models.TextChoices):
    """Where an assessment or a yearly report stands."""

    DRAFT = "draft", _("草稿")
    SIGNED = "signed", _("已签署")
    SUBMITTED = "submitted", _("已报送")
    RECEIVED = "received", _("已接收")


class Paper(models.Model):
    """An impact assessment (`impact`) or the yearly audit of minors' data (`year`): what the system found is frozen."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10)
    org_id = models.IntegerField()
    superior_id = models.IntegerField(null=True, help_text="the authority above, once it was handed in")
    year = models.PositiveSmallIntegerField()
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=PaperState.choices, default=PaperState.DRAFT)
    config = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what it assesses")
    content = models.JSONField(default=dict)
    risks = models.JSONField(
        default=list, help_text="each with the officer's level, measure and what remains"
    )
    findings = models.TextField(blank=True)
    measures = models.TextField(blank=True)
    made_by = models.BigIntegerField()
    made_name = models.CharField(max_length=60)
    made_at = models.DateTimeField(auto_now_add=True)
    signed_by = models.BigIntegerField(null=True)
    signed_name = models.CharField(max_length=60, blank=True)
    signed_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    received_name = models.CharField(max_length=60, blank=True)

    class Meta:
        db_table = "privacy_paper"
        constraints = [
            models.UniqueConstraint(fields=["org_id", "kind", "year", "version"], name="privacy_paper_once")
        ]


class Incident(models.Model):
    """安全事件 or a drill. What happened lies sealed; `steps` say what was done when and by whom."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=20, unique=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    kind = models.CharField(max_length=12)
    severity = models.CharField(max_length=10, blank=True)
    drill = models.BooleanField(default=False)
    title = models.CharField(max_length=100)
    sealed = models.BinaryField()
    found_at = models.DateTimeField()
    reported_by = models.BigIntegerField()
    reported_name = models.CharField(max_length=60)
    reported_at = models.DateTimeField(auto_now_add=True)
    steps = models.JSONField(default=list, help_text="key, at, by, text of each step that was done")
    notice_guardian = models.TextField(blank=True)
    notice_child = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "privacy_incident"
        indexes = [models.Index(fields=["county_id", "-reported_at"], name="privacy_incident_county")]


class Affected(models.Model):
    """One child whom an incident concerns, and how the family was told."""

    id = models.BigAutoField(primary_key=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    person_id = models.UUIDField()
    school_id = models.IntegerField()
    name = models.CharField(max_length=100)
    class_name = models.CharField(max_length=60, blank=True)
    why = models.CharField(max_length=100, blank=True)
    told_at = models.DateTimeField(null=True, help_text="notice laid into the family's pages")
    letter_at = models.DateTimeField(null=True, help_text="letter printed")
    spoken_at = models.DateTimeField(null=True)
    spoken_name = models.CharField(max_length=60, blank=True)
    spoken_how = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "privacy_affected"
        constraints = [models.UniqueConstraint(fields=["incident", "person_id"], name="affected_once")]


class Notice(models.Model):
    """What a family reads on the child's page about an incident; one row for the guardians, one for the pupil."""

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField(db_index=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    incident_id = models.UUIDField()
    audience = models.CharField(max_length=8, help_text="guardian, child")
    title = models.CharField(max_length=100)
    text = models.TextField()
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    read_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "privacy_notice"
        constraints = [
            models.UniqueConstraint(
                fields=["incident_id", "person_id", "audience"], name="privacy_notice_once"
            )
        ]


class ComplaintState(models.TextChoices):
    """Where a report of misuse stands."""

    RECEIVED = "received", _("已收到")
    HANDLING = "handling", _("调查中")
    ANSWERED = "answered", _("已答复")


class Complaint(models.Model):
    """举报: words and contact lie sealed; whoever holds the receipt code reads the answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.CharField(max_length=20, unique=True)
    org_id = models.IntegerField(help_text="the authority that handles it, never the unit it is about")
    about = models.CharField(max_length=100, help_text="the unit it is about, as it was written")
    kind = models.CharField(max_length=12)
    code = models.BinaryField(unique=True, help_text="keyed digest of the receipt code")
    sealed = models.BinaryField()
    state = models.CharField(max_length=10, choices=ComplaintState.choices, default=ComplaintState.RECEIVED)
    by_user = models.BigIntegerField(null=True)
    received_at = models.DateTimeField(auto_now_add=True)
    due_on = models.DateField()
    accepted_at = models.DateTimeField(null=True)
    accepted_name = models.CharField(max_length=60, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_name = models.CharField(max_length=60, blank=True)
    outcome = models.CharField(max_length=12, blank=True)

    class Meta:
        db_table = "privacy_complaint"
        indexes = [models.Index(fields=["org_id", "state", "due_on"], name="privacy_complaint_org")]


class Share(models.Model):
    """An entry of the sharing register: who may get what for which purpose until when, or why it was refused."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    recipient = models.CharField(max_length=100)
    recipient_kind = models.CharField(max_length=12)
    purpose = models.CharField(max_length=200)
    commercial = models.BooleanField(default=False)
    fields = ArrayField(models.CharField(max_length=20), default=list)
    basis = models.CharField(max_length=12)
    basis_note = models.CharField(max_length=200, blank=True)
    contract = models.CharField(max_length=100, blank=True, help_text="number of the agreement")
    contract_file = models.UUIDField(null=True)
    since = models.DateField()
    until = models.DateField()
    at_end = models.CharField(max_length=12)
    state = models.CharField(max_length=10, help_text="active, refused, ended")
    refusals = models.JSONField(default=list, help_text="words and article of each reason")
    made_by = models.BigIntegerField()
    made_name = models.CharField(max_length=60)
    made_at = models.DateTimeField(auto_now_add=True)
    ended_on = models.DateField(null=True)
    ended_how = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "privacy_share"


class Transfer(models.Model):
    """One handing over of data under an entry of the register."""

    id = models.BigAutoField(primary_key=True)
    share = models.ForeignKey(Share, on_delete=models.PROTECT, related_name="transfers")
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=60)
    what = models.CharField(max_length=100)
    fields = ArrayField(models.CharField(max_length=20), default=list)
    rows = models.IntegerField()
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "privacy_transfer"


class Check(models.Model):
    """A security check: run by the system or done by people."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12)
    title = models.CharField(max_length=100)
    at = models.DateTimeField(auto_now_add=True)
    by_name = models.CharField(max_length=60)
    result = models.JSONField(default=list, help_text="name, ok, words of each point")
    passed = models.BooleanField()

    class Meta:
        db_table = "privacy_check"


class Finding(models.Model):
    """What a check found: whose it is, until when, how it was closed."""

    id = models.BigAutoField(primary_key=True)
    check_of = models.ForeignKey(
        Check, on_delete=models.PROTECT, related_name="findings", db_column="check_id"
    )
    key = models.CharField(
        max_length=30, blank=True, help_text="of the automatic point: one open finding each"
    )
    text = models.CharField(max_length=300)
    owner = models.CharField(max_length=60, blank=True)
    due_on = models.DateField()
    closed_at = models.DateTimeField(null=True)
    closed_name = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "privacy_finding"
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(closed_at=None) & ~models.Q(key=""),
                name="one_open_finding",
            )
        ]
