"""Base, copy and platform compared: what is safe, what clashes, what needs a case. Pure; a pupil never by name.

copy as base                      nothing was done there; if the platform moved on, that is noted
copy as platform                  both did the same
platform as base, copy changed    safe
all three different               a person decides, per field
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.sheets.cells import LostDigits
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.fields import Field
from xueji.ground.standards.identity import SEX_WORDS, check_identity
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.masking import mask_identity
from xueji.registry.intake.cells import understand
from xueji.registry.intake.updating import KEY, entered, shown

from .copies import FACTS, Copy, Line, Now
from .models import ItemKind

#: Facts that are written in more than one way; class and state are looked up by their words when the case begins.
_UNDERSTOOD = frozenset({"name", "sex", "birth_date", "id_number"})


@dataclass(frozen=True)
class Found:
    """One item; `value` is what the copy says in full and never leaves the memory."""

    kind: ItemKind
    row_no: int | None
    person_id: uuid.UUID | None
    name: str
    place: str = ""
    version: int | None = None
    field: str = ""
    base: str = ""
    here: str = ""
    there: str = ""
    value: str = ""


@dataclass
class Plan:
    """What a hand-back comes to."""

    items: list[Found] = field(default_factory=list)
    rows: int = 0
    unchanged: int = 0
    same: int = 0
    arrived: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        """For the page and the report."""
        by_kind = {str(k): sum(i.kind == k for i in self.items) for k in ItemKind}
        return {
            "rows": self.rows, "unchanged": self.unchanged, "same": self.same, "arrived": len(self.arrived),
            "arrived_names": self.arrived[:100], **by_kind,
        }  # fmt: skip


def mark_of(line: Line) -> str:
    """A row without a key, known again when the sheet comes back once more."""
    parts = [line.text(key) for key in ("name", "sex", "birth_date", "id_number")]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def merge(
    lines: Sequence[Line],
    base: Mapping[str, Copy] | None,
    settled: set[str],
    present: Mapping[uuid.UUID, Now],
    scope: Mapping[uuid.UUID, Now],
    specs: Sequence[Field],
) -> Plan:
    """Every row against base and platform. `base` is None when its time is over: then whatever differs is for a person to
    decide. `settled` are rows without a key and pupils without a row about whom it was decided before; `scope` are the
    pupils that the package would hold today.
    """
    plan, seen = Plan(), set[uuid.UUID]()
    for line in lines:
        plan.rows += 1
        name, person = line.text("name"), line.person_id
        if person is None:
            if line.text(KEY):
                plan.items.append(_fault(line, name, _("系统编号不完整, 对不上学生")))
            elif mark_of(line) not in settled:
                plan.items.append(
                    Found(ItemKind.THERE, line.row_no, None, name, line.text("place"), there=line.text("status"))
                )  # fmt: skip
            continue
        if person in seen:
            plan.items.append(_fault(line, name, _("这名学生在表格里出现了两次")))
            continue
        seen.add(person)
        old = base.get(str(person)) if base is not None else None
        if base is not None and old is None:
            plan.items.append(_fault(line, name, _("不是这个离线包里的学生")))
            continue
        current = present.get(person)
        before = len(plan.items)
        if current is None:
            _left(plan, line, old, specs)
        else:
            _compare(plan, line, old, current, specs)
        plan.unchanged += len(plan.items) == before
    for key, copy in (base or {}).items():
        person = uuid.UUID(key)
        current = present.get(person)
        if person not in seen and current is not None and key not in settled:
            plan.items.append(
                Found(ItemKind.GONE, None, person, copy.get("name", ""), current.copy.get("place", ""), current.version,
                      here=current.copy.get("status", ""))
            )  # fmt: skip
    if base is not None:
        plan.arrived = [n.copy.get("name", "") for p, n in scope.items() if str(p) not in base]
    return plan


def _fault(line: Line, name: str, why: str, person: uuid.UUID | None = None, field: str = "") -> Found:
    return Found(ItemKind.FAULT, line.row_no, person, name, line.text("place"), field=field, there=why[:200])


@dataclass(frozen=True)
class Said:
    """What a cell says of a fact: its value as the record keeps it (sex in words), or why it cannot be used."""

    value: str = ""
    why: str = ""


def said(line: Line, key: str) -> Said:
    """A fact of the sheet, understood as the import understands it. Blank stays blank. Never raises."""
    raw = line.cells.get(key, "")
    text = line.text(key)
    if not text or key not in _UNDERSTOOD:
        return Said(text)
    cell = understand(national_form.field(key), raw, required=False)
    if cell.code and cell.severity == "error":
        return Said(why=cell.message)
    value = cell.value
    if key == "id_number":
        if "*" in text:
            return Said(why=_("证件号请填写完整号码, 不能带星号"))
        found = check_identity(RESIDENT, text, on=timezone.localdate())
        wrong = next((p.message for p in found.problems if p.severity == "error"), "")
        return Said("" if wrong else found.value, wrong)
    if isinstance(value, date):
        return Said(value.isoformat()[:10])
    return Said(SEX_WORDS.get(str(value), "") if key == "sex" else str(value or ""))


def _changed_facts(line: Line, old: Copy) -> dict[str, Said]:
    """Facts that the copy says otherwise than the base did; another notation of the same is none."""
    out = {}
    for key, _label in FACTS:
        raw = line.cells.get(key, "")
        if not isinstance(raw, LostDigits) and line.text(key) in ("", old.get(key, "")):
            continue
        found = said(line, key)
        if found.why or found.value not in ("", old.get(key, "")):
            out[key] = found
    return out


def _face(key: str, text: str) -> str:
    return mask_identity(text) if key == "id_number" else text


def _left(plan: Plan, line: Line, old: Copy | None, specs: Sequence[Field]) -> None:
    """The pupil is no longer among the school's: what was done in the copy cannot be taken over."""
    was = old or {}
    done = bool(old) and (
        bool(_changed_facts(line, was))
        or any(entered(s, line.cells.get(s.key, ""), was.get(s.key, "")) != ("", "") for s in specs)
    )
    if done or old is None:
        why = _("平台上这名学生已不在本校, 离线表里的改动不能采用")
        plan.items.append(_fault(line, line.text("name"), why))
        return
    plan.items.append(
        Found(ItemKind.AHEAD, line.row_no, None, was.get("name", ""), was.get("place", ""), field="status",
              base=was.get("status", ""), here=str(_("已不在本校")), there=line.text("status"))
    )  # fmt: skip


