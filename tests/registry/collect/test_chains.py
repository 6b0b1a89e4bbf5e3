"""Who checks and who confirms is the place's rule (`collect.chain`): other chains than the shipped one, end to end."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from tests.helpers import Place, act_as, link_child
from tests.registry.collect.test_walk import as_, begin, child, form_of, picture, place, signature, text

from xueji.ground.paths import data_dir
from xueji.ground.policy import places
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import PackFile, PolicyLibrary, pack_paths
from xueji.registry.collect import commands
from xueji.registry.collect.errors import CollectError
from xueji.registry.collect.held import held
from xueji.registry.collect.models import State, Task

pytestmark = pytest.mark.django_db

__all__ = ["place"]

PARAM = """
[[param]]
id = "collect.chain"
type = "set"
label = "采集信息由谁核对、由谁确认"
delegates = "free"
[[param.value]]
value = %s
force = "general"
cite = "E1#2"
phrase = "采集信息的核对和确认"
"""
Chain = Callable[..., None]


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The county's own pack says who checks and who confirms; everything else as shipped."""

    def put(*who: str) -> None:
        words = "[" + ", ".join(f'"{w}"' for w in who) + "]"
        folder = data_dir("policies")
        packs = PolicyLibrary.from_files(
            [
                PackFile(
                    str(Path(path).relative_to(folder)),
                    path.read_text("utf-8") + (PARAM % words if path.name == "cn-99-0101.toml" else ""),
                )
                for path in pack_paths(folder)
            ]
        )

        def policy_for(org: Any, on: date) -> PolicySet:
            return packs.resolve(places.line_for(org, packs), on)

        monkeypatch.setattr(places, "policy_for", policy_for)

    return put


def answered(place: Place, **more: str) -> tuple[Task, uuid.UUID]:
    """A task with one form that the mother has sent by phone: a new telephone number."""
    person = child(place)
    link_child(place.user("parent"), person)
    task = begin(place)
    with act_as(place.user("parent")) as actor:
        commands.save_draft(actor, task.pk, person, {"to_phone": "13712345678"} | more)
        commands.send(actor, task.pk, person, declared=True, signature=signature())
    return task, person


def phone_of(place: Place, person: uuid.UUID) -> str:
    with act_as(place.user("registrar", "a1")) as actor:
        return held(actor, [person])[person].values["phone"]


@pytest.mark.capability("C-COL-13", page="/collect/{id}/confirm/")
@pytest.mark.capability("C-COL-15")
def test_where_the_head_alone_decides_what_has_come_waits_for_the_head(place: Place, chain: Chain) -> None:
    """The place has one step: what the mother has sent stands on the head's first page at once, with its difference; no
    teacher is asked to check or can; the head returns one and confirms it when it has come again.
    """
    chain("学校学籍主管领导")
    task, person = answered(place)
    assert task.chain == ["school_head"]
    one, board = f"/collect/{task.pk}/{person}/", f"/collect/{task.pk}/classes/{place.klass().pk}/"
    teacher, head = as_(place, "class_teacher"), as_(place, "school_head")
    assert "待核对" not in text(teacher.get("/")).split("信息采集")[-1][:200]
    page = teacher.get(board).content.decode()
    assert "张小明" in page and ">核对<" not in page and 'value="plain"' not in page
    assert 'value="check"' not in teacher.get(one).content.decode()
    with act_as(place.user("class_teacher", "a1")) as actor:
        with pytest.raises(PermissionDenied):
            commands.check(actor, task.pk, person, marks={"phone": "yes"})
        with pytest.raises(PermissionDenied):
            commands.check_plain(actor, task.pk, place.klass().pk)
    assert "1 份待学校确认" in text(head.get("/"))
    assert "1 份家长已提交, 按当地规则由您核对并确认" in text(head.get(f"/collect/{task.pk}/"))
    assert "137****5678" in text(head.get(f"/collect/{task.pk}/confirm/"))
    head.post(one + "do/", {"deed": "return", "reason": "号码请再核对"})
    assert form_of(task, person).state == State.RETURNED and "份待学校确认" not in text(head.get("/"))
    with act_as(place.user("parent")) as actor:
        commands.send(actor, task.pk, person, declared=True, signature=signature())
    head.post(one + "do/", {"deed": "confirm"})
    assert form_of(task, person).state == State.DONE and phone_of(place, person) == "13712345678"


