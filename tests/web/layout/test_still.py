"""The parts of the frame that are drawn once: the same words as drawn anew, in the language of who reads."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import get_template
from django.utils import translation

from xueji.web.layout import still

GROUP: dict[str, Any] = {
    "label": "学生",
    "icon": "users",
    "url": "/students/",
    "active": True,
    "badge": 0,
    "children": [
        {"label": "学生名册", "url": "/students/", "active": True, "badge": 0},
        {"label": "<照片>", "url": "/photos/", "active": False, "badge": 3},
    ],
}


def test_a_group_is_drawn_once_and_says_what_its_template_says(settings: Any) -> None:
    drawn = still.group(GROUP)
    assert drawn == get_template("layout/_nav_group.html").render({"group": GROUP})
    assert still.group(GROUP) is drawn
    assert "&lt;照片&gt;" in drawn
    settings.DEBUG = True
    assert still.group(GROUP) == drawn and still.group(GROUP) is not drawn


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"label": "班级"},
        {"icon": "home"},
        {"badge": 7},
        {"children": []},
        {"children": [GROUP["children"][0] | {"active": False}, GROUP["children"][1]]},
    ],
    ids=lambda c: next(iter(c)),
)
def test_whatever_differs_in_a_group_is_drawn_differently(change: dict[str, Any]) -> None:
    assert still.group(GROUP | change) != still.group(GROUP)


@pytest.mark.parametrize("name", ["_dialogs", "_text", "_scripts", "_face_choices"])
def test_a_still_part_needs_nothing_of_the_request_and_follows_the_language(name: str) -> None:
    path = f"layout/{name}.html"
    for language in ("zh-hans", "en"):
        with translation.override(language):
            assert still.part(path) == get_template(path).render({"actor": None})
    with translation.override("zh-hans"):
        assert still.part(path) is still.part(path)
