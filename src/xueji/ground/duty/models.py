"""What binds the staff: promises signed, lessons taken, the head's authorisations, whose papers were looked at."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class DutyRule(models.Model):
    """Who must have signed and learned before the pages open, and for how many months that holds: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    roles = ArrayField(models.CharField(max_length=20), default=list, help_text="empty: nobody must")
    months = models.PositiveSmallIntegerField(default=12)

    class Meta:
        db_table = "duty_rule"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="duty_rule_one"),
            models.CheckConstraint(condition=Q(months__gte=1, months__lte=36), name="duty_rule_months"),
        ]


class UndertakingText(models.Model):
    """A version of the promise's words, of a unit and all below it that have none of their own. Never changed."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    version = models.PositiveSmallIntegerField()
    body = models.TextField()
    written_by = models.BigIntegerField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "undertaking_text"
        constraints = [models.UniqueConstraint(fields=["org_id", "version"], name="undertaking_text_once")]


class Undertaking(models.Model):
    """A promise signed by the owner of an account; a later one stands beside it. `text_id` null: the built-in words."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField()
    org_id = models.IntegerField(null=True, help_text="unit of the account on that day")
    text_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=50, help_text="typed by the signer")
    signed_on = models.DateField()
    signed_at = models.DateTimeField(auto_now_add=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        db_table = "undertaking"
        indexes = [models.Index(fields=["user_id", "-signed_on"], name="undertaking_user")]


class Training(models.Model):
    """A lesson on confidentiality that somebody took: the built-in one with its questions, or one held elsewhere."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField()
    org_id = models.IntegerField(null=True, help_text="unit of the account on that day")
    topic = models.CharField(max_length=100)
    done_on = models.DateField()
    hours = models.DecimalField(max_digits=4, decimal_places=1)
    trainer = models.CharField(max_length=60)
    evidence = models.CharField(max_length=200, blank=True, help_text="where the sheet of signatures lies")
    written_by = models.BigIntegerField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "duty_training"
        indexes = [models.Index(fields=["user_id", "-done_on"], name="duty_training_user")]


class AuthorisationState(models.TextChoices):
    """Where the registrar's request stands."""

    ASKED = "asked", _("待校长授权")
    GRANTED = "granted", _("已授权")
    REFUSED = "refused", _("未同意")
    ENDED = "ended", _("已提前结束")


class Authorisation(models.Model):
    """The head lets the registrar edit: which kinds of fields, of whom, from when until when, and why."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    kinds = ArrayField(models.CharField(max_length=10))
    class_id = models.IntegerField(null=True, help_text="this class alone")
    persons = ArrayField(models.UUIDField(), null=True, help_text="these pupils alone")
    reason = models.CharField(max_length=200)
    since = models.DateField()
    until = models.DateField()
    state = models.CharField(max_length=8, choices=AuthorisationState.choices, default="asked")
    asked_by = models.BigIntegerField()
    asked_name = models.CharField(max_length=50)
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=50, blank=True)
    decided_at = models.DateTimeField(null=True)
    word = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "authorisation"
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="authorisation_period"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="authorisation_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["granted", "refused"]) | Q(decided_by__isnull=False),
                name="authorisation_decided",
            ),
        ]
        indexes = [models.Index(fields=["org_id", "state", "until"], name="authorisation_org")]


class RecordEdit(models.Model):
    """One edit of a child's ordinary data: by whom, which fields, under which authorisation. No values."""

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    org_id = models.IntegerField()
    authorisation_id = models.BigIntegerField(null=True, help_text="null: the place asks for none")
    kind = models.CharField(max_length=10)
    fields = ArrayField(models.CharField(max_length=40), default=list)
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=50)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "record_edit"
        indexes = [
            models.Index(fields=["person_id", "-at"], name="record_edit_person"),
            models.Index(fields=["authorisation_id", "-at"], name="record_edit_authorisation"),
        ]


class Verification(models.Model):
    """Who was sure, on the day, that somebody who asks or receives is who he says: by which paper. Never changed."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField(null=True)
    person_id = models.UUIDField(null=True, help_text="the child whose data it is about")
    about = models.CharField(max_length=60, help_text="what it belongs to: family_request:12")
    subject = models.CharField(max_length=10)
    name = models.CharField(max_length=50)
    paper = models.CharField(max_length=12)
    number = models.CharField(max_length=40, help_text="masked")
    note = models.CharField(max_length=200, blank=True)
    checked_by = models.BigIntegerField()
    checked_name = models.CharField(max_length=50)
    checked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "verification"
        indexes = [models.Index(fields=["about"], name="verification_about")]
