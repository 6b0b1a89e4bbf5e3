"""Which fields a school's sheets are asked for, and which are not read: said by a room above, that knows what the place
collects (C-COL-22). Where nobody says anything, the national form decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xueji.ground.standards.fields import Field

#: Levels of fields for a school: `must`, `may` or `none`; fields that are not named follow the national form.
Question = Callable[[int], Mapping[str, str]]

#: The same for many schools, stage by stage: those of the first argument, or all of the authorities of the second. Places
#: that are not named follow the national form.
WideQuestion = Callable[[Sequence[int], Sequence[int]], Mapping[tuple[int, str], Mapping[str, str]]]

_QUESTIONS: list[Question] = []
_WIDE: list[WideQuestion] = []


def add(question: Question) -> None:
    """Register who knows; called once, when a room gets ready."""
    if question not in _QUESTIONS:
        _QUESTIONS.append(question)


def levels(school_id: int) -> dict[str, str]:
    """What is said for a school."""
    out: dict[str, str] = {}
    for question in _QUESTIONS:
        out |= question(school_id)
    return out


def add_wide(question: WideQuestion) -> None:
    """Register who knows of many schools at once; called once, when a room gets ready."""
    if question not in _WIDE:
        _WIDE.append(question)


def by_place(schools: Sequence[int], counties: Sequence[int]) -> dict[tuple[int, str], Mapping[str, str]]:
    """What is said for these schools, or for every school of these authorities, by school and stage."""
    out: dict[tuple[int, str], Mapping[str, str]] = {}
    for question in _WIDE:
        out |= question(schools, counties)
    return out


def demands(said: Mapping[str, str], field: Field) -> bool:
    """Whether a row without this field is refused."""
    level = said.get(field.key)
    return field.required == "yes" if level is None else level == "must"


def shut(said: Mapping[str, str]) -> frozenset[str]:
    """Fields that are not collected: no column of theirs goes out, and none is read."""
    return frozenset(key for key, level in said.items() if level == "none")