@pytest.mark.capability("C-COL-13")
def test_where_the_registrar_confirms_the_head_does_not(place: Place, chain: Chain) -> None:
    """Teacher, then registrar: the teacher's check lands on the registrar's first page, whose confirmation takes effect;
    the head is not asked, and cannot. Who checked does not confirm.
    """
    chain("班主任", "学籍管理员")
    task, person = answered(place)
    assert task.chain == ["class_teacher", "registrar"]
    teacher, registrar, head = (as_(place, r) for r in ("class_teacher", "registrar", "school_head"))
    assert "1 份待核对" in text(teacher.get("/"))
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, person, marks={"phone": "yes"})
    assert "份待学校确认" not in text(head.get("/")) and "1 份待学校确认" in text(registrar.get("/"))
    assert head.post(f"/collect/{task.pk}/confirm/", {"person": str(person)}).status_code == 403
    assert registrar.post(f"/collect/{task.pk}/confirm/", {"person": str(person)}).status_code == 302
    assert form_of(task, person).state == State.DONE and phone_of(place, person) == "13712345678"


@pytest.mark.capability("C-COL-11")
def test_whoever_types_for_a_family_does_not_confirm_it_alone(place: Place, chain: Chain) -> None:
    """The registrar alone decides: what a teacher entered from paper is confirmed, what the registrar entered is not."""
    chain("学籍管理员")
    mine, teachers = child(place), child(place, "李小红")
    task = begin(place)
    assert task.chain == ["registrar"]
    for role, person in (("registrar", mine), ("class_teacher", teachers)):
        with act_as(place.user(role, "a1")) as actor:
            commands.scan(actor, task.pk, person, category="form", data=picture(), name="sheet.jpg")
            commands.save_draft(actor, task.pk, person, {"to_phone": "13712345678"})
            commands.send(actor, task.pk, person, declared=True, paper=True, reason="按签字的核对单录入")
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(CollectError, match="另一位同事"):
            commands.confirm(actor, task.pk, [mine, teachers])
        assert commands.confirm(actor, task.pk, [teachers]) == 1
    assert phone_of(place, teachers) == "13712345678" and phone_of(place, mine) == "13600001111"


@pytest.mark.capability("C-COL-13")
def test_the_registrar_checks_and_the_head_confirms_where_the_place_says_so(
    place: Place, chain: Chain
) -> None:
    """No class teacher in the chain: the registrar finds the check on the first page, the head the confirmation."""
    chain("学籍管理员", "学校学籍主管领导")
    task, person = answered(place)
    assert task.chain == ["registrar", "school_head"]
    with act_as(place.user("class_teacher", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.check(actor, task.pk, person, marks={"phone": "yes"})
    assert "1 份待核对" in text(as_(place, "registrar").get("/"))
    with act_as(place.user("registrar", "a1")) as actor:
        commands.check(actor, task.pk, person, marks={"phone": "yes"})
    assert "1 份待学校确认" in text(as_(place, "school_head").get("/"))
    with act_as(place.user("school_head", "a1")) as actor:
        assert commands.confirm(actor, task.pk, [person]) == 1
    assert phone_of(place, person) == "13712345678"


def test_a_task_keeps_the_chain_under_which_it_was_opened(place: Place, chain: Chain) -> None:
    task, person = answered(place)
    chain("学籍管理员")
    assert Task.checker(task, "class_teacher")
    with act_as(place.user("class_teacher", "a1")) as actor:
        commands.check(actor, task.pk, person, marks={"phone": "yes"})
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(PermissionDenied):
        commands.confirm(actor, task.pk, [person])
