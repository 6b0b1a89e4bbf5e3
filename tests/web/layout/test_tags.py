"""Small filters of the layout."""

from __future__ import annotations

import pytest

from xueji.web.layout.templatetags import layout


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1286, "1286"),
        (9999, "9999"),
        (10000, "10,000"),
        (-12000, "-12,000"),
        (None, ""),
        ("3", "3"),
        (True, "True"),
    ],
)
def test_numbers_get_separators_only_from_ten_thousand(value: object, shown: str) -> None:
    assert layout.num(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("990101201809150021", "990***********0021"), ("H1234567", "********"), ("", ""), (None, "")],
)
def test_document_numbers_show_three_and_four(value: object, shown: str) -> None:
    assert layout.mask_id(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("13800005678", "138****5678"), ("138 0000 5678", "138****5678"), ("8021", "****"), (None, "")],
)
def test_telephone_numbers_are_masked(value: object, shown: str) -> None:
    assert layout.mask_phone(value) == shown


@pytest.mark.parametrize(("value", "shown"), [("𬱖明", "𬱖*"), ("王", "王"), ("", "")])
def test_names_keep_their_first_character(value: str, shown: str) -> None:
    assert layout.mask_name(value) == shown


def test_a_text_is_split_into_choices() -> None:
    assert layout.listed("同意| 请补材料 |") == ["同意", "请补材料"]
    assert layout.listed(["a"]) == ["a"]
    assert layout.listed(None) == []


def test_icon_is_silent_unless_named() -> None:
    assert 'aria-hidden="true"' in layout.icon("home")
    assert 'aria-label="返回"' in layout.icon("arrow-left", label="返回")
    assert layout.icon("") == ""
