"""Who does the work of a school: its units and posts, and the register of 学籍管理员."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class UnitKind(models.TextChoices):
    """What a unit inside a school is for."""

    LEAD = "lead", _("学籍管理领导小组")
    OFFICE = "office", _("学籍管理办公室")
    TEACHING = "teaching", _("教导处、教务处")
    MORAL = "moral", _("政教处")
    STUDENTS = "students", _("学生处、学生科")
    ADMISSION = "admission", _("招生办")
    ARCHIVE = "archive", _("档案室、档案管理部门")
    HEALTH = "health", _("校医院、卫生室")
    COLLEGE = "college", _("二级学院、系")
    GRADE = "grade", _("年级组")
    OTHER = "other", _("其他")


#: The parts of a school in a flow of work (a role of its accounts), in words.
PARTS = {"registrar": _("学校经办环节"), "school_head": _("学校负责人环节")}


class Officer(models.Model):
    """A school's officer for records from a day on; the last line without an end is the one in office."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField(help_text="authority in charge, which the line is reported to")
    user_id = models.BigIntegerField(help_text="account that holds the registrar's role there")
    name = models.CharField(max_length=50)
    title = models.CharField(max_length=40, blank=True, help_text="职务")
    phone = models.CharField(max_length=30, help_text="of the office")
    full_time = models.BooleanField(default=True, help_text="专职")
    since = models.DateField()
    until = models.DateField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why it ended")
    named_by = models.BigIntegerField()
    named_name = models.CharField(max_length=50)
    named_at = models.DateTimeField(auto_now_add=True)
    noted_by = models.BigIntegerField(null=True)
    noted_name = models.CharField(max_length=50, blank=True)
    noted_at = models.DateTimeField(null=True)
    trained_on = models.DateField(null=True)
    training = models.CharField(max_length=100, blank=True)
    training_hours = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    trained_name = models.CharField(max_length=50, blank=True, help_text="who entered the training")

    class Meta:
        db_table = "officer"
        constraints = [
            models.UniqueConstraint(fields=["org_id"], condition=Q(until=None), name="one_officer_a_school"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="officer_period"),
            models.CheckConstraint(
                condition=(Q(trained_on=None) & Q(training_hours=None))
                | (Q(trained_on__isnull=False) & Q(training_hours__gt=0)),
                name="officer_training_whole",
            ),
        ]
        indexes = [models.Index(fields=["county_id", "until"], name="officer_county")]


class SchoolUnit(models.Model):
    """A unit inside a school (部门), as the school names it."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    kind = models.CharField(max_length=10, choices=UnitKind.choices)
    name = models.CharField(max_length=50)
    phone = models.CharField(max_length=30, blank=True)
    closed_on = models.DateField(null=True)

    class Meta:
        db_table = "school_unit"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id", "name"], condition=Q(closed_on=None), name="school_unit_name"
            ),
        ]


class Post(models.Model):
    """Somebody in a post of a unit from a day on. With a `part`, the school's steps in flows of work are this person's."""

    id = models.BigAutoField(primary_key=True)
    unit = models.ForeignKey(SchoolUnit, on_delete=models.PROTECT, related_name="posts")
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    title = models.CharField(max_length=40)
    user_id = models.BigIntegerField(null=True, help_text="account; null for who has none")
    name = models.CharField(max_length=50)
    phone = models.CharField(max_length=30, blank=True)
    part = models.CharField(max_length=20, blank=True, help_text="role whose steps the post takes, or empty")
    since = models.DateField()
    until = models.DateField(null=True)
    named_name = models.CharField(max_length=50)

    class Meta:
        db_table = "school_post"
        constraints = [
            # A step of the school resolves to one person.
            models.UniqueConstraint(
                fields=["org_id", "part"], condition=Q(until=None) & ~Q(part=""), name="one_post_a_part"
            ),
            models.CheckConstraint(
                condition=Q(part="") | Q(user_id__isnull=False), name="school_post_part_account"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="school_post_period"
            ),
        ]
        indexes = [models.Index(fields=["org_id", "until"], name="school_post_org")]