def _compare(plan: Plan, line: Line, old: Copy | None, current: Now, specs: Sequence[Field]) -> None:
    now, known = current.copy, old is not None
    was = old if old is not None else now

    def item(kind: ItemKind, key: str, base: str, here: str, there: str, value: str = "") -> None:
        plan.items.append(
            Found(kind, line.row_no, line.person_id, now["name"], now.get("place", ""), current.version, key,
                  base if known else "", here, there, value)
        )  # fmt: skip

    changed = _changed_facts(line, was)
    for key, _label in FACTS:
        here, base = now.get(key, ""), was.get(key, "")
        fact = changed.get(key)
        if fact is None:
            if here != base:
                item(ItemKind.AHEAD, key, base, here, base)
        elif line.text(key) == here or (fact.value and _face(key, fact.value) == here):
            plan.same += 1
        elif fact.why:
            plan.items.append(_fault(line, now["name"], fact.why, line.person_id, key))
        else:
            item(ItemKind.CASE, key, base, here, _face(key, fact.value), fact.value)
    for spec in specs:
        here, base = now.get(spec.key, ""), was.get(spec.key, "")
        value, problem = entered(spec, line.cells.get(spec.key, ""), base)
        if problem:
            plan.items.append(_fault(line, now["name"], problem, line.person_id, spec.key))
        elif not value:
            if here != base:
                item(ItemKind.AHEAD, spec.key, shown(spec, base), shown(spec, here), shown(spec, base))
        elif value == here:
            plan.same += 1
        elif spec.key in current.withheld:
            why = _("家庭不同意提供: %s") % spec.name
            plan.items.append(_fault(line, now["name"], why, line.person_id, spec.key))
        else:
            safe = known and here == base
            item(
                ItemKind.SAFE if safe else ItemKind.CLASH, spec.key, shown(spec, base), shown(spec, here),
                shown(spec, value), value,
            )  # fmt: skip


def advanced(
    base: Mapping[str, Copy],
    settled: set[str],
    lines: Sequence[Line],
    specs: Sequence[Field],
    open_items: set[tuple[str, str]],
) -> tuple[dict[str, Copy], set[str]]:
    """The base after decisions: what the copy says, but for items that nobody has decided (row or person, field), and for
    a pupil's second row, which was never compared.
    """
    out, done, seen = {k: dict(v) for k, v in base.items()}, set(settled), set[str]()
    for line in lines:
        if line.person_id is None:
            if (f"row:{line.row_no}", "") not in open_items:
                done.add(mark_of(line))
            continue
        key = str(line.person_id)
        again = key in seen
        seen.add(key)
        copy = out.get(key)
        if again or copy is None or {(key, ""), (f"row:{line.row_no}", "")} & open_items:
            continue
        for fact, found in _changed_facts(line, copy).items():
            if (key, fact) not in open_items and not found.why:
                copy[fact] = _face(fact, found.value)
        for spec in specs:
            value, _problem = entered(spec, line.cells.get(spec.key, ""), copy.get(spec.key, ""))
            if value and (key, spec.key) not in open_items:
                copy[spec.key] = value
    done |= {key for key in out if key not in seen and (key, "") not in open_items}
    return out, done
