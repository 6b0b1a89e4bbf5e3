"""A form as cards of lines: what is on record, what was answered, what is still to be said. No writing here."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form
from xueji.ground.standards import purposes
from xueji.ground.standards.identity import check_identity
from xueji.registry.intake.cells import understand

from . import words
from .held import Held, covered, member_key, shown
from .levels import GUARDIAN
from .models import Form

#: An input holds no more than this of whatever is typed.
LONGEST = 200
_NEVER_EMPTY = "-"


@dataclass
class Line:
    """One field: what is on record (as shown), what is asked, what was typed and what is wrong with it."""

    spec: national_form.Field
    level: str
    now: str
    blank: bool
    typed: str = ""
    answered: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """Name of the input."""
        return f"to_{self.spec.key}"

    @property
    def must(self) -> bool:
        """Whether something has to be filled in here: it is required and nothing is on record yet."""
        return self.level == "must" and self.blank

    @property
    def why(self) -> str:
        """What for, on what ground, what happens without it."""
        return purposes.of_field(self.spec.key).sentence

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What can be chosen; empty for a free field or a table too long to choose from."""
        table = self.spec.table
        return list(table.choices()) if table is not None and len(table.choices()) <= 300 else []

    @property
    def kind(self) -> str:
        """Type of the input."""
        return {"date8": "date", "phone": "tel", "email": "email"}.get(self.spec.type, "text")

    @property
    def placeholder(self) -> str:
        """What the empty input says."""
        if self.answered:
            return _("已填 %s, 不再改就留空") % self.answered
        return _("请填写") if self.must else _("没有错就不填")


@dataclass
class Card:
    """Lines that belong together, and how complete they are (C-COL-25)."""

    code: str
    title: str
    lines: list[Line] = field(default_factory=list)

    @property
    def filled(self) -> int:
        """Lines with a value on record or answered."""
        return sum(1 for x in self.lines if not x.blank or x.answered)

    @property
    def faulty(self) -> bool:
        """Whether a line has an error: the card stands open."""
        return any(x.error for x in self.lines)

    @property
    def lacking(self) -> int:
        """Required lines without a value."""
        return sum(1 for x in self.lines if x.must and not x.answered)


def place_of(task_id: int, person_id: uuid.UUID) -> str:
    """Where the answers of a form lie, for the vault."""
    return f"collect_form.sealed:{task_id}:{person_id}"


def answers_of(form: Form) -> dict[str, Any]:
    """What was answered so far: `new` (key -> value), `notes` (kind -> text)."""
    if not form.sealed:
        return {"new": {}, "notes": {}}
    return {"new": {}, "notes": {}} | vault.open_json(
        bytes(form.sealed), place_of(form.task_id, form.person_id)
    )


def cards(
    levels: Mapping[str, str],
    held: Held,
    new: Mapping[str, str],
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    family: bool = False,
) -> list[Card]:
    """The cards of a form, empty ones left out."""
    out = {code: Card(code, str(title)) for code, title, _groups in words.CARDS}
    card_of = {group: code for code, _title, groups in words.CARDS for group in groups}
    for spec in national_form.fields():
        level = levels.get(spec.key, "none")
        if level == "none":
            continue
        value, answer = held.values.get(spec.key, ""), new.get(spec.key, "")
        line = Line(
            spec,
            level,
            shown(spec, value, family=family),
            not value,
            typed=(typed or {}).get(spec.key, "" if covered(spec) else answer),
            answered=shown(spec, answer, family=False) if answer else "",
            error=(errors or {}).get(spec.key, ""),
        )
        out["key" if spec.is_key else card_of.get(spec.group, "basic")].lines.append(line)
    return [c for c in out.values() if c.lines]


