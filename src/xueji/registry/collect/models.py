"""Collection tasks (采集任务): what a school asks of families, one form a child, and how far each form is."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from xueji.ground.accounts.roles import Role


class State(models.TextChoices):
    """Where a form stands: with the family, with the class teacher, with the school, in force."""

    UNREAD = "unread", _("未读")
    OPENED = "opened", _("已读未填")
    SENT = "sent", _("待核对")
    RETURNED = "returned", _("已退回")
    CHECKED = "checked", _("班主任已核")
    DONE = "done", _("学校已核")
    LEFT = "left", _("已不在校")


#: With whoever fills in.
WITH_FAMILY = (State.UNREAD, State.OPENED, State.RETURNED)


class Task(models.Model):
    """One collection: whom, which fields at which level, until when, what for, on what ground.

    `fields` (key -> must or may), `chain` and `commitments` stay as they were when it was opened.
    """

    id = models.BigAutoField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    title = models.CharField(max_length=60)
    purpose = models.CharField(max_length=300)
    ground = models.CharField(max_length=200, help_text="legal basis with its article")
    scope = models.CharField(max_length=10, help_text="school, grade, classes, graduating, entrants")
    scope_words = models.CharField(max_length=100)
    class_ids = ArrayField(models.IntegerField())
    fields = models.JSONField(default=dict)
    commitments = ArrayField(models.CharField(max_length=30), default=list)
    chain = ArrayField(models.CharField(max_length=20), default=list, help_text="who checks and who confirms")
    refresh = models.BooleanField(default=False, help_text="full refresh at the start of a stage")
    due_on = models.DateField()
    total = models.PositiveIntegerField(default=0)
    creator_id = models.BigIntegerField()
    creator_name = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "collect_task"
        indexes = [
            models.Index(fields=["school_id", "-id"], name="collect_task_school"),
            models.Index(fields=["county_id", "-id"], name="collect_task_county"),
        ]

    @property
    def open(self) -> bool:
        """Whether forms can still be filled in and checked."""
        return self.closed_at is None

    @property
    def checks(self) -> bool:
        """Whether somebody compares the answers with the papers before the school confirms them."""
        return len(self.chain) > 1

    def checker(self, role: str) -> bool:
        """Whether a role checks forms: those of the chain, and the registrar for an absent teacher."""
        return self.checks and (role in self.chain[:-1] or role == Role.REGISTRAR)


class Form(models.Model):
    """One child's form of a task. What was answered lies sealed until it is in force, then nothing of it is left here.

    `diff` is what differs, masked, as teacher and family read it: key, label, old, new, key_field. `marks` says of each
    key whether it was accepted ("yes") or not ("no: reason"). `proofs` name pictures brought for key fields.
    """

    pk = models.CompositePrimaryKey("task_id", "person_id")
    task_id = models.BigIntegerField()
    person_id = models.UUIDField(db_index=True)
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.UNREAD, db_default="unread")
    sealed = models.BinaryField(null=True)
    diff = models.JSONField(default=list, db_default=[])
    marks = models.JSONField(default=dict, db_default={})
    proofs = models.JSONField(default=list, db_default=[])
    way = models.CharField(
        max_length=6, default="online", db_default="online", help_text="online, paper, behalf"
    )
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    entered_by = models.BigIntegerField(null=True)
    entered_name = models.CharField(max_length=60, blank=True, default="", db_default="")
    sent_at = models.DateTimeField(null=True)
    signed_how = models.CharField(max_length=8, blank=True, default="", db_default="")
    signature_id = models.UUIDField(null=True)
    promised = ArrayField(models.CharField(max_length=30), default=list, db_default=[])
    later_on = models.DateField(null=True)
    later_why = models.CharField(max_length=200, blank=True, default="", db_default="")
    later_asked = models.BooleanField(default=False, db_default=False)
    reminded_on = models.DateField(null=True)
    reminders = models.PositiveSmallIntegerField(default=0, db_default=0)
    note = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="why it came back"
    )
    checked_by = models.BigIntegerField(null=True)
    checked_name = models.CharField(max_length=60, blank=True, default="", db_default="")
    checked_at = models.DateTimeField(null=True)
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_name = models.CharField(max_length=60, blank=True, default="", db_default="")
    confirmed_at = models.DateTimeField(null=True)
    keys_wait = models.BooleanField(
        default=False, db_default=False, help_text="key facts wait for their case"
    )
    case_id = models.UUIDField(null=True)
    version = models.IntegerField(default=1, db_default=1)

    class Meta:
        db_table = "collect_form"
        constraints = [
            # Two pairs of eyes, wherever the chain of the place has two.
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None)
                | models.Q(checked_by=None)
                | ~models.Q(confirmed_by=models.F("checked_by")),
                name="collect_two_people",
            ),
        ]
        indexes = [
            models.Index(fields=["task_id", "class_id", "state"], name="collect_form_class"),
            models.Index(fields=["school_id"], condition=models.Q(keys_wait=True), name="collect_form_keys"),
        ]


class Entry(models.Model):
    """What happened to a form, in words for family, teacher and school; rows are added, never rewritten."""

    id = models.BigAutoField(primary_key=True)
    task_id = models.BigIntegerField()
    person_id = models.UUIDField()
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    at = models.DateTimeField(auto_now_add=True)
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=60)
    action = models.CharField(max_length=20)
    text = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "collect_entry"
        indexes = [models.Index(fields=["task_id", "person_id", "id"], name="collect_entry_form")]


class FieldLevel(models.Model):
    """What a unit says of a field for a stage: must be filled in, may be, or is not collected (C-COL-22)."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    stage = models.CharField(max_length=1)
    key = models.CharField(max_length=40)
    level = models.CharField(max_length=4)
    set_by = models.BigIntegerField()
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "collect_level"
        constraints = [
            models.UniqueConstraint(fields=["org_id", "stage", "key"], name="collect_level_once"),
            models.CheckConstraint(
                condition=models.Q(level__in=["must", "may", "none"]), name="collect_level_word"
            ),
        ]


class Progress(models.Model):
    """A progress sheet that a school gave to its authority on a day: figures, no names (C-COL-24)."""

    id = models.BigAutoField(primary_key=True)
    task_id = models.BigIntegerField()
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    title = models.CharField(max_length=60)
    day = models.DateField()
    figures = models.JSONField()
    given_by = models.CharField(max_length=60)
    given_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "collect_progress"
        constraints = [models.UniqueConstraint(fields=["task_id", "day"], name="collect_progress_day")]
        indexes = [models.Index(fields=["county_id", "-day"], name="collect_progress_county")]


class PupilNote(models.Model):
    """An optional line about a pupil for the own teachers: interests, a home visit, an observation (C-COL-21)."""

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    school_id = models.IntegerField()
    kind = models.CharField(max_length=12)
    sealed = models.BinaryField(null=True)
    by_family = models.BooleanField(default=False)
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=60)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "pupil_note"
        indexes = [models.Index(fields=["person_id", "-id"], name="pupil_note_person")]
