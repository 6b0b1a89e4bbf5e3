"""The head's authorisation before the registrar edits."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.duty import commands, queries
from xueji.ground.duty.errors import DutyError
from xueji.ground.duty.models import Authorisation, RecordEdit
from xueji.registry.people import commands as people

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    made = make_county()
    with seeing_all():  # nothing is authorised yet
        Authorisation.objects.update(until=timezone.localdate() - timedelta(days=1))
    return made


@pytest.fixture
def child(place: Place) -> uuid.UUID:
    return enrol(place, "a1", name="季无双")


def asked(place: Place, **more: object) -> int:
    day = timezone.localdate()
    given = {"kinds": ["contact"], "reason": "家长换了电话", "since": day, "until": day} | more
    with act_as(place.user("registrar", "a1")) as actor:
        return commands.ask(actor, **given).pk  # type: ignore[arg-type]


def decide(place: Place, pk: int, *, granted: bool = True, word: str = "") -> None:
    with act_as(place.user("school_head", "a1")) as head:
        commands.decide(head, pk, granted=granted, word=word)


def edit(place: Place, child: uuid.UUID, **values: str) -> None:
    with act_as(place.user("registrar", "a1")) as actor:
        people.set_profile(actor, child, values or {"postcode": "611730"})


@pytest.mark.capability("C-ROL-04")
def test_a_registrar_asks_the_head_grants_and_the_edit_is_written_under_it(
    client: Client, place: Place, child: uuid.UUID
) -> None:
    """The registrar opens a pupil: editing is locked and says whom to ask; she asks from there; the head finds it on
    his home page and grants; she edits; audit and history name the authorisation, and the head sees what was done.
    """
    registrar, head = place.user("registrar", "a1"), place.user("school_head", "a1")
    login(client, registrar)
    page = client.get(f"/students/{child}/").content.decode()
    assert "先申请授权" in page and f"/students/{child}/edit/" not in page
    locked = client.get(f"/students/{child}/edit/?part=contact").content.decode()
    assert "现在不能修改" in locked and head.display_name in locked and "<textarea" not in locked
    # The form posted all the same changes nothing.
    assert client.post(f"/students/{child}/edit/?part=contact", {"postcode": "611730"}).status_code == 403
    day = timezone.localdate()
    assert client.get(f"/authorisations/?person={child}&kind=contact").status_code == 200
    sent = client.post(
        f"/authorisations/?person={child}",
        {"kinds": ["contact"], "since": day, "until": day + timedelta(days=3), "reason": "家长换了电话"},
    )
    assert sent.status_code == 302
    with seeing_all():
        pk = Authorisation.objects.latest("pk").pk
    assert client.post(f"/authorisations/{pk}/grant/").status_code == 403, "nobody grants himself"

    other = login(Client(), head)
    assert "申请修改学籍信息</strong><small>1 件" in other.get("/").content.decode()
    assert "季无双" in other.get(f"/authorisations/{pk}/").content.decode()
    assert other.post(f"/authorisations/{pk}/grant/").status_code == 303

    page = client.get(f"/students/{child}/").content.decode()
    assert f"/students/{child}/edit/" in page
    form = client.get(f"/students/{child}/edit/?part=contact").content.decode()
    assert 'name="postcode"' in form
    saved = client.post(
        f"/students/{child}/edit/?part=contact", {"postcode": "611730", "phone": "13900001111"}
    )
    assert saved.status_code == 302
    with seeing_all():
        kept = RecordEdit.objects.get(person_id=child)
        assert (kept.authorisation_id, kept.fields) == (pk, ["phone", "postcode"])
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.filter(action="people.profile.set", person_id=child).latest("pk")
        assert entry.after["authorisations"] == [pk]
    assert "季无双" in other.get(f"/authorisations/{pk}/").content.decode()
    assert f"SQ-{pk}" in client.get(f"/students/{child}/edit/?part=contact").content.decode()


@pytest.mark.capability("C-ROL-04")
def test_an_authorisation_covers_its_kinds_its_class_its_pupils_and_its_days(
    place: Place, child: uuid.UUID
) -> None:
    cousin = enrol(place, "a1", name="季有双", number=2)
    decide(place, asked(place, class_id=place.klass("a1", number=1).pk))
    edit(place, child)
    with pytest.raises(PermissionDenied):
        edit(place, cousin)
    with pytest.raises(PermissionDenied):
        edit(place, child, only_child="1")  # of another kind
    decide(place, asked(place, persons=[cousin], kinds=["contact", "extended"]))
    edit(place, cousin, postcode="100000", only_child="1")
    with seeing_all():
        Authorisation.objects.update(since=timezone.localdate() + timedelta(days=1), until="2099-01-01")
    with pytest.raises(PermissionDenied):
        edit(place, child)


@pytest.mark.capability("C-ROL-04")
def test_refused_ended_or_not_answered_opens_nothing(place: Place, child: uuid.UUID) -> None:
    pk = asked(place)
    with pytest.raises(PermissionDenied):
        edit(place, child)
    with pytest.raises(DutyError):
        decide(place, pk, granted=False)  # without a word
    decide(place, pk, granted=False, word="先核对户口簿")
    with pytest.raises(DutyError):
        decide(place, pk)
    with pytest.raises(PermissionDenied):
        edit(place, child)
    decide(place, pk := asked(place))
    edit(place, child)
    with act_as(place.user("school_head", "a1")) as head:
        commands.end(head, pk)
    with pytest.raises(PermissionDenied):
        edit(place, child, postcode="100001")


def test_the_term_is_the_longest_and_routine_is_one_click(
    client: Client, place: Place, child: uuid.UUID
) -> None:
    day = timezone.localdate()
    with pytest.raises(DutyError, match="学期末"):
        asked(place, until=queries.term_end(day) + timedelta(days=1))
    login(client, place.user("school_head", "a1"))
    assert "授权本学期日常维护" in client.get("/authorisations/").content.decode()
    assert client.post("/authorisations/routine/").status_code == 303
    assert "授权本学期日常维护" not in client.get("/authorisations/").content.decode()
    edit(place, child)
    with pytest.raises(PermissionDenied):
        edit(place, child, native_place="青禾")  # basic facts are no routine


def test_who_asked_never_decides_even_in_the_database(place: Place) -> None:
    pk = asked(place)
    with pytest.raises(IntegrityError), transaction.atomic(), seeing_all():
        row = Authorisation.objects.get(pk=pk)
        Authorisation.objects.filter(pk=pk).update(state="granted", decided_by=row.asked_by)
    with pytest.raises(IntegrityError), transaction.atomic(), seeing_all():
        Authorisation.objects.filter(pk=pk).update(state="granted")


def test_another_schools_head_finds_nothing(client: Client, place: Place) -> None:
    pk = asked(place)
    login(client, place.user("school_head", "b1"))
    assert client.get(f"/authorisations/{pk}/").status_code == 404
    assert client.post(f"/authorisations/{pk}/grant/").status_code == 404


def test_a_family_member_is_edited_and_what_is_left_blank_stays(
    client: Client, place: Place, child: uuid.UUID
) -> None:
    decide(place, asked(place, kinds=["family"]))
    login(client, place.user("registrar", "a1"))
    given = {"name": "林秀兰", "relation": "2", "is_guardian": "on", "phone": "13900001234"}
    assert client.post(f"/students/{child}/edit/family/0/", given).status_code == 302
    assert (
        client.post(f"/students/{child}/edit/family/1/", given | {"name": "林秀蘭", "phone": ""}).status_code
        == 302
    )
    with act_as(place.user("registrar", "a1")) as actor:
        assert people.reveal(actor, child, "guardian:1", "联系监护人") == "13900001234"


@pytest.mark.capability("C-ROL-03")
def test_the_record_says_who_answers_for_it(client: Client, place: Place, child: uuid.UUID) -> None:
    login(client, place.user("registrar", "a1"))
    page = client.get(f"/students/{child}/").content.decode()
    for role in ("class_teacher", "registrar", "school_head"):
        assert place.user(role, "a1").display_name in page
