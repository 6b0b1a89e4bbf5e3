"""Codes with which a school invites a child's guardian, or the child."""

from __future__ import annotations

from django.db import models


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