def read(
    levels: Mapping[str, str], posted: Mapping[str, str], before: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """What was typed: answers by key (those of before that were left alone included), faults by key, and the raw text.

    An empty input of a covered field leaves the answer that was given before; "-" takes it back.
    """
    new: dict[str, str] = {}
    faults: dict[str, str] = {}
    raw: dict[str, str] = {}
    for spec in national_form.fields():
        if levels.get(spec.key, "none") == "none":
            continue
        text = str(posted.get(f"to_{spec.key}", "")).strip()[:LONGEST]
        if not text:
            if spec.key in before and (covered(spec) or f"to_{spec.key}" not in posted):
                new[spec.key] = before[spec.key]
            continue
        if text == _NEVER_EMPTY:
            continue
        raw[spec.key] = text
        cell = understand(spec, text, required=False)
        if cell.code and cell.severity == "error":
            faults[spec.key] = cell.message
            continue
        value = cell.value.isoformat() if isinstance(cell.value, date) else str(cell.value or "")
        if value:
            new[spec.key] = value
    return new, faults, raw


def wanting(levels: Mapping[str, str], held: Held, new: Mapping[str, str]) -> dict[str, str]:
    """Faults that only the whole form shows: required fields without a value, a number that does not fit the child."""
    faults: dict[str, str] = {}
    names: dict[int, bool] = {
        n: bool(held.values.get(f"member{n}_name") or new.get(f"member{n}_name")) for n in (1, 2)
    }
    for spec in national_form.fields():
        level = levels.get(spec.key, "none")
        if level != "must" or held.values.get(spec.key) or new.get(spec.key):
            continue
        if spec.member == 2 and not names[2]:
            continue
        if spec.key == "id_type" and not _value(held, new, "id_number"):
            # Whoever has no number has no kind of document either: the family's own papers stand for it.
            continue
        faults[spec.key] = _("请填写%(name)s") % {"name": spec.name}
    for n in (1, 2):
        if not names[n] and any(member_key(k)[0] == n for k in new):
            faults[f"member{n}_name"] = _("请填写这位家庭成员的姓名")
        elif names[n] and not (held.values.get(f"member{n}_relation") or new.get(f"member{n}_relation")):
            faults[f"member{n}_relation"] = _("请选择与学生的关系")
    return faults | _without_number(levels, held, new) | _number(held, new)


def _value(held: Held, new: Mapping[str, str], key: str) -> str:
    return new.get(key) or held.values.get(key, "")


def _without_number(levels: Mapping[str, str], held: Held, new: Mapping[str, str]) -> dict[str, str]:
    """A child without an identity number is known by its family: one guardian's data have to be whole, as far as they
    are asked (TPL24-ENR-02: 没户口的学生要把家长或者监护人的信息登记完整).
    """
    if "id_number" not in levels or _value(held, new, "id_number"):
        return {}
    lacking = [
        [
            f"member{n}_{part}"
            for part in GUARDIAN
            if f"member{n}_{part}" in levels and not _value(held, new, f"member{n}_{part}")
        ]
        for n in (1, 2)
        if n == 1 or _value(held, new, "member2_name")
    ]
    if not all(lacking):
        return {}
    names = {f.key: f.name for f in national_form.fields()}
    return {
        key: _("学生没有身份证件号, 要有一名监护人的完整信息: 请填写%s") % names[key]
        for key in min(lacking, key=len)
    }


def _number(held: Held, new: Mapping[str, str]) -> dict[str, str]:
    """The child's identity number must be well-formed and agree with sex and birth date, whichever of them is new."""
    if not {"id_number", "id_type", "sex", "birth_date"} & set(new):
        return {}
    now = held.values | dict(new)
    number = now.get("id_number", "")
    if not number:
        return {}
    found = check_identity(
        now.get("id_type") or "1",
        number,
        on=timezone.localdate(),
        sex=now.get("sex"),
        birth=date.fromisoformat(now["birth_date"]) if now.get("birth_date") else None,
    )
    wrong = next((p for p in found.problems if p.severity == "error"), None)
    if wrong is None:
        return {}
    key = next((k for k in ("id_number", "birth_date", "sex", "id_type") if k in new), "id_number")
    return {key: wrong.message}


def changed(held: Held, new: Mapping[str, str]) -> dict[str, str]:
    """Those answers that are not what is on record already."""
    return {k: v for k, v in new.items() if v and v != held.values.get(k, "")}


def differences(held: Held, new: Mapping[str, str], *, family: bool = False) -> list[dict[str, Any]]:
    """Before and after of what differs, in the form's order; sensitive values masked."""
    out = []
    for spec in national_form.fields():
        if spec.key in new:
            out.append(
                {
                    "key": spec.key,
                    "label": spec.name,
                    "old": shown(spec, held.values.get(spec.key, ""), family=family),
                    "new": shown(spec, new[spec.key]),
                    "key_field": spec.is_key,
                    "covered": covered(spec),
                }
            )
    return out


def key_fields(keys: Iterable[str]) -> list[str]:
    """Those of these keys that are key information."""
    wanted = set(keys)
    return [f.key for f in national_form.key_fields() if f.key in wanted]
