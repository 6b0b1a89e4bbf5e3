"""Intake: a batch of rows on their way into the record. Staging is closed to the application's own role."""

from __future__ import annotations

from django.db import models


class BatchState(models.TextChoices):
    """Where a batch stands."""

    UPLOADED = "uploaded", "已上传"
    CHECKING = "checking", "检查中"
    CHECKED = "checked", "待修改或发布"
    PUBLISHING = "publishing", "发布中"
    PUBLISHED = "published", "已发布"
    MATCHING = "matching", "待对应列"
    FAILED = "failed", "未能读取"
    DISCARDED = "discarded", "已放弃"
    UNDOING = "undoing", "撤销中"
    UNDONE = "undone", "已撤销"


class ImportBatch(models.Model):
    """One sheet: who brought it, from which file (kept and hashed), what became of its rows."""

    id = models.BigAutoField(primary_key=True)
    county_id = models.IntegerField()
    school_id = models.IntegerField()
    kind = models.CharField(max_length=20, default="enrol")
    state = models.CharField(max_length=12, choices=BatchState.choices, default=BatchState.UPLOADED)
    file_id = models.UUIDField(null=True)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64, blank=True)
    mapping = models.JSONField(default=dict)
    counts = models.JSONField(
        default=dict, help_text="total, ok, warning, error, duplicate, published, undone, blank"
    )
    problem = models.CharField(max_length=500, blank=True, help_text="why the whole file was refused")
    progress = models.PositiveSmallIntegerField(default=0)
    creator_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    publisher_id = models.BigIntegerField(null=True)
    undone_at = models.DateTimeField(null=True)
    undoer_id = models.BigIntegerField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "import_batch"
        indexes = [models.Index(fields=["school_id", "-created_at"])]


class KnownHeading(models.Model):
    """A heading of a school's own sheets and the field that somebody of the school said it is ('': leave it out)."""

    id = models.BigAutoField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    heading = models.CharField(max_length=100, help_text="as columns are compared: no marks, no spaces")
    key = models.CharField(max_length=40, blank=True)
    set_by = models.BigIntegerField()
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "known_heading"
        constraints = [models.UniqueConstraint(fields=["school_id", "heading"], name="one_meaning_a_heading")]


class StagedRow(models.Model):
    """A row of a batch, typed and checked, with the keys it will have. `raw` (what was typed) is sealed.

    The table is unlogged: after a crash of the database the batch is read again from its file.
    """

    pk = models.CompositePrimaryKey("batch_id", "row_no")
    batch_id = models.BigIntegerField()
    row_no = models.IntegerField(help_text="row of the sheet as the user counts it")
    person_id = models.UUIDField()
    event_id = models.UUIDField()
    state = models.CharField(max_length=9, help_text="ok, warning, error, duplicate, published")
    issues = models.JSONField(default=list)
    notes = models.JSONField(default=list, help_text="original -> understood, values masked")
    raw = models.BinaryField()
    name = models.CharField(max_length=100, null=True)
    pinyin = models.CharField(max_length=400, null=True)
    initials = models.CharField(max_length=100, null=True)
    pinyin_sort = models.CharField(max_length=800, null=True)
    grams = models.TextField(null=True, help_text="array literal")
    sex = models.CharField(max_length=1, null=True)
    birth_date = models.DateField(null=True)
    ethnicity = models.CharField(max_length=2, null=True)
    nationality = models.CharField(max_length=3, null=True)
    former_name = models.CharField(max_length=100, null=True)
    id_type = models.CharField(max_length=2, null=True)
    id_sealed = models.BinaryField(null=True)
    id_bidx = models.BinaryField(null=True)
    last6 = models.BinaryField(null=True)
    number_prefix = models.CharField(max_length=1, null=True)
    number_sealed = models.BinaryField(null=True)
    number_bidx = models.BinaryField(null=True)
    aux_sealed = models.BinaryField(null=True)
    aux_bidx = models.BinaryField(null=True)
    stage = models.CharField(max_length=1, null=True)
    cohort_year = models.SmallIntegerField(null=True)
    class_number = models.SmallIntegerField(null=True)
    class_id = models.IntegerField(null=True)
    class_seat = models.SmallIntegerField(null=True)
    enrolled_on = models.DateField(null=True)
    profile = models.JSONField(null=True)
    profile_sealed = models.BinaryField(null=True)
    g1_name = models.CharField(max_length=100, null=True)
    g1_relation = models.CharField(max_length=2, null=True)
    g1_note = models.CharField(max_length=30, null=True)
    g1_guardian = models.BooleanField(null=True)
    g1_sealed = models.BinaryField(null=True)
    g2_name = models.CharField(max_length=100, null=True)
    g2_relation = models.CharField(max_length=2, null=True)
    g2_note = models.CharField(max_length=30, null=True)
    g2_guardian = models.BooleanField(null=True)
    g2_sealed = models.BinaryField(null=True)

    class Meta:
        db_table = "staged_row"
