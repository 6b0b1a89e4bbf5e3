"""The head of a school sees who looked at the own pupils, and nothing of any other school."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.audit import school, watch
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

#: A Wednesday, and the week that it ends.
DAY = date(2026, 11, 18)
WEEK = school.period(None, DAY, today=date(2026, 11, 22))
QUERY = f"?since={WEEK.since}&until={WEEK.until}"


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


def look(
    place: Place,
    who: tuple[str, str],
    person: uuid.UUID | None,
    *,
    at: datetime | None = None,
    n: int = 1,
    action: str = "people.view",
    persons: list[uuid.UUID] | None = None,
    purpose: str = "",
) -> None:
    """Entries as the rooms write them."""
    role, where = who
    account = place.user(role, where)
    first = at or timezone.make_aware(datetime(2026, 11, 18, 10))
    with transaction.atomic(), acting("audit"):
        AuditEntry.objects.bulk_create(
            AuditEntry(
                at=first + timedelta(seconds=i), user_id=account.pk, user_name=account.display_name, role=role,
                org_id=place.org(where).pk if where else None, action=action, person_id=person, person_ids=persons,
                purpose=purpose, row_count=len(persons or [1]),
            )
            for i in range(n)
        )  # fmt: skip


@pytest.mark.capability("C-SEC-04", "C-ROL-09")
def test_the_head_sees_who_looked_at_the_pupils_by_time_by_person_and_by_pupil(
    place: Place, client: Client
) -> None:
    """The head opens 学生信息查看记录: a clerk's reading at night stands on top, below it every look of the week.
    She sees that the county opened one pupil, opens that pupil's looks and the clerk's, and asks them.
    Her own questions are in the audit."""
    one, two = enrol(place, "a1", name="林一"), enrol(place, "a1", name="林二")
    other = enrol(place, "b1", name="外校生")
    look(place, ("registrar", "a1"), one, at=timezone.make_aware(datetime(2026, 11, 18, 23)), n=6)
    look(place, ("county_clerk", "a"), two, purpose="核对转学材料")
    look(place, ("county_clerk", "a"), None, action="enrolment.search", persons=[one, two, other])
    look(place, ("registrar", "b1"), other, n=3)
    look(place, ("parent", ""), one, action="portal.view")
    watch.look_at(DAY)
    head = place.user("school_head", "a1")
    login(client, head)
    assert "学生信息查看记录" in client.get("/").content.decode()
    page = client.get("/audit/school/" + QUERY).content.decode()
    assert page.index("夜间(22时至6时)查看: 6 次") < page.index("核对转学材料")
    assert "青禾县教育局" in page and "林一" in page and "2 人" in page
    assert "外校生" not in page and "临川" not in page and "家长学生页" not in page
    pupil = client.get(f"/audit/school/{QUERY}&person={two}").content.decode()
    assert "只看学生林二的查看记录" in pupil and "搜索学生" in pupil and "林一" not in pupil
    people = client.get("/audit/school/readers/" + QUERY).content.decode()
    assert place.user("registrar", "a1").display_name in people and "异常查看" in people
    pupils = client.get("/audit/school/pupils/" + QUERY).content.decode()
    assert pupils.index("林一") < pupils.index("林二") and "外校生" not in pupils
    assert "林一" not in client.get(f"/audit/school/pupils/{QUERY}&name=林二").content.decode()
    with seeing_all(), acting("audit"):
        asked = list(AuditEntry.objects.filter(action="audit.school.search").order_by("id"))
    assert len(asked) == 5
    assert {one, two} == set(asked[0].person_ids or [])


@pytest.mark.capability("C-SEC-04")
def test_the_pages_continue_by_key_and_lose_nothing(place: Place) -> None:
    person = enrol(place, "a1", name="林一")
    look(place, ("registrar", "a1"), person, n=school.PAGE + 7)
    same = timezone.make_aware(datetime(2026, 11, 17, 9))
    for _ in range(5):
        look(place, ("county_clerk", "a"), person, at=same)
    with act_as(place.user("school_head", "a1")) as actor:
        first = school.lines(actor, WEEK)
        second = school.lines(actor, WEEK, after=first.after)
        assert len(first.rows) == school.PAGE and first.after and not second.after
        assert len({r.id for r in (*first.rows, *second.rows)}) == school.PAGE + 12
        for key in ("x", "2026-11-18_1", "1_2_3", "2026-11-18T10:00:00_1"):
            with pytest.raises(Http404):
                school.lines(actor, WEEK, after=key)


def test_a_long_period_is_cut_and_a_day_is_whole(place: Place) -> None:
    today = date(2026, 11, 22)
    assert school.period(None, None, today) == school.Period(date(2026, 11, 16), today)
    long = school.period(date(2020, 1, 1), date(2030, 1, 1), today)
    assert (long.until - long.since).days == school.LONGEST - 1 and long.until == today
    assert school.period(date(2026, 11, 30), None, today) == school.Period(today, today)
    for asked in ((date.max, None), (None, date.min), (date.min, date.min), (date.max, date.max)):
        odd = school.period(*asked, today)
        assert school.EARLIEST - timedelta(days=7) < odd.since <= odd.until <= today and odd.moments
    assert school.period(DAY, DAY, today).moments[1] - school.period(DAY, DAY, today).moments[0] == timedelta(
        1
    )


@pytest.mark.capability("C-SEC-04", "C-ROL-07")
def test_nobody_else_is_answered_and_a_school_only_for_its_own_time(place: Place) -> None:
    """Other schools, other roles and the direct question to the database get nothing; of a pupil who came later only
    the looks since; reports of misuse and the audit's own work stay out."""
    person = enrol(place, "a1", name="林一", on=date(2026, 9, 1))
    look(place, ("county_clerk", "a"), person, at=timezone.make_aware(datetime(2026, 8, 30, 9)))
    look(place, ("county_clerk", "a"), person, action="privacy.complaint.view")
    look(place, ("audit_admin", "province"), None, action="audit.find", persons=[person])
    look(place, ("registrar", "a1"), person)
    span = school.period(date(2026, 8, 28), date(2026, 9, 20), today=date(2026, 11, 22))
    with act_as(place.user("school_head", "a1")) as actor:
        assert school.lines(actor, span).rows == []
        assert [r.what for r in school.lines(actor, WEEK).rows] == ["查看学生"]
        assert len(school.read(actor, WEEK).rows) == 1
    with act_as(place.user("school_head", "b1")) as actor:
        assert school.lines(actor, WEEK, person=person).rows == []
        assert school.readers(actor, WEEK).rows == [] and school.read(actor, WEEK, name="林").rows == []
    for role, where in (
        ("registrar", "a1"),
        ("county_head", "a"),
        ("audit_admin", "province"),
        ("class_teacher", "a1"),
    ):
        with act_as(place.user(role, where)) as actor:
            with pytest.raises(PermissionDenied):
                school.lines(actor, WEEK)
            assert _direct(place.org("a1").pk) == [0, 0, 0, 0]
    with act_as(place.user("school_head", "b1")):
        assert _direct(place.org("a1").pk) == [0, 0, 0, 0]
    with act_as(place.user("school_head", "a1")):
        assert _direct(place.org("a1").pk)[0] == 1


