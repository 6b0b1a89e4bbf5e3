"""招生入学: plans, service areas, rosters of children of school age, candidates on their way to a record."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

STAGES = [("P", _("小学")), ("J", _("初中")), ("S", _("高中"))]


class State(models.TextChoices):
    """Where a candidate stands."""

    ENTERED = "entered", _("待上报")
    SENT = "sent", _("待核办")
    APPROVED = "approved", _("待报到")
    REPORTED = "reported", _("已报到")
    REFUSED = "refused", _("不予录取")
    ABSENT = "absent", _("未报到")
    FORFEITED = "forfeited", _("取消入学资格")
    WITHDRAWN = "withdrawn", _("已撤销")


#: A child holds a place in one school only while its candidature is in one of these.
HOLDING = (State.APPROVED, State.REPORTED)
#: Still on the way: a second one elsewhere is a double admission.
UNDER_WAY = (State.ENTERED, State.SENT, *HOLDING)


class Origin(models.TextChoices):
    """How a candidate came onto the list."""

    AREA = "area", _("就近入学")
    UNIFIED = "unified", _("统一招生")
    SELF = "self", _("自主招生")


class Verdict(models.TextChoices):
    """What the rules of the place say of a candidate."""

    NONE = "", _("未审查")
    PASS = "pass", _("合格")
    WARN = "warn", _("合格, 有提示")
    ASK = "ask", _("待补充")
    BLOCK = "block", _("不合格")


class Plan(models.Model):
    """招生计划: how many a school may take in a year, its class size, when it enters and receives them."""

    id = models.BigAutoField(primary_key=True)
    year = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=1, choices=STAGES)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    planned = models.PositiveIntegerField(help_text="招生计划数")
    class_size = models.PositiveSmallIntegerField(help_text="班额")
    extra = models.PositiveIntegerField(default=0, help_text="exceptional places above the plan")
    extra_reason = models.CharField(max_length=300, blank=True)
    opens_on = models.DateField(null=True, help_text="first day of entering candidates")
    closes_on = models.DateField(null=True)
    report_from = models.DateField(null=True, help_text="报到 begins")
    report_to = models.DateField(null=True, help_text="last day of 报到")
    asked = models.PositiveIntegerField(null=True, help_text="the number that the school asks for")
    asked_reason = models.CharField(max_length=300, blank=True)
    asked_name = models.CharField(max_length=60, blank=True)
    answer = models.CharField(max_length=300, blank=True)
    set_name = models.CharField(max_length=60)
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "adm_plan"
        constraints = [
            models.UniqueConstraint(fields=["school_id", "year", "stage"], name="one_plan_a_year"),
            models.CheckConstraint(condition=Q(extra=0) | ~Q(extra_reason=""), name="extra_has_reason"),
        ]

    @property
    def ceiling(self) -> int:
        """招生上限."""
        return self.planned + self.extra


class Area(models.Model):
    """服务范围: a street, village or community whose children a school takes."""

    id = models.BigAutoField(primary_key=True)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    name = models.CharField(max_length=60)
    division = models.CharField(
        max_length=12, blank=True, help_text="code that household divisions begin with"
    )
    note = models.CharField(max_length=100, blank=True)
    asked_name = models.CharField(
        max_length=60,
        blank=True,
        help_text="who of the school asked for it; empty once the authority has said so",
    )

    class Meta:
        db_table = "adm_area"
        constraints = [models.UniqueConstraint(fields=["school_id", "name"], name="one_area_a_name")]


class Child(models.Model):
    """A child of the service area who must enter, or will: 适龄儿童, 学龄前儿童. Contact and number lie sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    year = models.PositiveSmallIntegerField(help_text="in which it enters")
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    area = models.CharField(max_length=60, blank=True)
    kindergarten = models.CharField(max_length=60, blank=True)
    id_type = models.CharField(max_length=2, blank=True)
    id_bidx = models.BinaryField(null=True)
    sealed = models.BinaryField(null=True, help_text="number, guardian, phone, address, preschool record")
    whereabouts = models.CharField(max_length=10, blank=True, help_text="elsewhere, deferred, moved, missing")
    note = models.CharField(max_length=200, blank=True)
    entered_name = models.CharField(max_length=60)
    entered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "adm_child"
        constraints = [
            models.UniqueConstraint(
                fields=["school_id", "year", "id_type", "id_bidx"],
                condition=Q(id_bidx__isnull=False),
                name="one_line_a_child",
            )
        ]
        indexes = [models.Index(fields=["school_id", "year", "name", "id"], name="adm_child_list")]


