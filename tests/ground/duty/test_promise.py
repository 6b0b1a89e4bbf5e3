"""The promise and the lesson before anybody sees pupils."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import SINCE, Place, act_as, login, make_county, seeing_all

from xueji.ground.accounts.models import RoleAssignment, User
from xueji.ground.accounts.roles import Role
from xueji.ground.duty import commands, queries, verification, words
from xueji.ground.duty.errors import DutyError
from xueji.ground.duty.models import Training, Undertaking

pytestmark = pytest.mark.django_db
RIGHT = {q.key: str(q.right) for q in words.QUESTIONS}


@pytest.fixture
def place() -> Place:
    return make_county()


@pytest.fixture
def fresh(place: Place) -> User:
    """A second registrar of a1 who has promised nothing yet."""
    with seeing_all():
        user = User.objects.create(username="fresh", display_name="新来的", home_org=place.org("a1"))
        RoleAssignment.objects.create(user=user, role=Role.REGISTRAR, org=place.org("a1"), valid_from=SINCE)
    return user


@pytest.mark.capability("C-ROL-09")
def test_a_newcomer_signs_and_learns_and_then_the_pages_open(client: Client, fresh: User) -> None:
    """A new registrar signs in; every page sends him to the promise; he reads, types his name, answers five
    questions wrongly once and then rightly; he ends on his home page and with a paper to print.
    """
    login(client, fresh, bound=False)
    for url in ("/", "/students/", "/accounts/", f"/students/{uuid.uuid4()}/"):
        answer = client.get(url)
        assert answer.status_code == 302 and answer["Location"].startswith("/me/duty/"), url
    page = client.get("/me/duty/")
    assert "请先读并签署保密承诺书" in page.content.decode()
    assert client.post("/me/duty/", {"name": "别人", "read": "on"}).status_code == 422
    assert client.post("/me/duty/", {"name": "新来的"}).status_code == 422
    done = client.post("/me/duty/", {"name": "新来的", "read": "on"})
    assert done["Location"] == "/me/duty/lesson/"
    assert client.get("/")["Location"].startswith("/me/duty/")
    wrong = client.post("/me/duty/lesson/", RIGHT | {"q3": "1"})
    assert wrong.status_code == 422 and "第 3 题" in wrong.content.decode()
    assert client.post("/me/duty/lesson/", RIGHT)["Location"] == "/"
    assert client.get("/").status_code == 200
    paper = client.get("/me/duty/undertaking.pdf")
    assert paper.content.startswith(b"%PDF") and "attachment" in paper["Content-Disposition"]


@pytest.mark.capability("C-ROL-09")
@pytest.mark.parametrize("old", ["signed_on", "done_on"])
def test_after_a_year_both_are_due_again(client: Client, fresh: User, old: str) -> None:
    day = timezone.localdate()
    late = day - timedelta(days=366)
    with seeing_all():
        Undertaking.objects.create(
            user_id=fresh.pk, name="新来的", signed_on=late if old == "signed_on" else day
        )
        Training.objects.create(
            user_id=fresh.pk, topic="x", done_on=late if old == "done_on" else day, hours=1, trainer="x",
            written_by=1,
        )  # fmt: skip
    login(client, fresh, bound=True)
    assert client.get("/students/")["Location"].startswith("/me/duty/")


@pytest.mark.capability("C-ROL-09")
def test_new_words_of_the_unit_are_signed_anew(client: Client, place: Place) -> None:
    login(client, place.user("registrar", "a1"))
    assert client.get("/students/").status_code == 200
    with act_as(place.user("security_admin", "province")) as admin:
        with pytest.raises(DutyError):
            commands.write_text(admin, "太短")
        commands.write_text(admin, "本人承诺不泄露任何学生信息。\n" * 5)
    assert client.get("/students/")["Location"].startswith("/me/duty/")
    page = client.get("/me/duty/").content.decode()
    assert "第 1 版" in page
    # Words that are no longer in force are not signed.
    assert client.post("/me/duty/", {"name": "学籍管理员a1", "read": "on"}).status_code == 422
    text = queries.text_of(place.user("registrar", "a1").pk).text_id
    assert client.post("/me/duty/", {"name": "学籍管理员a1", "read": "on", "text": text}).status_code == 302
    assert client.get("/students/").status_code == 200


def test_who_must_is_a_rule_of_the_installation(client: Client, fresh: User, place: Place) -> None:
    with act_as(place.user("security_admin", "province")) as admin:
        commands.set_rule(admin, ["county_clerk", "parent"], 6)
        assert queries.rule().roles == ["county_clerk"], "families are never asked"
    login(client, fresh, bound=False)
    assert client.get("/").status_code == 200


@pytest.mark.capability("C-ROL-09")
def test_without_the_promise_nothing_is_revealed_even_past_the_door(fresh: User) -> None:
    from django.core.exceptions import PermissionDenied

    from xueji.registry.people import commands as people

    with act_as(fresh) as actor, pytest.raises(PermissionDenied, match="保密承诺书"):
        people.reveal(actor, uuid.uuid4(), "identity", "核对证件")


@pytest.mark.capability("C-ROL-09")
def test_the_register_names_who_is_missing_and_trainings_are_written_down(
    client: Client, place: Place, fresh: User
) -> None:
    login(client, place.user("registrar", "a1"))
    page = client.get("/duty/?state=missing").content.decode()
    assert "新来的" in page and "班主任a1" not in page
    given = {
        "topic": "学生信息保密", "done_on": timezone.localdate().isoformat(), "hours": "2", "trainer": "县局",
        "user": [str(fresh.pk)],
    }  # fmt: skip
    assert client.post("/duty/", given).status_code == 302
    with seeing_all():
        assert Training.objects.get(user_id=fresh.pk).topic == "学生信息保密"
    # Not his own, and nobody of another school.
    me = place.user("registrar", "a1").pk
    assert client.post("/duty/", given | {"user": [str(me)]}).status_code == 422
    other = place.user("registrar", "b1").pk
    assert client.post("/duty/", given | {"user": [str(other)]}).status_code == 404
    assert client.get(f"/me/duty/undertaking.pdf?user={other}").status_code == 404


def test_an_authority_sees_the_register_of_all_below(place: Place, fresh: User) -> None:
    with act_as(place.user("county_clerk", "a")) as clerk:
        names = {p.name for p in queries.register(clerk, state="missing")[0]}
        assert names == {"新来的"}
        assert queries.register_counts(clerk)["missing"] == 1
    with act_as(place.user("county_clerk", "b")) as clerk:
        assert queries.register_counts(clerk)["missing"] == 0


@pytest.mark.capability("C-ROL-10")
def test_a_verification_keeps_who_looked_at_which_paper_and_no_number(place: Place) -> None:
    """The registrar looks at a mother's identity card before a copy goes out; the record says which paper, when, who
    checked; the number is kept masked, and another school sees nothing of it.
    """
    child = uuid.uuid4()
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(verification.VerificationError):
            verification.keep(
                actor, about="request:1", subject="guardian", name="林", paper="card", number="1" * 18
            )
        with pytest.raises(verification.VerificationError):
            verification.keep(
                actor, about="request:1", subject="guardian", name="林", paper="id_card", number="1"
            )
        form = verification.VerificationForm(
            {"subject": "guardian", "name": "林秀兰", "paper": "id_card", "number": "110101198505050022"}
        )
        assert form.is_valid()
        form.kept(actor, child, "request:1")
        (row,) = verification.of("request:1")
        assert (row.paper, row.name, row.number) == ("居民身份证", "林秀兰", "11**************22")
        assert row.checked_name == actor.user_name
    with act_as(place.user("registrar", "b1")):
        assert verification.of("request:1") == []