def _direct(where: int) -> list[int]:
    """What the database's functions answer to somebody who asks past the pages."""
    since, until = WEEK.moments
    words = ["people.view", "privacy.complaint.view", "audit.find"]
    with connection.cursor() as c:
        counts = []
        for statement, values in (
            ("xueji_school_looks(%s, %s, %s, %s, null, null, null, null, 50)", [where, since, until, words]),
            (
                "xueji_school_readers(%s, %s, %s, %s, '{}', '{}', null, null, 50)",
                [where, since, until, words],
            ),
            ("xueji_school_read(%s, %s, %s, %s, '', null, null, 50)", [where, since, until, words]),
            ("xueji_school_findings(%s, '2020-01-01', 50)", [where]),
        ):
            c.execute(f"select count(*) from {statement}", values)
            counts.append(c.fetchone()[0])
    return counts


def test_a_pupil_is_not_the_schools_between_two_stays(place: Place) -> None:
    """A guest of September who is enrolled since 18 November: looks of October are nobody's business here, and a list
    that showed the pupil in two stays shows one pupil."""
    person = enrol(place, "a1", name="林一", on=date(2026, 11, 18))
    with seeing_all(), connection.cursor() as c:
        guest = {
            "kind": 2,
            "reason": "former",
            "since": "2026-09-01 00:00+08",
            "until": "2026-09-20 00:00+08",
        }
        c.execute(
            "insert into roster select (jsonb_populate_record(r, %s)).* from roster r where r.person_id = %s",
            [json.dumps(guest), person],
        )
    for month, day in ((9, 10), (10, 10), (11, 19)):
        at = timezone.make_aware(datetime(2026, month, day, 9))
        look(place, ("county_clerk", "a"), person, at=at)
        look(place, ("county_clerk", "a"), None, action="enrolment.search", persons=[person], at=at)
    seen = []
    with act_as(place.user("school_head", "a1")) as actor:
        for since in (date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 25)):
            span = school.period(since, None, today=date(2026, 11, 22))
            rows = school.lines(actor, span, person=person).rows
            seen.append((len(rows), {r.many for r in rows}))
            assert sum(r.looks for r in school.read(actor, span).rows) == len(rows) / 2
            assert sum(r.looks for r in school.readers(actor, span).rows) == len(rows) / 2
            assert len(school.read(actor, span, name="林").rows) == 1
    assert seen == [(2, {1}), (0, set()), (2, {1})]
