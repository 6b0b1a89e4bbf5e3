"""Cards of pupils, and the batches that they are made and sealed in."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What the card is."""

    STUDENT = "student", _("学生证")
    SMART = "smart", _("学生卡")
    RECORD = "record", _("学籍证")


class BatchState(models.TextChoices):
    """Where a batch of cards stands."""

    MADE = "made", _("待送验")
    SENT = "sent", _("待验印")
    SEALED = "sealed", _("已验印")
    DROPPED = "dropped", _("已取消")


class CardState(models.TextChoices):
    """What a card is worth."""

    MADE = "made", _("待验印")
    VALID = "valid", _("有效")
    LOST = "lost", _("挂失")
    VOID = "void", _("作废")


class CardBatch(models.Model):
    """Cards made together; `sealer_id` is the authority that seals them, and after that who has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    school_id = models.IntegerField()
    county_id = models.IntegerField(help_text="authority in charge of the school")
    class_id = models.IntegerField(null=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    title = models.CharField(max_length=60)
    stage = models.CharField(max_length=1)
    total = models.IntegerField()
    state = models.CharField(max_length=8, choices=BatchState.choices, default=BatchState.MADE)
    sealer_id = models.IntegerField(
        help_text="authority that seals; the school itself where it gives out its own"
    )
    made_name = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    sealed_name = models.CharField(max_length=60, blank=True)
    sealed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True, help_text="why it was sent back")

    class Meta:
        db_table = "card_batch"
        indexes = [
            models.Index(fields=["school_id", "-made_at", "-id"], name="card_batch_school"),
            models.Index(fields=["county_id", "state", "-made_at", "-id"], name="card_batch_county"),
        ]


class StudentCard(models.Model):
    """One card. What happened to it stands in its own columns; who did it, in the audit."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    number = models.CharField(max_length=30, unique=True)
    year = models.SmallIntegerField()
    serial = models.IntegerField()
    chip = models.CharField(max_length=32, blank=True, help_text="number of the card's own, for 学生卡")
    person_id = models.UUIDField()
    name = models.CharField(max_length=100)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    batch = models.ForeignKey(CardBatch, on_delete=models.PROTECT, db_index=True)
    state = models.CharField(max_length=5, choices=CardState.choices, default=CardState.MADE)
    issued_on = models.DateField(null=True)
    fee = models.DecimalField(max_digits=6, decimal_places=2, default=0, help_text="元, of a card made again")
    lost_at = models.DateTimeField(null=True)
    lost_why = models.CharField(max_length=200, blank=True)
    lost_name = models.CharField(max_length=60, blank=True)
    announced_on = models.DateField(null=True)
    announced_where = models.CharField(max_length=60, blank=True)
    found_on = models.DateField(null=True)
    replaces = models.UUIDField(null=True)
    void_at = models.DateTimeField(null=True)
    void_why = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "student_card"
        indexes = [
            models.Index(fields=["person_id"], name="student_card_person"),
            models.Index(fields=["school_id", "kind", "state", "number"], name="student_card_school"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["school_id", "kind", "year", "serial"], name="student_card_serial"
            ),
            models.UniqueConstraint(
                fields=["person_id", "kind", "school_id"],
                condition=models.Q(state__in=["made", "valid", "lost"]),
                name="one_card_in_force",
            ),
            models.UniqueConstraint(
                fields=["chip"], condition=~models.Q(chip=""), name="one_pupil_for_a_card_number"
            ),
        ]
