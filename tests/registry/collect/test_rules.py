"""What may be asked, who agreed, how complete it is, what the authority is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, link_child, login, seeing_all
from tests.registry.collect.test_walk import FIELDS, as_, begin, child, form_of, place, signature, text

from xueji.registry.collect import commands, levels, queries
from xueji.registry.collect.errors import CollectError
from xueji.registry.collect.models import State
from xueji.registry.family.models import Consent

pytestmark = pytest.mark.django_db

__all__ = ["place"]


@pytest.mark.capability("C-COL-22", page="/collect/fields/")
def test_what_is_not_collected_cannot_be_demanded(place: Place) -> None:
    """The county says that 独生子女 is not collected: schools see no such line, cannot ask for it, and their blank paper
    has it no more; a school narrows further, never back; what rests on consent is never demanded.
    """
    child(place)
    county, registrar = as_(place, "county_clerk", "a"), as_(place, "registrar")
    assert "独生子女" in text(registrar.get("/collect/new/"))
    county.post("/collect/fields/", {"stage": "P", "level_only_child": "none"})
    assert 'name="level_only_child"' not in registrar.get("/collect/new/").content.decode()
    with act_as(place.user("registrar", "a1")) as actor:
        due = timezone.localdate() + timedelta(days=3)
        for wanted, why in (({"only_child": "may"}, "不需要采集"), ({"talents": "must"}, "只能选填")):
            with pytest.raises(CollectError, match=why):
                commands.open_task(
                    actor, title="核对", purpose="核对学籍信息", scope="school", due_on=due, fields=wanted
                )
        with pytest.raises(CollectError):
            commands.set_levels(actor, "P", {"only_child": "must"})
        with pytest.raises(CollectError):
            commands.set_levels(actor, "P", {"name": "none"})
        assert commands.set_levels(actor, "P", {"commute_mode": "none"}) == 1
        assert {"only_child", "commute_mode"} <= levels.not_collected(place.org("a1").pk, "P")
        assert levels.not_collected(place.org("b1").pk, "P") == frozenset()
    paper = registrar.get(f"/classes/{place.klass().pk}/collection.pdf")
    assert paper.content.startswith(b"%PDF-")


@pytest.mark.capability("C-COL-02", page="/my/{person}/collect/{id}/")
def test_voluntary_items_may_be_refused(place: Place) -> None:
    """The family says no to voluntary items in the form: the line goes, nothing of it is taken, and the school reads no."""
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    parent = as_(place, "parent", "")
    address = f"/my/{person}/collect/{task.pk}/"
    page = parent.get(address).content.decode()
    assert 'name="to_talents"' in page and 'name="consent_optional_child"' in page
    parent.post(address, {"consent_optional_child": "no", "to_talents": "围棋"})
    assert 'name="to_talents"' not in parent.get(address).content.decode()
    parent.post(address + "sign/", {"declared": "1", "signature": signature()})
    assert form_of(task, person).diff == []
    with seeing_all():
        said = Consent.objects.get(person_id=person, code="optional_child")
    assert said.answer == "refused"
    page = text(as_(place, "class_teacher").get(f"/collect/{task.pk}/{person}/"))
    assert "孩子的选填信息 不同意" in page


@pytest.mark.capability("C-COL-20")
@pytest.mark.capability("C-COL-25", page="/collect/{id}/{person}/")
def test_a_full_refresh_of_new_entrants_is_dated_for_each(place: Place) -> None:
    """At the start of a stage new entrants alone are asked for everything; blocks tell what is missing; each has a day."""
    new = child(place)
    old = child(place, "李小红", cohort=2024)
    link_child(place.user("parent"), new)
    task = begin(place, scope="entrants", refresh="1")
    assert task.refresh and task.total == 1
    with act_as(place.user("registrar", "a1")) as actor:
        assert not queries.waiting_rows(actor, task.pk, [State.CHECKED])
        assert queries.refreshed(new) is None
    teacher = as_(place, "class_teacher")
    page = text(teacher.get(f"/collect/{task.pk}/{new}/"))
    for block in ("学校信息", "学生信息", "家庭信息", "学籍变动信息", "简历(奖惩)信息", "电子照片"):
        assert block in page
    assert "还没有照片" in page
    with act_as(place.user("parent")) as actor:
        commands.save_draft(actor, task.pk, new, {"note_interest": "", "note_resume": "校合唱团团员"})
        commands.send(actor, task.pk, new, declared=True, signature=signature())
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, new, marks={})
    with act_as(place.user("school_head", "a1")) as actor:
        commands.confirm(actor, task.pk, [new])
    page = text(teacher.get(f"/collect/{task.pk}/{new}/"))
    assert f"{timezone.localdate().isoformat()} 全面更新过" in page
    assert "1/1 简历(奖惩)信息" in page
    assert queries.refreshed(old) is None


@pytest.mark.capability("C-COL-24", page="/collect/progress/")
def test_the_authority_reads_figures_and_no_names(place: Place) -> None:
    """The school counts class by class and gives its figures to the county twice a week; the county reads figures."""
    person = child(place)
    child(place, "李小红", number=2)
    link_child(place.user("parent"), person)
    task = begin(place)
    with act_as(place.user("parent")) as actor:
        commands.save_draft(actor, task.pk, person, {})
        commands.send(actor, task.pk, person, declared=True, signature=signature())
    registrar, county = as_(place, "registrar"), as_(place, "county_clerk", "a")
    board = text(registrar.get(f"/collect/{task.pk}/"))
    assert "一年级(1)班" in board and "一年级(2)班" in board
    registrar.post(f"/collect/{task.pk}/do/", {"deed": "progress"})
    sheet = text(county.get("/collect/progress/"))
    with act_as(place.user("county_clerk", "a")) as actor:
        figures = queries.progress(actor)[0].figures
        assert (figures["total"], figures["sent"], figures["is_sent"], figures["is_unread"]) == (2, 1, 1, 1)
    assert "青禾县第一小学" in sheet and "秋季信息核对" in sheet and "2 1 0" in sheet
    listing = text(county.get("/collect/"))
    assert "1 (50%)" in listing
    for path in ("/collect/", f"/collect/{task.pk}/", "/collect/progress/"):
        page = county.get(path)
        assert page.status_code == 200 and "张小明" not in text(page)
    assert county.get(f"/collect/{task.pk}/{person}/").status_code == 403
    assert "秋季信息核对" not in text(as_(place, "county_clerk", "b").get("/collect/progress/"))


def test_the_list_follows_the_roster_and_the_end_leaves_nothing_provisional(place: Place) -> None:
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    late = child(place, "李小红")
    registrar = as_(place, "registrar")
    registrar.post(f"/collect/{task.pk}/do/", {"deed": "renew"})
    assert form_of(task, late).state == State.UNREAD
    parent = as_(place, "parent", "")
    parent.post(f"/my/{person}/collect/{task.pk}/", {"to_phone": "13712345678"})
    assert "请写明原因" in text(registrar.post(f"/collect/{task.pk}/do/", {"deed": "close"}, follow=True))
    registrar.post(f"/collect/{task.pk}/do/", {"deed": "close", "reason": "学期结束"})
    assert form_of(task, person).sealed is None
    assert "已经结束" in text(parent.get(f"/my/{person}/collect/{task.pk}/"))
    assert parent.post(f"/my/{person}/collect/{task.pk}/", {"to_phone": "13712345678"}).status_code == 200


def test_who_checks_and_who_confirms_is_policy(place: Place) -> None:
    child(place)
    task = begin(place)
    assert task.chain == ["class_teacher", "school_head"]
    assert (
        login(Client(), place.user("registrar", "a1")).post(f"/collect/{task.pk}/confirm/").status_code == 403
    )
    assert set(FIELDS) == set(task.fields)
