"""After a transfer: the child is in its class, and the paper file goes from school to school."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.business.journey import day, family, now_of, rules_of
from tests.registry.changes.world import EIGHT, make_child, pass_all, send, transfer_draft

from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case, CaseLog, CaseStatus

pytestmark = pytest.mark.django_db


def _moved(place: Place, name: str = "赵小满", **form: str) -> Case:
    draft = transfer_draft(place, make_child(place, name=name), name=name, **form)
    return pass_all(place, send(place, draft, ("registrar", "b1")), EIGHT)


def _page(place: Place, case: Case, school: str, role: str = "registrar") -> str:
    return login(Client(), place.user(role, school)).get(f"/cases/{case.pk}/").content.decode()


@pytest.mark.capability("C-TRF-10", page="/cases/<id>/")
def test_both_schools_confirm_the_paper_file_in_turn_and_a_receipt_says_so() -> None:
    """The former school hands over and says how; the card goes with it and its register is struck.
    The new school confirms; then the receipt can be printed. Nobody speaks for the other, nobody twice.
    """
    place = make_county()
    case = _moved(place)
    receipt = f"/cases/{case.pk}/forms/handover-receipt.pdf"
    old, new = (login(Client(), place.user("registrar", s)) for s in ("a1", "b1"))
    assert "确认已移交" in _page(place, case, "a1")
    assert "确认收到档案" not in _page(place, case, "b1")
    assert "确认已移交" not in _page(place, case, "a1", "school_head")
    with act_as(place.user("registrar", "b1")) as actor:
        with pytest.raises(CaseError, match="还没有确认移交"):
            cases.hand_over(actor, case_id=case.pk, deed="received")
        with pytest.raises(CaseError, match="对方学校"):
            cases.hand_over(actor, case_id=case.pk, deed="handed", how="密封带交本人")
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(PermissionDenied):
        cases.hand_over(actor, case_id=case.pk, deed="handed", how="密封带交本人")
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError, match="至少"):
        cases.hand_over(actor, case_id=case.pk, deed="handed", how="邮")
    old.post(f"/cases/{case.pk}/hand-over/", {"deed": "handed", "how": "密封后由监护人带交", "card": "1"})
    assert new.get(receipt).status_code == 404
    assert "学籍卡片随转, 原学籍号已注销登记" in _page(place, case, "b1")
    new.post(f"/cases/{case.pk}/hand-over/", {"deed": "received"})
    assert "已于" in _page(place, case, "a1")
    assert new.get(receipt).status_code == 200
    with seeing_all():
        deeds = CaseLog.objects.filter(case=case, action__startswith="file_").order_by("id")
        assert [(d.action, d.org_id) for d in deeds] == [
            ("file_handed", place.org("a1").pk),
            ("file_received", place.org("b1").pk),
        ]
        assert "注销" in deeds[0].text
    for deed, school in (("handed", "a1"), ("received", "b1")):
        with act_as(place.user("registrar", school)) as actor, pytest.raises(CaseError, match="已于"):
            cases.hand_over(actor, case_id=case.pk, deed=deed, how="再移交一次看看")
    assert family(place, case)[2].handover is None


@pytest.mark.capability("C-TRF-10")
def test_a_hand_over_that_is_late_is_shown_to_both_sides() -> None:
    place = make_county()
    case = _moved(place)
    assert "办完移交" in _page(place, case, "a1")
    assert "已超" not in _page(place, case, "a1")
    with seeing_all():
        Case.objects.filter(pk=case.pk).update(effective_on=timezone.localdate() - timedelta(days=70))
    for school, role in (("a1", "registrar"), ("b1", "registrar"), ("a", "county_clerk")):
        assert "已超" in _page(place, case, school, role)


@pytest.mark.capability("C-TRF-17", page="/cases/<id>/")
def test_the_card_goes_with_the_child_and_the_authority_strikes_the_number() -> None:
    """The former school's registrar says that the card went with the child. Its county finds the case, notes where the
    number stood in the register and strikes it; both schools read who did so and when. Nobody else can, nobody twice.
    """
    place = make_county()
    case = _moved(place)
    county = login(Client(), place.user("county_clerk", "a"))
    assert "确认已在登记册注销" not in county.get(f"/cases/{case.pk}/").content.decode(), "no card yet"
    with act_as(place.user("county_clerk", "a")) as actor, pytest.raises(CaseError, match="学籍卡片随转"):
        cases.strike(actor, case_id=case.pk)
    with act_as(place.user("registrar", "a1")) as actor:
        cases.hand_over(actor, case_id=case.pk, deed="handed", how="密封后由监护人带交", card=True)
    assert "还没有在登记册注销" in _page(place, case, "b1")
    assert "确认已在登记册注销" not in _page(place, case, "a1", "school_head")
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(CaseError, match="主管部门"):
        cases.strike(actor, case_id=case.pk)
    with act_as(place.user("registrar", "b1")) as actor, pytest.raises(CaseError, match="主管部门"):
        cases.strike(actor, case_id=case.pk)
    assert "确认已在登记册注销" in county.get(f"/cases/{case.pk}/").content.decode()
    county.post(f"/cases/{case.pk}/strike/", {"register_no": "2026年第3册12页"})
    for school in ("a1", "b1"):
        assert "2026年第3册12页" in _page(place, case, school)
    with act_as(place.user("county_head", "a")) as actor, pytest.raises(CaseError, match="已于"):
        cases.strike(actor, case_id=case.pk)
    assert "确认收到档案" in _page(place, case, "b1"), "the file itself is confirmed as before"


@pytest.mark.capability("C-TRF-17", page="/cases/")
def test_the_authority_learns_on_its_first_page_which_numbers_are_to_be_struck() -> None:
    """Two children moved away; with one the card went. The former school's county reads on its first page that one number
    is to be struck and since when, and comes by the line to a list of exactly that case. Struck, both are empty; neither
    the school nor the county of the new school is ever told.
    """
    place = make_county()
    case, other = _moved(place), _moved(place, "钱小满")
    line, tab = "转出学生的原学籍号待注销", "/cases/?tab=strike"
    county = login(Client(), place.user("county_clerk", "a"))
    assert line not in county.get("/").content.decode(), "no card went yet"
    with act_as(place.user("registrar", "a1")) as actor:
        cases.hand_over(actor, case_id=case.pk, deed="handed", how="密封后由监护人带交", card=True)
        cases.hand_over(actor, case_id=other.pk, deed="handed", how="密封后由监护人带交")
    with seeing_all():
        held = Case.objects.get(pk=case.pk)
        since = timezone.localdate() - timedelta(days=9)
        held.summary["handover"]["handed_on"] = since.isoformat()
        held.save(update_fields=["summary"])
    page = county.get("/").content.decode()
    assert line in page and "1 名" in page and "最早 9 天前" in page and f'href="{tab}"' in page
    rows = county.get(tab).content.decode()
    assert f"/cases/{case.pk}/" in rows and f"/cases/{other.pk}/" not in rows
    for role, where in (
        ("registrar", "a1"),
        ("registrar", "b1"),
        ("county_clerk", "b"),
        ("city_clerk", "city1"),
    ):
        reader = login(Client(), place.user(role, where))
        assert line not in reader.get("/").content.decode()
        if where != "b":
            assert "学籍号待注销" not in (page := reader.get(tab).content.decode())
        else:
            page = reader.get(tab).content.decode()
        assert f"/cases/{case.pk}/" not in page
    county.post(f"/cases/{case.pk}/strike/", {"register_no": "2026年第3册12页"})
    assert line not in county.get("/").content.decode()
    assert f"/cases/{case.pk}/" not in county.get(tab).content.decode()


def test_only_a_transfer_that_took_effect_is_handed_over() -> None:
    place = make_county()
    case = send(place, transfer_draft(place, make_child(place)), ("registrar", "b1"))
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError, match="不能做这一步"):
        cases.hand_over(actor, case_id=case.pk, deed="handed", how="密封后由监护人带交")
    assert "档案移交" not in _page(place, case, "a1")


@pytest.mark.capability("C-TRF-12", page="/cases/<id>/")
def test_the_child_is_placed_with_the_decision_and_a_late_day_is_shown() -> None:
    """The class that was chosen with the case is the child's from the day of effect on.
    Where the place gives days (three in one city), a later day of entry is marked until and after it came.
    """
    place = make_county()
    case = _moved(place)
    assert case.person_id is not None
    assert now_of(place, case.person_id, "b1").class_id == place.klass("b1").pk
    late = _moved(place, "钱小满", effective_on=day(10))
    assert late.status == CaseStatus.APPROVED
    assert "安排入学的期限" not in _page(place, late, "b1")

    rules_of(place, "b1", "cn-13-qianan")
    page = _page(place, case, "b1")
    assert "安排入学的期限" in page
    assert "超过期限" not in page
    assert "超过期限 7 天" in _page(place, late, "b1", "school_head")
