"""到期销毁: found, held, approved by a second person, carried out; nothing of the record ever goes."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone
from tests.children import enrol
from tests.helpers import Place, act_as, give_role, login, make_county, seeing_all

from xueji.ground.accounts.models import LoginFailure
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.office.privacy import models as m
from xueji.office.privacy import retention, terms
from xueji.office.privacy.commands import disposal, holds
from xueji.office.privacy.errors import PrivacyError
from xueji.registry.family import commands as family
from xueji.registry.family.models import FamilyRequest, Invitation

OLD = timezone.now() - timedelta(days=365 * 5)


def _requests(place: Place, person: uuid.UUID, n: int, when: Any = OLD) -> None:
    with seeing_all():
        for _i in range(n):
            row = FamilyRequest.objects.create(
                person_id=person, name="甲", school_id=place.org("a1").pk, kind="correct", field="phone", words="改电话",
                state="done", asked_by=1, replied_at=when,
            )  # fmt: skip
            FamilyRequest.objects.filter(pk=row.pk).update(asked_at=when)


def _run(
    place: Place, kind: str, by: str = "registrar", ok: str = "school_head", where: str = "a1"
) -> m.Disposal:
    with act_as(place.user(by, where)) as actor:
        row = disposal.propose(actor, kind=kind)
    with act_as(place.user(ok, where)) as actor:
        disposal.decide(actor, row.pk, approved=True, opinion="同意")
    with transaction.atomic():
        disposal.work(50)
    with seeing_all():
        row.refresh_from_db()
    return row


@pytest.mark.django_db
@pytest.mark.capability("C-SEC-05")
@pytest.mark.capability("C-ARC-08")
@pytest.mark.capability("C-ARC-09")
def test_a_disposal_from_due_list_to_certificate(place: Place, client: Any) -> None:
    """Who: registrar and head of a school. See what is due; end with a certificate that names both and the digest."""
    child = enrol(place)
    _requests(place, child, 3)
    _requests(place, child, 2, timezone.now())
    login(client, place.user("registrar", "a1"))
    page = client.get("/privacy/office/retention/").content.decode()
    assert "家庭申请和答复" in page and "提出销毁" in page
    client.post("/privacy/office/retention/propose/", {"kind": "family_request"})
    with seeing_all():
        row = m.Disposal.objects.get()
    assert row.found == 3
    url = f"/privacy/office/disposals/{row.pk}/"
    assert client.post(url + "decide/", {"decision": "approve"}).status_code == 403
    with transaction.atomic():
        assert disposal.work() == 0, "nothing goes before it is approved"
    login(client, place.user("school_head", "a1"))
    assert client.get(url + "certificate.pdf").status_code == 409
    client.post(url + "decide/", {"decision": "approve", "opinion": "同意"})
    with transaction.atomic():
        assert disposal.work() == 3
        disposal.work()
    with seeing_all():
        row.refresh_from_db()
        assert FamilyRequest.objects.count() == 2
    assert row.state == "done" and row.done == 3 and row.number and len(bytes(row.digest)) == 32
    paper = client.get(url + "certificate.pdf")
    assert paper.content.startswith(b"%PDF") and row.number in client.get(url).content.decode()


@pytest.mark.django_db
def test_who_proposes_does_not_approve(place: Place) -> None:
    _requests(place, enrol(place), 1)
    with act_as(place.user("school_head", "a1")) as actor:
        row = disposal.propose(actor, kind="family_request")
        with pytest.raises(PrivacyError, match="提出人"):
            disposal.decide(actor, row.pk, approved=True, opinion="")
        with pytest.raises(PrivacyError, match="已有一件"):
            disposal.propose(actor, kind="family_request")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        disposal.decide(actor, row.pk, approved=True, opinion="")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["record", "audit", "proof", "account", "person", ""])
def test_the_record_has_no_disposal(place: Place, kind: str) -> None:
    assert kind not in retention.FINDERS
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(PrivacyError):
        disposal.propose(actor, kind=kind)


def test_every_disposable_class_has_its_statement() -> None:
    assert {k.code for k in terms.classes().values() if k.disposable} == set(retention.FINDERS)


@pytest.mark.django_db
def test_holds_and_open_incidents_stop_a_disposal_also_after_the_approval(place: Place) -> None:
    child = enrol(place)
    _requests(place, child, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        row = disposal.propose(actor, kind="family_request")
    with act_as(place.user("school_head", "a1")) as actor:
        disposal.decide(actor, row.pk, approved=True, opinion="同意")
    with act_as(place.user("county_head", "a")) as actor:
        # A hold of the unit above in the tree stops what lies below it.
        held = holds.hold(actor, kind="", reason="上级专项审计")
    with transaction.atomic():
        assert disposal.work() == 0
    with seeing_all():
        row.refresh_from_db()
        assert FamilyRequest.objects.count() == 2 and row.done == 0
    with act_as(place.user("county_clerk", "a")) as actor:
        holds.ask_lift(actor, held.pk, reason="审计已经结束")
    with transaction.atomic():
        assert disposal.work() == 0, "it stands until a second person agrees"
    with act_as(place.user("county_head", "a")) as actor:
        holds.decide_lift(actor, held.pk, agreed=True)
    assert _run(place, "family_request").done == 2


@pytest.mark.django_db
def test_what_belongs_to_the_installation_is_the_uppermost_units(place: Place) -> None:
    with seeing_all():
        row = LoginFailure.objects.create(address="127.0.0.1", username="x")
        LoginFailure.objects.filter(pk=row.pk).update(at=OLD)
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(PrivacyError):
        disposal.propose(actor, kind="login_failure")
    done = _run(place, "login_failure", "province_clerk", "province_head", "province")
    assert done.done == 1
    with seeing_all():
        assert not LoginFailure.objects.exists()


@pytest.mark.django_db
def test_every_class_can_be_looked_up_and_a_foreign_school_is_left_alone(place: Place) -> None:
    _requests(place, enrol(place), 1)
    with act_as(place.user("province_head", "province")) as actor:
        rows = retention.due(
            retention.kinds_for(actor), retention.units_of(actor), actor.org_path, timezone.localdate()
        )
    assert [(d.kind.code, d.ready) for d in rows] == [("family_request", 1)]
    with act_as(place.user("school_head", "b1")) as actor, pytest.raises(PrivacyError, match="没有到期"):
        disposal.propose(actor, kind="family_request")


@pytest.mark.django_db
def test_files_go_from_the_disk(place: Place) -> None:
    child = enrol(place)
    with act_as(place.user("registrar", "a1")) as actor:
        kept = files.store(
            actor, _picture(), name="a.jpg", purpose="photo", readers=[place.org("a1").pk], person_id=child
        )
    with seeing_all():
        StoredFile.objects.filter(pk=kept.pk).update(created_at=OLD)
    assert storage.path_of(kept.sha256).exists()
    row = _run(place, "photo_old")
    assert (row.done, row.files) == (1, 1)
    with seeing_all():
        assert not StoredFile.objects.filter(pk=kept.pk).exists()


def _picture() -> bytes:
    from tests.registry.changes.world import picture

    return picture(colour="teal")


_LEGAL = (
    "person", "person_name", "identity_document", "identity_lookup", "student_number", "number_lookup", "guardian",
    "person_profile", "enrolment_state", "enrolment_superseded", "event", "roster", "cube_delta", "certificate",
)  # fmt: skip


@pytest.mark.capability("C-SEC-05")
def test_after_every_disposal_the_record_is_whole_and_verifies(
    own_database: str, as_owner: psycopg.Connection
) -> None:
    """Everything that can be disposed of is, five years on: no child, number, enrolment or event is gone."""
    from xueji.ground.audit import verify as audit
    from xueji.registry.enrolment import verify as record
    from xueji.registry.people import verify as vault

    with transaction.atomic():
        place = make_county()
        children = [enrol(place, name=n) for n in ("张一", "张二", "张三")]
        with act_as(place.user("registrar", "a1")) as actor:
            family.issue(actor, place.klass().pk, children[:1], pupils=True)
        _requests(place, children[0], 700)
        with seeing_all(), connection.cursor() as c:
            Invitation.objects.update(issued_at=OLD, expires_on=OLD.date())
            c.execute("insert into login_failure (address, username, at) select '127.0.0.1', 'x', %s", [OLD])
            c.execute("update user_session set seen_at = %s", [OLD])
    before = {t: _count(as_owner, t) for t in _LEGAL}
    gone = 0
    for kind in retention.FINDERS:
        top = terms.classes()[kind].of_installation
        by, ok, where = (
            ("province_clerk", "province_head", "province") if top else ("registrar", "school_head", "a1")
        )
        try:
            with transaction.atomic():
                gone += _run(place, kind, by, ok, where).done
        except PrivacyError:
            continue
    assert gone >= 702
    assert {t: _count(as_owner, t) for t in _LEGAL} == before
    assert _count(as_owner, "family_request") == _count(as_owner, "invitation") == 0
    from xueji.ground.audit.commands import flush  # views of pages that wait are taken in first

    with transaction.atomic():
        flush()
    for look in (record.record_problems, record.statistics_problems):
        assert list(look(as_owner)) == [], look
    with as_owner.transaction():
        assert list(audit.breaks(as_owner.cursor())) == []
    with as_owner.transaction():
        assert list(vault.problems(as_owner, deep=True)) == []
    connection.close()


def _count(c: psycopg.Connection, table: str) -> int:
    row = c.execute(f'select count(*) from "{table}"').fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def place() -> Place:
    return make_county()


def test_bytes_are_written_over_before_they_are_dropped(tmp_path: Any, settings: Any) -> None:
    settings.FILES_DIR = tmp_path
    digest = storage.write(b"a paper of a child" * 1000)
    path = storage.path_of(digest)
    other = tmp_path / "held"
    other.hardlink_to(path)
    storage.remove(digest)
    assert not path.exists()
    assert set(other.read_bytes()) == {0}


@pytest.mark.django_db
@pytest.mark.capability("C-SEC-05")
def test_what_is_kept_about_one_child_is_held_by_two_and_let_go_by_two(place: Place, client: Any) -> None:
    """Who: registrar and head of a school. A family sues: the registrar looks for the child and stops the disposal at once;
    the head confirms. They end with the others' papers gone, the child's kept, and a release that two have signed."""
    child, other = enrol(place, name="欧阳娜娜"), enrol(place, name="别家子")
    _requests(place, child, 2)
    _requests(place, other, 1)
    login(client, place.user("registrar", "a1"))
    assert "暂停一名学生" in client.get("/privacy/office/retention/").content.decode()
    page = client.get("/privacy/office/holds/child/?q=欧阳娜娜").content.decode()
    assert str(child) in page and "别家子" not in page
    short = client.post("/privacy/office/holds/", {"person": str(child), "reason": "诉讼"}, follow=True)
    assert "请写明理由" in short.content.decode()
    client.post("/privacy/office/holds/", {"person": str(child), "reason": "法院受理通知书(2026)民初1号"})
    with seeing_all():
        row = m.Hold.objects.get()
    assert _run(place, "family_request").done == 1
    with seeing_all():
        assert set(FamilyRequest.objects.values_list("person_id", flat=True)) == {child}
    where = f"/privacy/office/holds/{row.pk}/"
    assert client.post(where + "confirm/", {"decision": "agree"}).status_code == 403
    login(client, place.user("school_head", "a1"))
    assert "欧阳娜娜" in client.get("/privacy/office/retention/").content.decode()
    client.post(where + "confirm/", {"decision": "agree"})
    page = client.post(where + "ask/", {"reason": "案件已经审结"}, follow=True).content.decode()
    assert "待同意解除" in page
    page = client.post(where + "lift/", {"decision": "agree"}, follow=True).content.decode()
    assert "要由两个人办理" in page, "who asked does not agree"
    second = place.user("registrar", "a2")
    with act_as(second, give_role(second, "school_head", place.org("a1"))) as actor:
        with pytest.raises(PrivacyError, match="理由"):
            holds.decide_lift(actor, row.pk, agreed=False)
        assert holds.decide_lift(actor, row.pk, agreed=True, words="同意").ended_at is not None
    assert _run(place, "family_request").done == 2


@pytest.mark.django_db
@pytest.mark.capability("C-SEC-05")
def test_nobody_holds_a_child_of_another_school_or_decides_alone(place: Place) -> None:
    child, far = enrol(place), enrol(place, "c1", name="远方生")
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(Http404):
            holds.hold(actor, kind="", reason="诉讼期间不得销毁", person_id=far)
        row = holds.hold(actor, kind="", reason="诉讼期间不得销毁", person_id=child)
        with pytest.raises(PrivacyError, match="已经暂停"):
            holds.hold(actor, kind="", reason="诉讼期间不得销毁", person_id=child)
        with pytest.raises(PermissionDenied):
            holds.decide(actor, row.pk, agreed=True)
    with act_as(place.user("school_head", "b1")) as actor, pytest.raises(Http404):
        holds.decide(actor, row.pk, agreed=True)
    with act_as(place.user("school_head", "a1")) as actor:
        own = holds.hold(actor, kind="draft", reason="上级要求的文号")
        with pytest.raises(PrivacyError, match="两个人"):
            holds.decide(actor, own.pk, agreed=True)
        refused = holds.decide(actor, row.pk, agreed=False, words="没有诉讼, 不需要暂停")
        assert refused.ended_at is not None and refused.ended_words
        with pytest.raises(Http404):
            holds.ask_lift(actor, row.pk, reason="已经结束的也来一次")
    with transaction.atomic(), acting("writer"), pytest.raises(IntegrityError), transaction.atomic():
        m.Hold.objects.filter(pk=own.pk).update(confirmed_by=own.set_by)
    with transaction.atomic(), acting("writer"), pytest.raises(IntegrityError), transaction.atomic():
        m.Hold.objects.filter(pk=own.pk).update(lift_by=7, ended_by=7, ended_at=timezone.now())


@pytest.mark.django_db
@pytest.mark.capability("C-SEC-05")
def test_a_place_keeps_a_class_for_longer_by_a_dated_cited_line(place: Place, client: Any) -> None:
    """Who: registrars of two counties. Where the county's notice keeps invitations for two years instead of one they are not
    due after eighteen months and nothing goes; next door they go; the page names the notice."""
    ended = timezone.now() - timedelta(days=540)
    for school in ("a1", "c1"):
        child = enrol(place, school)
        with act_as(place.user("registrar", school)) as actor:
            family.issue(actor, place.klass(school, "P", 2026, 1).pk, [child], pupils=True)
    with seeing_all():
        Invitation.objects.update(used_at=ended, ended_at=ended)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PrivacyError, match="没有到期"):
        disposal.propose(actor, kind="invitation")
    assert _run(place, "invitation", where="c1").done == 1
    with seeing_all():
        assert Invitation.objects.count() == 1
        Invitation.objects.update(used_at=OLD, ended_at=OLD)
    login(client, place.user("registrar", "a1"))
    page = client.get("/privacy/office/retention/").content.decode()
    assert "本地延长为 2年" in page and "演示县关于规范班额和转学办理时间的通知" in page
    due = page[page.index("到期清单") : page.index("销毁办理")]
    assert "用过或到期后 12 个月, 本地延长为 2年" in due, "what is due says by which period"
    # What a province approved goes unit by unit: approved before the line, it still stops where the line holds.
    with act_as(place.user("province_clerk", "province")) as actor:
        row = disposal.propose(actor, kind="invitation")
    with seeing_all():
        Invitation.objects.update(used_at=ended, ended_at=ended)
    with act_as(place.user("province_head", "province")) as actor:
        disposal.decide(actor, row.pk, approved=True, opinion="同意")
    with transaction.atomic():
        disposal.work(50)
    with seeing_all():
        assert Invitation.objects.count() == 1
