"""A forgotten password of a parent or pupil: a new code of the school, or the registrar who has seen a paper.

Journey: a pupil has forgotten the password; the class teacher prints a new code; with it, the name and the last four
characters the pupil sets a new password on the phone and signs in.
"""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.http import Http404
from django.test import Client
from tests.helpers import act_as, give_role, login
from tests.registry.family.test_family import ADDRESS, PASSWORD, World

from xueji.ground.accounts.models import PortalLink, User, UserSession
from xueji.ground.db.scope import acting
from xueji.ground.duty.verification import VerificationForm
from xueji.registry.family import recovery
from xueji.registry.family.errors import FamilyError

pytestmark = pytest.mark.django_db
NEW = "Geng-xin-2027!"
SHOWN = {"subject": "self", "name": "欧阳锋", "paper": "id_card", "number": "990101198001011234", "note": ""}


@pytest.fixture
def world() -> World:
    return World()


def try_it(world: World, code: str, **other: str) -> str:
    given = {
        "code": code, "name": "欧阳娜娜", "last4": world.number[-4:], "username": "ouyang.feng",
        "password": NEW, "address": ADDRESS,
    }  # fmt: skip
    return recovery.recover(**(given | other))


def user() -> User:
    with transaction.atomic(), acting("writer"):
        return User.objects.get(username="ouyang.feng")


def holds(password: str) -> bool:
    with transaction.atomic(), acting("writer"):
        return check_password(password, User.objects.get(username="ouyang.feng").password)


@pytest.mark.capability("C-ROL-06", page="/join/recover/")
def test_a_new_code_gives_the_forgotten_account_a_new_password(world: World, client: Client) -> None:
    world.join(world.slips()[0].code)
    login(client, user())
    code = world.slips()[0].code
    answer = Client().post(
        "/join/recover/",
        {
            "code": code, "name": "欧阳娜娜", "last4": world.number[-4:], "username": "ouyang.feng",
            "password": NEW, "again": NEW,
        },
    )  # fmt: skip
    assert answer.status_code == 302
    assert holds(NEW)
    with transaction.atomic(), acting("writer"):
        assert not UserSession.objects.filter(user_id=user().pk).exists()
    with pytest.raises(FamilyError):
        try_it(world, code, password=PASSWORD)
    assert holds(NEW)


def test_the_code_of_another_guardian_opens_no_account_of_somebody_else(world: World) -> None:
    world.join(world.slips()[0].code)
    mothers = world.slips()[1].code
    for n in range(5):
        with pytest.raises(FamilyError, match="对不上"):
            try_it(world, mothers, address=f"198.51.100.{n}")
    assert holds(PASSWORD)


def test_an_account_that_works_for_a_school_is_not_reset_as_a_parents(world: World) -> None:
    world.join(world.slips()[0].code)
    give_role(user(), "class_teacher", world.place.org("a1"), world.klass)
    with pytest.raises(FamilyError, match="对不上"):
        try_it(world, world.slips()[0].code)
    assert holds(PASSWORD)


@pytest.mark.capability("C-ROL-06", page="/students/")
def test_the_registrar_resets_after_a_paper_was_shown(world: World, client: Client) -> None:
    world.join(world.slips()[0].code)
    with transaction.atomic(), acting("writer"):
        link = PortalLink.objects.get(person_id=world.person)
    login(client, world.place.user("registrar", "a1"))
    url = f"/students/{world.person}/access/{link.pk}/reset/"
    assert client.post(url, {}).status_code == 422
    page = client.post(url, SHOWN).content.decode()
    secret = page.split("<code>")[1].split("</code>")[0]
    assert holds(secret)
    assert user().must_change_password
    form = VerificationForm(SHOWN)
    assert form.is_valid()
    with pytest.raises(Http404), act_as(world.place.user("registrar", "a2")) as actor:
        recovery.reset(actor, person_id=world.person, link_id=link.pk, form=form)
