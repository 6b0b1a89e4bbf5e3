"""Unusual reading is found by the clock, the calendar, the own history and the role's; and is worked through."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.models import RoleAssignment
from xueji.ground.audit import figures, queries, reviews, watch
from xueji.ground.audit.commands import Who, record
from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting

#: A Wednesday of the calendar, and a Sunday.
DAY, SUNDAY = date(2026, 11, 18), date(2026, 11, 15)


@pytest.fixture
def place(db: None) -> Place:
    return make_county()


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day, hour, minute))


def _looks(place: Place, user: str, at: datetime, n: int, action: str = "people.view") -> None:
    account = place.user("registrar", user)
    with transaction.atomic(), acting("audit"):
        AuditEntry.objects.bulk_create(
            AuditEntry(
                at=at + timedelta(seconds=i),
                user_id=account.pk,
                user_name=account.display_name,
                role="registrar",
                org_id=place.org(user).pk,
                address="127.0.0.1",
                action=action,
                person_id=uuid.uuid4(),
            )
            for i in range(n)
        )


def _found(day: date) -> dict[tuple[str, str], dict[str, int]]:
    return {(f.user_name, f.rule): f.figures for f in watch.look_at(day)}


def test_much_in_an_hour_is_held_against_the_own_history(place: Place) -> None:
    for back in range(1, 8):
        _looks(place, "a1", _at(DAY - timedelta(days=back), 10), 30)
        _looks(place, "b1", _at(DAY - timedelta(days=back), 10), 2)
    _looks(place, "a1", _at(DAY, 10), 70)
    _looks(place, "b1", _at(DAY, 10), 120)
    found = _found(DAY)
    names = {rule: name for (name, rule) in found}
    assert names == {"hour": place.user("registrar", "b1").display_name}
    assert found[(names["hour"], "hour")] == {"n": 120, "limit": 96, "own": 2, "role": 16}


@pytest.mark.parametrize(
    ("day", "hour", "n", "action", "rules"),
    [
        (DAY, 23, 6, "people.view", {"night"}),
        (DAY, 5, 6, "people.view", {"night"}),
        (DAY, 21, 6, "people.view", set()),
        (SUNDAY, 10, 31, "people.view", {"holiday"}),
        (DAY, 10, 31, "people.view", set()),
        (DAY, 10, 31, "people.identity.reveal", {"reveal"}),
        (DAY, 10, 21, "student.export", {"export"}),
        (DAY, 10, 21, "changes.lookup", {"outside"}),
        (DAY, 10, 1, "emergency.open", {"emergency"}),
        (DAY, 10, 11, "enrolment.refused", {"refused"}),
        (DAY, 10, 16, "accounts.sign_in.refused", {"signin"}),
    ],
)
def test_each_rule_finds_what_it_is_for(
    place: Place, day: date, hour: int, n: int, action: str, rules: set[str]
) -> None:
    _looks(place, "a1", _at(day, hour), n, action)
    assert {rule for _name, rule in _found(day)} == rules
    assert {rule for _name, rule in _found(day)} == rules, "a second run adds nothing"


@pytest.mark.capability("C-SEC-03")
def test_the_audit_administrator_works_through_the_findings(place: Place, client: Client) -> None:
    """In the morning his first page tells him of a clerk who read at night; he opens the day's entries, asks the
    school, and notes what came of it. The note stands beside the finding; the audit itself stays as it is."""
    _looks(place, "a1", _at(DAY, 23), 8)
    watch.look_at(DAY)
    admin = place.user("audit_admin", "province")
    login(client, admin)
    home = client.get("/").content.decode()
    assert "夜间(22时至6时)查看: 8 次" in home
    page = client.get("/audit/unusual/").content.decode()
    assert "核查" in page
    with act_as(admin) as actor:
        (finding,) = reviews.findings(actor, waiting=True)
    where = f"/audit/unusual/{finding.id}/"
    answer = client.post(where, {"verdict": "fine", "note": "是"}, follow=True)
    assert "至少 4 个字" in answer.content.decode()
    client.post(where, {"verdict": "fine", "note": "期末录入, 已向学校核实"}, follow=True)
    assert "没有待核查" in client.get("/audit/unusual/").content.decode()
    assert "已向学校核实" in client.get("/audit/unusual/?all=1").content.decode()
    day = client.get(f"/audit/?account={finding.user_id}&since={DAY}&until={DAY}").content.decode()
    assert day.count("查看学生") == 8
    with seeing_all(), acting("audit"):
        assert AuditEntry.objects.filter(action="audit.review").count() == 1
        assert AuditEntry.objects.filter(action="audit.search").count() == 1


def test_an_entry_opens_with_before_and_after_in_words_and_its_neighbours(
    place: Place, client: Client
) -> None:
    """From a name in the entry he jumps to the same account's hour; of the pupil he sees a key and a masked name."""
    account, person = place.user("registrar", "a1"), uuid.uuid4()
    who = Who(account.pk, account.display_name, "registrar", place.org("a1").pk, "10.0.0.9")
    with transaction.atomic():
        record(
            who,
            "people.name.change",
            object_type="person",
            object_id=person,
            person_id=person,
            purpose="出生医学证明更正",
            before={"name": "王小明", "phone": "digest:0123456789abcdef"},
            after={"name": "王晓明", "phone": "digest:fedcba9876543210"},
        )
        record(who, "enrolment.search", row_count=2, persons=[person, uuid.uuid4()])
    admin = place.user("audit_admin", "province")
    login(client, admin)
    with seeing_all(), acting("audit"):
        entry = AuditEntry.objects.get(action="people.name.change")
    page = client.get(f"/audit/{entry.pk}/").content.decode()
    assert "修改姓名" in page and "王**" in page and "王晓明" not in page and "王小明" not in page
    assert "已加密, 指纹 0123456789ab" in page
    assert "出生医学证明更正" in page and "10.0.0.9" in page and "还没有加封" in page
    same = client.get(f"/audit/?person={person}").content.decode()
    assert "修改姓名" in same and "搜索学生" in same, "also where a list showed the person"
    assert "修改姓名" in client.get(f"/audit/?account={account.pk}&around={entry.pk}").content.decode()
    assert "修改姓名" in client.get("/audit/?what=kind:change").content.decode()
    assert "没有符合条件的日志" in client.get("/audit/?what=room:relay&user=registrar").content.decode()
    assert client.get("/audit/999999999/").status_code == 404


