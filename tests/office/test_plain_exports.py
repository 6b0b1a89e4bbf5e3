"""Files with plain numbers of many children: asked, allowed by another, made by whoever asked, and noted.

The registrar's journey: a city asks for a list with identity numbers for an examination; the registrar applies from
the list of students with reason and last day; the head reads what is asked and allows it; the registrar makes the
file and has it, with the own name on every page; everybody who asks later finds who had which children's numbers.
"""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.test import Client
from django.utils import timezone
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.office.exports import commands, queries
from xueji.office.exports.errors import ExportRefused
from xueji.office.exports.models import ExportRequest
from xueji.registry.people.commands import NewGuardian

pytestmark = pytest.mark.django_db
PHONE, ADDRESS = "13700000042", "云梦路42号院4栋"


@pytest.fixture
def place() -> Place:
    return make_county()


def child(place: Place, school: str = "a1", **more: Any) -> str:
    from datetime import date

    born = date(2019, 5, 11)
    number = id_number(born, "1", division=place.org(school).division)
    enrol(place, school, birth=born, identity=number,
          guardians=[NewGuardian("霍守常", "51", sealed={"phone": PHONE, "address": ADDRESS})], **more)  # fmt: skip
    return number


def ask(place: Place, *who: str, **more: Any) -> ExportRequest:
    given: dict[str, Any] = {
        "fields": ["identity", "phone"], "conditions": {}, "reason": "办理中考报名", "receiver": "教务处",
        "until": timezone.localdate() + timedelta(days=3),
    }  # fmt: skip
    with act_as(place.user(*(who or ("registrar", "a1")))) as actor:
        return commands.ask(actor, **(given | more))


def grant(place: Place, row: ExportRequest, *who: str, **more: Any) -> None:
    with act_as(place.user(*(who or ("school_head", "a1")))) as actor:
        commands.decide(actor, row.pk, **({"granted": True} | more))


def cells(data: bytes) -> list[str]:
    return [
        str(c.value)
        for r in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows()
        for c in r
        if c.value
    ]


@pytest.mark.capability("C-SEC-04", page="/exports/")
@pytest.mark.capability("C-EXP-05")
def test_plain_numbers_leave_after_the_heads_word_alone_and_are_noted_child_by_child(place: Place) -> None:
    number, far = child(place, name="苏晴川"), child(place, "b1", name="秦远山")
    registrar, head = (login(Client(), place.user(r, "a1")) for r in ("registrar", "school_head"))
    page = registrar.get("/students/").content.decode()
    assert "/exports/new/" in page
    masked = registrar.post("/students/export.xlsx", {"purpose": "核对名单"})
    assert number not in "".join(cells(masked.content))
    form = {"fields_wanted": ["identity", "address"], "reason": "办理中考报名", "receiver": "教务处",
            "until": (timezone.localdate() + timedelta(days=3)).isoformat(), "view": "present"}  # fmt: skip
    asked = registrar.post("/exports/new/", form, follow=True)
    url = asked.request["PATH_INFO"]
    assert "待批准" in asked.content.decode()
    assert registrar.post(f"{url}file.xlsx").status_code == 302, "nothing before the word"
    assert "申请导出含完整号码的名册" in head.get("/").content.decode()
    assert "办理中考报名" in head.get(url).content.decode()
    assert head.post(f"{url}file.xlsx").status_code == 403
    assert head.post(f"{url}decide/", {"decision": "grant"}, follow=True).status_code == 200
    answer = registrar.post(f"{url}file.xlsx")
    found = cells(answer.content)
    assert number in found
    assert ADDRESS in found
    assert PHONE not in found, "only what was asked for"
    assert far not in found
    assert any(place.user("registrar", "a1").display_name in c for c in found)
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.get(action="people.release")
        assert (entry.purpose, entry.row_count, entry.after["groups"]) == (
            "办理中考报名",
            1,
            ["identity", "address"],
        )
        assert number not in str(entry.after)
        actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"export.ask", "export.grant", "people.release"} <= actions


def test_two_people_are_needed_and_the_database_says_so_as_well(place: Place) -> None:
    row = ask(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.decide(actor, row.pk, granted=True)
    with pytest.raises(IntegrityError), seeing_all(), connection.cursor() as c:
        c.execute("update export_request set state = 'granted', decided_by = asked_by")


@pytest.mark.parametrize(
    "who", [("class_teacher", "a1"), ("school_head", "a1"), ("central_clerk", "central"), ("parent", "")]
)
def test_who_may_not_ask_does_not(place: Place, who: tuple[str, str]) -> None:
    with pytest.raises(PermissionDenied):
        ask(place, *who)


@pytest.mark.parametrize(
    "who", [("registrar", "a2"), ("school_head", "b1"), ("county_head", "a"), ("county_clerk", "c")]
)
def test_other_units_do_not_find_it(place: Place, who: tuple[str, str]) -> None:
    row = ask(place)
    with act_as(place.user(*who)) as actor:
        with pytest.raises(Http404):
            queries.get(actor, row.pk)
        assert queries.listed(actor) == []


def test_an_authority_asks_its_own_head_and_gets_what_it_sees(place: Place) -> None:
    here, far = child(place), child(place, "c1", name="顾长风")
    row = ask(place, "county_clerk", "a", fields=["identity"])
    grant(place, row, "county_head", "a")
    with act_as(place.user("county_clerk", "a")) as actor:
        found = cells(commands.make(actor, row.pk)[0])
    assert here in found
    assert far not in found


@pytest.mark.parametrize(
    "more",
    [
        {"fields": []}, {"fields": ["health"]}, {"reason": "x"}, {"receiver": ""},
        {"until": timezone.localdate() - timedelta(days=1)}, {"until": timezone.localdate() + timedelta(days=15)},
    ],
)  # fmt: skip
def test_what_says_too_little_or_lasts_too_long_is_sent_back(place: Place, more: dict[str, Any]) -> None:
    with pytest.raises(ExportRefused):
        ask(place, **more)


def test_it_ends_with_its_day_with_the_heads_word_and_after_five_files(place: Place) -> None:
    child(place)
    row = ask(place)
    grant(place, row)
    with act_as(place.user("registrar", "a1")) as actor:
        for _i in range(5):
            commands.make(actor, row.pk)
        with pytest.raises(ExportRefused, match="5次"):
            commands.make(actor, row.pk)
    again = ask(place)
    grant(place, again)
    with act_as(place.user("school_head", "a1")) as actor:
        commands.end(actor, again.pk)
    old = ask(place)
    grant(place, old)
    with seeing_all():
        ExportRequest.objects.filter(pk=old.pk).update(until=timezone.localdate() - timedelta(days=1))
    with act_as(place.user("registrar", "a1")) as actor:
        for key in (again.pk, old.pk):
            with pytest.raises(ExportRefused, match="到期"):
                commands.make(actor, key)


def test_a_refusal_needs_a_reason_and_opens_nothing(place: Place) -> None:
    row = ask(place)
    with pytest.raises(ExportRefused):
        grant(place, row, granted=False)
    grant(place, row, granted=False, word="范围太大, 请按年级申请")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(ExportRefused):
        commands.make(actor, row.pk)
    page = login(Client(), place.user("registrar", "a1")).get(f"/exports/{row.pk}/").content.decode()
    assert "范围太大" in page
    assert "导出 Excel" not in page


def test_nothing_that_is_not_there(place: Place) -> None:
    client = login(Client(), place.user("school_head", "a1"))
    assert client.post(f"/exports/{uuid.uuid4()}/decide/", {"decision": "grant"}).status_code == 404
