"""Chinese is the source; whoever's browser asks for English gets English words, and Chinese where there are none."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from tests.helpers import login, make_county

import xueji

FOLDER = Path(xueji.__file__).parent / "locale" / "en" / "LC_MESSAGES"
ENTRY = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"(?:\n|$))+)', re.MULTILINE)
PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]")


@pytest.fixture(autouse=True)
def language_of_other_tests() -> Iterator[None]:
    """A request leaves its language active in the thread."""
    with translation.override(translation.get_language()):
        yield


def entries() -> dict[str, str]:
    """Message and translation of every entry in force."""
    text = (FOLDER / "django.po").read_text(encoding="utf-8")

    def join(lines: str) -> str:
        return "".join(line[1:-1] for line in lines.splitlines()).replace('\\"', '"').replace("\\n", "\n")

    found = {}
    for block in text.split("\n\n"):
        match = ENTRY.search(block)
        if match and "\n#, fuzzy" not in "\n" + block and match[2].strip() != '""':
            found[join(match[1])] = join(match[2])
    found.pop("", None)
    return found


def test_the_compiled_words_are_those_of_the_source() -> None:
    compiled = gettext.GNUTranslations(io.BytesIO((FOLDER / "django.mo").read_bytes()))
    expected = entries()
    assert len(expected) > 300
    assert {m: compiled.gettext(m) for m in expected} == expected


def test_a_translation_has_the_places_of_its_message() -> None:
    for message, words in entries().items():
        assert sorted(PLACE.findall(message)) == sorted(PLACE.findall(words)), message


@pytest.mark.django_db
def test_the_navigation_follows_the_language_of_the_browser(client: Client) -> None:
    login(client, make_county().user("registrar", "a1"))
    chinese = client.get("/", headers={"accept-language": "zh-CN,zh;q=0.9"}).content.decode()
    english = client.get("/", headers={"accept-language": "en-GB,en;q=0.9"}).content.decode()
    nobody = client.get("/").content.decode()
    for words in ("学生名册", "导入与建籍", "帮助", "退出登录"):
        assert words in chinese
        assert words in nobody
    for words in ("Students", "Import", "Help", "Sign out"):
        assert words in english


@pytest.mark.django_db
def test_signing_in_and_its_errors_are_english_for_an_english_browser(client: Client) -> None:
    headers = {"accept-language": "en"}
    assert "Sign in" in client.get("/login/", headers=headers).content.decode()
    answer = client.post("/login/", {"username": "nobody", "password": "wrong-wrong-1"}, headers=headers)
    assert "User name or password is wrong" in answer.content.decode()
