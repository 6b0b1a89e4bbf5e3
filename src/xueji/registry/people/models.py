"""People and what identifies them. Keys begin with the person; numbers and contacts are sealed (see
ground/crypto).

`readers` are the organisations with a present right to the whole record (the school and authority of the
registered enrolment, and of a guest one), `klasses` the classes; commands keep them with the enrolment.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Readable(models.Model):
    """Columns that row-level security reads."""

    readers = ArrayField(models.IntegerField(), default=list)
    klasses = ArrayField(models.IntegerField(), default=list)

    class Meta:
        abstract = True


class Person(Readable):
    """A human being with a record. The key is made by the client and never changes."""

    person_id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    pinyin = models.CharField(max_length=400, help_text="full, without spaces: zhangjianguo")
    initials = models.CharField(max_length=100)
    pinyin_sort = models.CharField(max_length=800, help_text="tone-numbered key for ordering")
    former_name = models.CharField(max_length=100, blank=True)
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    ethnicity = models.CharField(max_length=2, blank=True)
    nationality = models.CharField(max_length=3, default="CHN")
    check_state = models.CharField(max_length=12, default="unchecked", help_text="核验状态")
    merged_into = models.UUIDField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "person"
        constraints = [models.CheckConstraint(condition=Q(sex__in=["0", "1", "2", "9"]), name="person_sex")]
        indexes = [
            models.Index(fields=["pinyin", "sex", "birth_date"], name="person_similar"),
            models.Index(
                fields=["merged_into"], name="person_merged", condition=Q(merged_into__isnull=False)
            ),
        ]


class PersonProfile(Readable):
    """The rest of the national template: `data` by field key, `sealed` the sensitive fields, encrypted
    together. `withheld` are voluntary fields to which the family said no: neither shown nor taken.
    """

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.PROTECT)
    data = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True)
    withheld = ArrayField(models.CharField(max_length=40), default=list, db_default=[])
    guarded = models.BooleanField(default=False, db_default=False, help_text="家庭住址保密")

    class Meta:
        db_table = "person_profile"


class PersonName(Readable):
    """A name that the person bore, with the time it was valid."""

    pk = models.CompositePrimaryKey("person_id", "name_no")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, db_index=False)
    name_no = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    until = models.DateTimeField()
    event_id = models.UUIDField()

    class Meta:
        db_table = "person_name"
        indexes = [models.Index(fields=["name"], name="person_name_name")]


class Guardian(Readable):
    """A family member or guardian of a pupil. Phone, papers, employer and address are sealed."""

    pk = models.CompositePrimaryKey("person_id", "guardian_no")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, db_index=False)
    guardian_no = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    relation = models.CharField(max_length=2, help_text="guardian_relation_template")
    relation_note = models.CharField(max_length=30, blank=True)
    is_guardian = models.BooleanField(default=True)
    sealed = models.BinaryField(null=True)
    since = models.DateField(null=True)
    until = models.DateField(null=True)
    guarded = models.BooleanField(default=False, db_default=False, help_text="家庭住址保密")

    class Meta:
        db_table = "guardian"


class IdentityDocument(Readable):
    """An identity document that the person has or had; the number is sealed and found through
    `identity_lookup`.
    """

    pk = models.CompositePrimaryKey("person_id", "doc_no")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, db_index=False)
    doc_no = models.PositiveSmallIntegerField()
    id_type = models.CharField(max_length=2)
    sealed = models.BinaryField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "identity_document"
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(until=None), name="one_current_document")
        ]


class IdentityLookup(models.Model):
    """The nation-wide uniqueness of identity: one row for each number ever held, keyed by its blind index."""

    pk = models.CompositePrimaryKey("id_type", "bidx")
    id_type = models.CharField(max_length=2)
    bidx = models.BinaryField()
    person_id = models.UUIDField(db_index=True)
    doc_no = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "identity_lookup"


class StudentNumber(Readable):
    """A student number held now or before. A G number derives from a document, is not stored."""

    pk = models.CompositePrimaryKey("person_id", "number_no")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, db_index=False)
    number_no = models.PositiveSmallIntegerField()
    scheme = models.CharField(max_length=40, help_text="'national', or the id of the pack's number scheme")
    prefix = models.CharField(max_length=1, blank=True)
    doc_no = models.PositiveSmallIntegerField(null=True)
    sealed = models.BinaryField(null=True)
    state = models.CharField(max_length=8, default="current", help_text="current, former or voided")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=100, blank=True)
    event_id = models.UUIDField(null=True)

    class Meta:
        db_table = "student_number"
        constraints = [
            models.UniqueConstraint(
                fields=["person", "scheme"], condition=Q(state="current"), name="one_current_number"
            ),
            models.CheckConstraint(
                condition=Q(doc_no__isnull=False) | Q(sealed__isnull=False), name="number_has_body"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["current", "former", "voided"]), name="number_state"
            ),
        ]


class NumberLookup(models.Model):
    """One row for each number ever given: found by any old number, never given again."""

    pk = models.CompositePrimaryKey("scheme", "bidx")
    scheme = models.CharField(max_length=40)
    bidx = models.BinaryField()
    person_id = models.UUIDField(db_index=True)
    number_no = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "number_lookup"


class NumberCounter(models.Model):
    """The last serial given in a run of a gap-free number scheme; its row is the lock of the run."""

    pk = models.CompositePrimaryKey("scheme", "run")
    scheme = models.CharField(max_length=40)
    run = models.CharField(max_length=40)
    last = models.IntegerField()

    class Meta:
        db_table = "number_counter"


class Photo(Readable):
    """The photo in force of a person."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.PROTECT)
    file_id = models.UUIDField()
    taken_on = models.DateField(null=True)
    source = models.CharField(max_length=20)

    class Meta:
        db_table = "person_photo"


class VaultKey(models.Model):
    """Which keys this database was written with: a fingerprint each, so that a lost key file is noticed at
    start.
    """

    key_id = models.CharField(max_length=8, primary_key=True)
    purpose = models.CharField(max_length=10, help_text="data or index")
    suite = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default="active")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "vault_key"
