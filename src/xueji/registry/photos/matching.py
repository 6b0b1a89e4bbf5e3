"""Whose photo a file is, by its name and folder. No database: the roster comes as data."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from xueji.ground.standards.masking import mask_identity
from xueji.ground.standards.text import compact

_IDENTITY = re.compile(r"(?<![0-9])[GJ]?([0-9]{17}[0-9Xx]|[0-9]{15})(?![0-9])")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])([GJL]?[0-9]{8,20}[Xx]?)(?![0-9A-Za-z])")
_HAN = re.compile("[㐀-鿿豈-﫿\U00020000-\U000323af·]{2,50}")
_SEAT = re.compile(r"0*([1-9][0-9]{0,2})")
_LONG = re.compile(r"[0-9]{6,}[Xx]?")
_MARKS = str.maketrans("•・‧∙⋅", "·····")


@dataclass(frozen=True)
class Pupil:
    """Somebody on the roster: who, name, class as its label says it, seat."""

    person_id: uuid.UUID
    name: str
    klass: str
    seat: int | None


@dataclass(frozen=True)
class Match:
    """Whose a picture is and how that was found; nobody, and why."""

    person_id: uuid.UUID | None
    how: str = ""
    note: str = ""


def label_of(folder: str, name: str) -> str:
    """The file's name as it may be kept: long numbers masked."""
    text = f"{folder}/{name}" if folder else name
    return _LONG.sub(lambda m: mask_identity(m[0]) if len(m[0]) > 10 else "****", text)[-120:]


def numbers_in(name: str) -> list[str]:
    """Identity and student numbers that a file's name may hold, whole, in capital letters."""
    text = unicodedata.normalize("NFKC", name).upper()
    found = [m[1] for m in _IDENTITY.finditer(text)] + [m[1] for m in _NUMBER.finditer(text)]
    return list(dict.fromkeys(found))


@dataclass
class Matcher:
    """Matches names against one school's roster. `holders` maps whole numbers to pupils."""

    pupils: Sequence[Pupil]
    holders: Mapping[str, uuid.UUID]
    _taken: dict[uuid.UUID, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the roster by name, class and seat."""
        self._by_name: dict[str, list[Pupil]] = defaultdict(list)
        self._by_seat: dict[tuple[str, int], list[Pupil]] = defaultdict(list)
        self._classes: dict[str, str] = {}
        for pupil in self.pupils:
            self._by_name[_plain(pupil.name)].append(pupil)
            self._classes.setdefault(_plain(pupil.klass), pupil.klass)
            if pupil.seat is not None:
                self._by_seat[pupil.klass, pupil.seat].append(pupil)

    def match(self, folder: str, name: str) -> Match:
        """Whose picture this file is. The first file that names a pupil has it; a second one is left for a person."""
        found = self._find(folder, name)
        if found.person_id is None:
            return found
        if found.person_id in self._taken:
            return Match(None, "", _("这名学生在本批次已有一张照片"))
        self._taken[found.person_id] = name
        return found

    def _find(self, folder: str, name: str) -> Match:
        stem = name.rsplit(".", 1)[0] if "." in name else name
        numbers = numbers_in(stem)
        for number in numbers:
            if number in self.holders:
                how = "identity" if _IDENTITY.fullmatch(number) else "number"
                return Match(self.holders[number], how)
        if any(len(n) >= 15 for n in numbers):
            return Match(None, "", _("本校没有这个证件号或学籍号的学生"))
        klass, rest = self._class_of(folder, stem)
        for text in _HAN.findall(rest):
            same = self._by_name.get(text, [])
            here = [p for p in same if p.klass == klass] if klass else same
            if len(here) == 1:
                return Match(here[0].person_id, "class" if klass else "name")
            if len(here) > 1:
                return Match(None, "", _("有同名的学生, 请指定是哪一名"))
        seat = _SEAT.fullmatch(stem.strip())
        if klass and seat:
            found = self._by_seat.get((klass, int(seat[1])), [])
            if len(found) == 1:
                return Match(found[0].person_id, "seat")
        return Match(None, "", _("文件名对不上本校的学生"))

    def _class_of(self, folder: str, stem: str) -> tuple[str, str]:
        """The class that the folder or the file's name speaks of, as the roster calls it, and the name without it."""
        text = _plain(stem)
        inside = max((k for k in self._classes if k and k in text), key=len, default="")
        klass = self._classes.get(_plain(folder)) or self._classes.get(inside, "")
        return klass, text.replace(inside, " ", 1) if inside else text


def _plain(text: str) -> str:
    """Without blanks, brackets and dots in one width."""
    return compact(text).translate(_MARKS).replace("(", "").replace(")", "")


__all__ = ["Match", "Matcher", "Pupil", "label_of", "numbers_in"]
