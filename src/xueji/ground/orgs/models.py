"""Organisations, school years, calendar and classes. Reference tables: small, rarely written, no student data."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class OrgKind(models.TextChoices):
    """Tier of an organisation; the order is from the top down."""

    NATION = "nation", _("国家")
    PROVINCE = "province", _("省级")
    CITY = "city", _("市级")
    COUNTY = "county", _("县级")
    CENTRAL = "central", _("中心校")
    SCHOOL = "school", _("学校")


AUTHORITY_KINDS = (OrgKind.NATION, OrgKind.PROVINCE, OrgKind.CITY, OrgKind.COUNTY)


class Stage(models.TextChoices):
    """Stage of schooling 学段 (GB/T 33782)."""

    PRIMARY = "P", _("小学")
    JUNIOR = "J", _("初中")
    SENIOR = "S", _("普通高中")


class EntryState(models.TextChoices):
    """Whether a school may work in the network (入网状态)."""

    ASKED = "asked", _("待审查")
    ADMITTED = "admitted", _("已入网")
    REFUSED = "refused", _("未通过")
    SUSPENDED = "suspended", _("已暂停")


#: What the authority looks at before it admits a school (学校入网资格审查).
ENTRY_ITEMS = {
    "licence": _("批准设立文件或办学许可证有效"),
    "code": _("学校标识码与批准文件一致"),
    "staff": _("已指定专职或兼职的学籍管理员"),
    "equipment": _("有固定的办公设备和网络"),
    "rules": _("建立了学籍管理和信息安全制度"),
}


class Org(models.Model):
    """One organisation of the tree. `path` is `/1/4/9/` (ids from the top, itself last): a subtree is a prefix."""

    id = models.AutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=OrgKind.choices)
    code = models.CharField(
        max_length=12, unique=True, help_text="division code, or the school's 10-digit code"
    )
    division = models.CharField(max_length=6, help_text="administrative division (GB/T 2260) that it lies in")
    name = models.CharField(max_length=100)
    short_name = models.CharField(max_length=30)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(max_length=200, unique=True)
    phone = models.CharField(max_length=30, blank=True)
    contact = models.CharField(
        max_length=50, blank=True, help_text="office that answers, shown to other units"
    )
    policy = models.CharField(max_length=60, blank=True, help_text="id of its own policy pack, if it has one")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "org"
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="org_period"
            ),
            models.CheckConstraint(
                condition=Q(path__startswith="/", path__endswith="/"), name="org_path_shape"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class School(models.Model):
    """What an organisation of kind school has besides: the sheet of the school itself.

    `county` is the authority in charge (学籍主管部门): the county, or city and province for schools directly run.
    """

    org = models.OneToOneField(Org, primary_key=True, on_delete=models.CASCADE, related_name="school")
    county = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    school_code = models.CharField(max_length=10, unique=True, help_text="学校标识码")
    school_type = models.CharField(max_length=3, help_text="办学类型 (school_type_bxlx)")
    stages = ArrayField(models.CharField(max_length=1))
    system = models.CharField(
        max_length=12, default="6-3-3", help_text="学制: years of primary-junior-senior"
    )
    sponsor = models.CharField(max_length=3, blank=True)
    urban_rural = models.CharField(max_length=3, blank=True)
    address = models.CharField(max_length=180, blank=True)
    boarding = models.BooleanField(default=False)
    seal_name = models.CharField(max_length=60, blank=True, help_text="name on the seal 公章名称")
    entry = models.CharField(
        max_length=9, choices=EntryState.choices, default=EntryState.ADMITTED, db_default=EntryState.ADMITTED,
        help_text="入网状态: only at an admitted school can anybody work",
    )  # fmt: skip

    class Meta:
        db_table = "school"

    def years_of(self, stage: str) -> int:
        """Years of a stage under this school's system: 6-3-3 gives 6, 3, 3."""
        return int(self.system.split("-")["PJS".index(stage)])


class SchoolReview(models.Model):
    """A decision of the authority in charge on a school's entry into the network; only added."""

    id = models.BigAutoField(primary_key=True)
    org_id = models.IntegerField()
    county_id = models.IntegerField()
    decision = models.CharField(max_length=8)
    items = ArrayField(models.CharField(max_length=12), default=list)
    document = models.CharField(max_length=100, blank=True, help_text="批准文号")
    opinion = models.CharField(max_length=300, blank=True)
    by_id = models.BigIntegerField()
    by_name = models.CharField(max_length=50)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "school_review"
        indexes = [models.Index(fields=["org_id", "-id"], name="school_review_org")]


class Campus(models.Model):
    """A campus 校区 of a school."""

    id = models.AutoField(primary_key=True)
    school = models.ForeignKey(School, on_delete=models.CASCADE, related_name="campuses")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    address = models.CharField(max_length=180, blank=True)

    class Meta:
        db_table = "campus"
        constraints = [models.UniqueConstraint(fields=["school", "number"], name="campus_number")]


class SchoolYear(models.Model):
    """A school year 学年; `start` is also the day on which every class moves up a grade."""

    start_year = models.PositiveSmallIntegerField(primary_key=True)
    starts = models.DateField()
    ends = models.DateField()

    class Meta:
        db_table = "school_year"

    @property
    def label(self) -> str:
        """`2026-2027`."""
        return f"{self.start_year}-{self.start_year + 1}"


class Term(models.Model):
    """A term 学期 of a school year."""

    id = models.AutoField(primary_key=True)
    year = models.ForeignKey(SchoolYear, on_delete=models.CASCADE, related_name="terms")
    number = models.PositiveSmallIntegerField()
    starts = models.DateField()
    ends = models.DateField()

    class Meta:
        db_table = "term"
        constraints = [models.UniqueConstraint(fields=["year", "number"], name="term_number")]


class CalendarDay(models.Model):
    """A day on which an authority departs from the national working-day calendar (local holiday, closure)."""

    id = models.AutoField(primary_key=True)
    org = models.ForeignKey(Org, on_delete=models.CASCADE)
    day = models.DateField()
    is_workday = models.BooleanField()
    reason = models.CharField(max_length=100)

    class Meta:
        db_table = "calendar_day"
        constraints = [models.UniqueConstraint(fields=["org", "day"], name="calendar_day_once")]


class SchoolClass(models.Model):
    """A class as an entry cohort (入学年份 + number); its grade on any date is computed, never stored."""

    id = models.AutoField(primary_key=True)
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="classes")
    campus = models.ForeignKey(Campus, null=True, blank=True, on_delete=models.PROTECT)
    stage = models.CharField(max_length=1, choices=Stage.choices)
    cohort_year = models.PositiveSmallIntegerField(help_text="year in which its pupils entered the stage")
    number = models.PositiveSmallIntegerField()
    alias = models.CharField(max_length=30, blank=True)
    capacity = models.PositiveSmallIntegerField(default=45)
    class_type = models.CharField(max_length=4, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "school_class"
        constraints = [
            models.UniqueConstraint(fields=["school", "stage", "cohort_year", "number"], name="class_once"),
            models.UniqueConstraint(fields=["school", "id"], name="class_of_school"),
            models.CheckConstraint(condition=Q(number__gte=1, number__lte=99), name="class_number_range"),
            models.CheckConstraint(
                condition=Q(cohort_year__gte=1950, cohort_year__lte=2100), name="class_cohort"
            ),
        ]
