"""Codes with which a school invites a child's guardian, or the child; what families ask for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Invitation(models.Model):
    """One code for one guardian of a child (`guardian_no`), or for the child itself (None)."""

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField(db_index=True)
    guardian_no = models.PositiveSmallIntegerField(null=True)
    school_id = models.IntegerField()
    class_id = models.IntegerField(null=True)
    code = models.BinaryField(unique=True, help_text="keyed digest of the code")
    issued_by = models.BigIntegerField()
    issued_at = models.DateTimeField(auto_now_add=True)
    expires_on = models.DateField()
    failures = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    used_by = models.BigIntegerField(null=True)
    ended_at = models.DateTimeField(
        null=True, help_text="replaced by a newer code, or tried wrongly too often"
    )

    class Meta:
        db_table = "invitation"
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "guardian_no"],
                condition=models.Q(used_at=None, ended_at=None),
                nulls_distinct=False,
                name="one_open_invitation",
            )
        ]
        indexes = [models.Index(fields=["school_id", "class_id"], name="invitation_class")]


class Guardianship(models.Model):
    """A fact about the tie of a guardian and a child, or the lifting of one (`lifts`); rows are added, never rewritten.

    `guardian_no` is whose tie it is; of `protected` the one who goes on seeing everything (none: nobody). A fact that
    protects works from `since` on, at once; one that opens, and every lifting, only when the head has confirmed it.
    """

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    guardian_no = models.PositiveSmallIntegerField(null=True)
    kind = models.CharField(max_length=15)
    since = models.DateField()
    paper = models.CharField(max_length=120, help_text="judgement, order, certificate: what it rests on")
    words = models.CharField(max_length=500, blank=True)
    file_id = models.UUIDField(null=True)
    school_id = models.IntegerField()
    recorded_by = models.BigIntegerField()
    recorded_name = models.CharField(max_length=50)
    recorded_at = models.DateTimeField(auto_now_add=True)
    lifts = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="liftings")
    decision = models.CharField(max_length=10, blank=True, help_text="confirmed or refused by the head")
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=50, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_words = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "guardianship"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decision__in=["", "confirmed", "refused"]), name="guardianship_decision"
            ),
            # Two pairs of eyes: who recorded a fact does not confirm it.
            models.CheckConstraint(
                condition=models.Q(decided_by=None) | ~models.Q(decided_by=models.F("recorded_by")),
                name="guardianship_two_people",
            ),
        ]
        indexes = [
            models.Index(fields=["person_id", "id"], name="guardianship_person"),
            models.Index(
                fields=["school_id", "id"], condition=models.Q(decision=""), name="guardianship_waiting"
            ),
        ]


class RequestState(models.TextChoices):
    """Where a family's request stands: with the school, answered, with the authority, answered there."""

    ASKED = "asked", _("学校办理中")
    DONE = "done", _("已更正")
    REFUSED = "refused", _("不予更正")
    APPEALED = "appealed", _("主管部门复核中")
    UPHELD = "upheld", _("复核后由学校更正")
    DISMISSED = "dismissed", _("复核维持学校的答复")


class FamilyRequest(models.Model):
    """What a parent or pupil asks for about the child's record: to correct, to delete, to look at again.

    The name and class are those of that day: the answer stays readable when the child has moved on.
    """

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=100)
    class_name = models.CharField(max_length=60, blank=True)
    school_id = models.IntegerField()
    appeal_org_id = models.IntegerField(null=True, help_text="the authority, once the family has appealed")
    kind = models.CharField(max_length=10)
    field = models.CharField(max_length=20)
    wanted = models.CharField(max_length=200, blank=True)
    words = models.CharField(max_length=1000)
    private = models.BooleanField(
        default=False, db_default=False, help_text="asked by a pupil of 14 or more, not told to the parents"
    )
    direct = models.BooleanField(
        default=False,
        db_default=False,
        help_text="asked of the authority by whoever must not know the school",
    )
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.ASKED)
    asked_by = models.BigIntegerField()
    asked_at = models.DateTimeField(auto_now_add=True)
    due_on = models.DateField(null=True)
    reply = models.CharField(max_length=1000, blank=True)
    replied_by = models.BigIntegerField(null=True)
    replied_at = models.DateTimeField(null=True)
    appeal = models.CharField(max_length=1000, blank=True)
    appealed_at = models.DateTimeField(null=True)
    appeal_reply = models.CharField(max_length=1000, blank=True)
    appeal_replied_by = models.BigIntegerField(null=True)
    appeal_replied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "family_request"
        indexes = [
            models.Index(fields=["school_id", "state", "due_on"], name="family_request_school"),
            models.Index(fields=["appeal_org_id", "state", "due_on"], name="family_request_appeal"),
        ]


class Consent(models.Model):
    """One answer to a question of `standards/consents.csv`: given, refused or withdrawn. The last one counts.

    `guardian_no` None: the pupil's own answer. Rows are added, never rewritten.
    """

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    code = models.CharField(max_length=30)
    version = models.CharField(max_length=20)
    guardian_no = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=10)
    school_id = models.IntegerField()
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=50)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "consent"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer__in=["given", "refused", "withdrawn"]), name="consent_answer"
            )
        ]
        indexes = [models.Index(fields=["person_id", "code", "id"], name="consent_person")]