def test_a_county_audit_sees_its_own_tree_alone(place: Place) -> None:
    _looks(place, "a1", _at(DAY, 10), 2)
    _looks(place, "c1", _at(DAY, 10), 3)
    with transaction.atomic(), acting("writer"):
        RoleAssignment.objects.filter(role="audit_admin").update(org=place.org("a"))
    with act_as(place.user("audit_admin", "province")) as actor:
        assert len(queries.entries(actor).rows) == 2
        assert [u.org_name for u in figures.by_unit(actor, 2026)] == ["青禾县第一小学"]


@pytest.mark.capability("C-SEC-04")
def test_a_name_gives_a_key_and_nothing_else_and_is_entered(place: Place, client: Client) -> None:
    from tests.children import enrol

    person = enrol(place, "a1", name="欧阳小雨")
    login(client, place.user("audit_admin", "province"))
    answer = client.post("/audit/person/", {"text": "欧阳小雨"})
    assert answer.status_code == 422, "a purpose is needed"
    answer = client.post("/audit/person/", {"text": "欧阳小雨", "purpose": "answer"})
    assert answer["Location"] == f"/audit/?person={person}"
    answer = client.post("/audit/person/", {"text": "欧阳", "purpose": "answer"})
    assert "没有这个姓名或号码" in answer.content.decode(), "no part of a name"
    with seeing_all(), acting("audit"):
        found = AuditEntry.objects.filter(action="audit.find").order_by("id").first()
    assert found is not None
    assert found.purpose == "答复家长或学生的查询"
    assert "欧阳" not in str(found.after)
    with act_as(place.user("county_head", "a")), transaction.atomic():
        from django.db import connection

        with connection.cursor() as c:
            c.execute("select * from xueji_audit_find('欧阳小雨', '{}', '{}', '{}', '{}')")
            assert c.fetchall() == [], "the function answers nobody else"


def test_the_sheet_starts_no_formula_and_is_entered(place: Place, client: Client) -> None:
    with transaction.atomic():
        record(Who(1, "=1+1", "registrar", place.org("a1").pk), "accounts.unlock", purpose="@SUM(A1)")
    login(client, place.user("audit_admin", "province"))
    answer = client.get("/audit/export.xlsx")
    assert answer["Content-Disposition"].startswith("attachment")
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
    cells = [c for row in sheet.iter_rows() for c in row if c.value]
    assert all(c.data_type != "f" for c in cells)
    with seeing_all(), acting("audit"):
        assert AuditEntry.objects.filter(action="audit.export").count() == 1


def test_figures_count_deeds_by_unit_and_month(place: Place, client: Client) -> None:
    _looks(place, "a1", _at(DAY, 10), 4)
    _looks(place, "a1", _at(date(2026, 3, 2), 10), 1, "student.export")
    found = [u for u in figures.monthly("/", 2026) if u.org_id == place.org("a1").pk]
    assert [(u.month, u.counts) for u in found] == [
        (date(2026, 3, 1), {"export": 1}),
        (date(2026, 11, 1), {"look": 4}),
    ]
    login(client, place.user("audit_admin", "province"))
    assert "青禾县第一小学" in client.get("/audit/figures/?year=2026").content.decode()