class Submission(models.Model):
    """A school's admission list (录取名册) on its way through the authority."""

    id = models.BigAutoField(primary_key=True)
    year = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=1, choices=STAGES)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    n = models.PositiveIntegerField()
    approved = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, default="sent", help_text="sent, decided, returned")
    sent_name = models.CharField(max_length=60)
    sent_at = models.DateTimeField(auto_now_add=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    words = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "adm_submission"
        indexes = [models.Index(fields=["county_id", "state", "-id"], name="adm_submission_desk")]


class Applicant(models.Model):
    """A candidate. `id` is the key that the person will have, so that sealed values move without being opened."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    year = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=1, choices=STAGES)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.AREA)
    state = models.CharField(max_length=9, choices=State.choices, default=State.ENTERED)
    known_id = models.UUIDField(null=True, help_text="the person who has a record already")
    name = models.CharField(max_length=100)
    sort = models.CharField(max_length=800, help_text="by which lists are sorted: pinyin")
    sex = models.CharField(max_length=1)
    birth_date = models.DateField()
    ethnicity = models.CharField(max_length=2, blank=True)
    nationality = models.CharField(max_length=3, default="CHN")
    id_type = models.CharField(max_length=2, blank=True)
    id_sealed = models.BinaryField(null=True)
    id_bidx = models.BinaryField(null=True)
    profile = models.JSONField(default=dict)
    profile_sealed = models.BinaryField(null=True)
    guardian_name = models.CharField(max_length=100, blank=True)
    guardian_relation = models.CharField(max_length=2, blank=True)
    guardian_sealed = models.BinaryField(null=True)
    area = models.CharField(max_length=60, blank=True, help_text="street, village or community as stated")
    division = models.CharField(max_length=6, blank=True, help_text="household, county level")
    from_school = models.CharField(max_length=60, blank=True)
    exam_no = models.CharField(max_length=20, blank=True)
    preschool_no = models.CharField(max_length=30, blank=True, help_text="学前学籍号, masked")
    facts = models.JSONField(default=dict, help_text="what the school states, by the packs' names")
    papers = ArrayField(
        models.CharField(max_length=40), default=list, help_text="materials seen, by the packs' names"
    )
    filed = models.JSONField(default=dict, help_text="pictures of papers: name -> file")
    choice = models.BooleanField(default=False, help_text="择校生")
    choice_note = models.CharField(max_length=100, blank=True)
    verdict = models.CharField(max_length=5, choices=Verdict.choices, blank=True)
    findings = models.JSONField(default=list)
    override = models.CharField(max_length=300, blank=True, help_text="why a general rule gives way")
    apart = models.CharField(
        max_length=300, blank=True, help_text="why a record that looks alike is another child's (疑似同一人)"
    )
    disputed = models.BooleanField(default=False, help_text="another school claims the child")
    submission_id = models.BigIntegerField(null=True)
    words = models.CharField(max_length=300, blank=True, help_text="why refused, withdrawn, forfeited")
    notice_no = models.CharField(max_length=20, blank=True)
    notice_code = models.CharField(max_length=20, blank=True)
    printed_at = models.DateTimeField(null=True)
    delivered_on = models.DateField(null=True)
    delivered_how = models.CharField(max_length=6, blank=True)
    late_until = models.DateField(null=True)
    late_reason = models.CharField(max_length=200, blank=True)
    late_file_id = models.UUIDField(null=True)
    reported_on = models.DateField(null=True)
    condition = models.CharField(max_length=200, blank=True, help_text="what is still to be brought")
    condition_due = models.DateField(null=True)
    person_id = models.UUIDField(null=True, help_text="the record, once reported")
    event_id = models.UUIDField(null=True)
    entered_name = models.CharField(max_length=60)
    entered_at = models.DateTimeField(auto_now_add=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "adm_applicant"
        constraints = [
            # One child is admitted by one school (重复招生).
            models.UniqueConstraint(
                fields=["year", "id_type", "id_bidx"],
                condition=Q(state__in=["approved", "reported"], id_bidx__isnull=False),
                name="one_school_a_child",
            ),
            models.UniqueConstraint(
                fields=["school_id", "year", "id_type", "id_bidx"],
                condition=Q(state__in=["entered", "sent", "approved", "reported"], id_bidx__isnull=False),
                name="one_line_a_candidate",
            ),
        ]
        indexes = [
            models.Index(fields=["school_id", "year", "state", "sort", "id"], name="adm_applicant_list"),
            models.Index(fields=["county_id", "year", "state"], name="adm_applicant_county"),
            models.Index(fields=["id_bidx"], name="adm_applicant_id"),
            models.Index(fields=["submission_id"], name="adm_applicant_sent"),
        ]

    @property
    def subject(self) -> uuid.UUID:
        """The person whom the audit names: on record already, or to be."""
        return self.known_id or self.id


class Claim(models.Model):
    """重复招生: two schools list one child; each proves (佐证) or gives it up (删除), else their superior decides."""

    id = models.BigAutoField(primary_key=True)
    year = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    birth_date = models.DateField()
    first_id = models.UUIDField()
    first_school_id = models.IntegerField()
    first_county_id = models.IntegerField()
    first_answer = models.CharField(max_length=5, blank=True, help_text="prove, drop")
    first_words = models.CharField(max_length=300, blank=True)
    second_id = models.UUIDField()
    second_school_id = models.IntegerField()
    second_county_id = models.IntegerField()
    second_answer = models.CharField(max_length=5, blank=True)
    second_words = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=6, default="open", help_text="open, closed")
    won_id = models.UUIDField(null=True)
    words = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_name = models.CharField(max_length=60, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "adm_claim"
        constraints = [
            models.UniqueConstraint(
                fields=["first_id", "second_id"], condition=Q(state="open"), name="one_dispute_a_pair"
            )
        ]


class Clearance(models.Model):
    """清退: an entry found against the rules, listed, decided by the authority; the record is then cancelled."""

    id = models.BigAutoField(primary_key=True)
    child_id = models.UUIDField(help_text="the person")
    name = models.CharField(max_length=100)
    school_id = models.IntegerField()
    county_id = models.IntegerField()
    kind = models.CharField(max_length=8, help_text="underage, area, papers, list, fraud")
    findings = models.CharField(max_length=300)
    state = models.CharField(max_length=9, default="listed", help_text="listed, cleared, dismissed")
    listed_name = models.CharField(max_length=60)
    listed_at = models.DateTimeField(auto_now_add=True)
    words = models.CharField(max_length=300, blank=True)
    article = models.CharField(max_length=200, blank=True)
    decided_name = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)
    event_id = models.UUIDField(null=True)

    class Meta:
        db_table = "adm_clearance"
        constraints = [
            models.UniqueConstraint(
                fields=["child_id"], condition=Q(state="listed"), name="one_clearance_a_child"
            )
        ]
