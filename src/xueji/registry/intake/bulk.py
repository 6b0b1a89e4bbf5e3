"""Rows to which nothing is to be remarked, checked and written column by column.

`Checker` looks at a row as a whole, which costs most for what most rows are: right. Here a row is passed when quick
proofs hold for all of it (its cells are plain, its numbers agree, the rules are silent on rows like it); every other row
of the same table goes through `Checker.lines`, which alone says what is wrong. What is written for a passed row is what
`wire.encode` would write for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import compress, repeat
from typing import Any

from xueji.ground.crypto import vault
from xueji.ground.sheets.cells import Cell as SheetCell
from xueji.ground.standards.identity import plainly_right
from xueji.ground.standards.idtypes import RESIDENT
from xueji.ground.standards.names import grams
from xueji.ground.standards.pinyin import pinyin_of
from xueji.registry.people.places import GUARDIAN_KEYS, NATIONAL

from . import rules, wire
from .cells import EITHER_OTHER
from .checker import Checker, Table, profile_split, serial_number
from .packing import Fragments, array_literal, pack
from .places import Seat
from .wire import NOTHING

_REMEMBERED = 20_000
#: What the rules look at as it stands, and of what they ask only whether it is there.
SEEN = (
    "entry_mode", "student_source", "health", "disabled", "left_behind", "rural_left_behind", "migrant_child",
    "migrant_worker_child", "nationality", "overseas_status", "id_type", "member1_relation", "member2_relation",
    "member1_is_guardian", "member2_is_guardian", "political_status",
)  # fmt: skip
ASKED = (
    "member1_relation_note", "member2_name", "member2_phone", "member2_address", "member2_relation_note",
    "member2_household_division", "member2_employer", "member2_position", "id_number", "member1_id_number",
    "member2_id_number",
)  # fmt: skip
#: They stand for themselves as the age at entry; whoever says 共青团员 is looked at by both days.
DATED = ("birth_date", "entry_month")
_LEAGUE = "03"
#: A blind index has 32 bytes.
_HASH = wire.bytea(bytes(32))[:4]


class Bulk:
    """Makes blocks for COPY of one batch's rows."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._school = checker.school
        opened, sealed = profile_split()
        self._opened, self._sealed = _Fragments(opened), _Fragments(sealed)
        self._members = {
            n: _Fragments([f"member{n}_{key}" for key in GUARDIAN_KEYS], GUARDIAN_KEYS) for n in (1, 2)
        }
        self._silent: dict[Any, bool] = {}
        self._ages: dict[tuple[date, date], int] = {}
        self._days: dict[date, str] = {}
        self._names: dict[tuple[str, str | None], bytes] = {}
        self._seats: dict[tuple[Any, Seat], tuple[bytes, bytes, bytes]] = {}
        self._words: dict[str, Callable[[Any], bytes]] = {}

    def block(self, batch_id: int, rows: Sequence[tuple[int, Sequence[SheetCell]]]) -> bytes:
        """Rows, each with its number in the sheet, checked and ready for COPY. The order is kept."""
        checker = self._checker
        table = checker.table(rows)
        seats = self._passed(table)
        passed = [seat is not None for seat in seats]
        if not any(passed):
            return wire.block(wire.encode_rows(batch_id, checker.lines(table, range(len(rows)))))
        quick = self._written(batch_id, table, passed, [seat for seat in seats if seat is not None])
        others = iter(
            wire.encode_rows(batch_id, checker.lines(table, [i for i, good in enumerate(passed) if not good]))
        )
        return wire.block([next(quick) if good else next(others) for good in passed])

    # --- proofs ----------------------------------------------------------------------------------------------

    def _passed(self, table: Table) -> list[Seat | None]:
        """The seat of each row to which nothing is to be remarked; None for the others."""
        values, found = table.values, table.found
        today, known = self._school.today, self._checker.places.known
        ages, silent, code = self._ages, self._silent, self._school.code
        out: list[Seat | None] = []
        people = zip(
            values["school_code"], values["name"], values["birth_date"], values["entry_month"], values["class_no"],
            table.stages, table.grades, values["class_serial"], values["id_type"], values["id_number"], values["sex"],
            values["member1_id_type"], values["member1_id_number"], values["member2_id_type"],
            values["member2_id_number"], values["entry_mode"], values["political_status"],
            zip(*[values[key] for key in SEEN], strict=True),
            zip(*[map(bool, values[key]) for key in ASKED], strict=True),
            strict=True,
        )  # fmt: skip
        for i, (
            school, name, born, entry, class_raw, stage_raw, grade_raw, serial, kind, number, sex,
            kind1, number1, kind2, number2, mode, political, seen, asked,
        ) in enumerate(people):  # fmt: skip
            out.append(None)
            if (
                i in found
                or (school and school != code)
                or not name
                or born is None
                or entry is None
                or (serial and serial_number(serial) is None)
                or class_raw == ""
                or class_raw is None
                or kind != RESIDENT
                or type(number) is not str
                or not plainly_right(number, today, sex, born)
                or not _paper_right(kind1, number1, today)
                or not _paper_right(kind2, number2, today)
            ):
                continue
            age = ages.get((born, entry))
            if age is None:
                age = ages[(born, entry)] = rules.age_on(born, entry)
            senior = mode in rules.SENIOR_MODES
            seat = known.get((class_raw, entry, stage_raw, grade_raw, age >= 10, senior))
            if seat is None:
                seat = self._checker.places.seat(class_raw, entry, stage_raw, grade_raw, age, senior)
            if seat.problem is not None or seat.warning is not None:
                continue
            key = (seen, asked, seat.stage, (born, entry) if political == _LEAGUE else age)
            good = silent.get(key)
            if good is None:
                good = self._rules_say_nothing(table, i, seat.stage)
                if len(silent) < _REMEMBERED:
                    silent[key] = good
            if good:
                out[i] = seat
        return out

    def _rules_say_nothing(self, table: Table, i: int, stage: str) -> bool:
        said: list[str] = []
        record = {key: column[i] for key, column in table.values.items()}
        rules.check_row(
            record | {"_faulty": frozenset()}, stage, lambda key, *_more: said.append(key), self._checker.shut
        )
        return not said

    # --- writing ---------------------------------------------------------------------------------------------

    def _written(self, batch_id: int, table: Table, passed: list[bool], seats: list[Seat]) -> Iterator[bytes]:
        """The passed rows in the form of COPY."""
        count = len(seats)
        values: dict[str, Sequence[Any]] = {
            key: list(compress(column, passed)) for key, column in table.values.items()
        }
        for key in ("member1_id_number", "member2_id_number"):
            values[key] = [number or None for number in values[key]]
        if EITHER_OTHER in values["entry_mode"]:
            values["entry_mode"] = [
                rules.entry_mode_of(mode, seat.stage)
                for mode, seat in zip(values["entry_mode"], seats, strict=True)
            ]
        keys = self._checker.keys.many(2 * count)
        texts = [f"{key:032x}" for key in keys[::2]]
        people = [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}".encode() for h in texts]
        placed = [self._seat(raw, seat) for raw, seat in zip(values["class_no"], seats, strict=True)]
        numbers = values["id_number"]
        temporary = self._temporary(values["birth_date"])
        begin = wire.ok_row(batch_id)
        columns: list[Iterable[bytes]] = [
            [begin(number) for number in compress(table.numbers, passed)],
            [notes for notes, _class, _day in placed],
            [wire.uuid(key) for key in keys[::2]],
            [wire.uuid(key) for key in keys[1::2]],
            _sealed([pack(raw).encode() for raw in compress(table.full, passed)], b"staged_row.raw:", people),
            self._name_columns(values["name"], values["former_name"]),
            self._plain("sex", values),
            self._plain("birth_date", values),
            self._plain("ethnicity", values),
            self._plain("nationality", values),
            self._plain("former_name", values),
            self._plain("id_type", values),
            _sealed([number.encode() for number in numbers], b"identity_document.sealed:", people, b":1"),
            [_HASH + bidx for bidx in vault.index_column("id:" + RESIDENT, numbers)],
            [_HASH + bidx for bidx in vault.index_column("last6", [number[-6:] for number in numbers])],
            repeat(wire.text("L"), count),
            _sealed([number.encode() for number in temporary], b"student_number.sealed:", people, b":1"),
            [_HASH + bidx for bidx in vault.index_column("no:" + NATIONAL, temporary)],
            *self._auxiliary(values["auxiliary_number"], people),
            [class_ for _notes, class_, _day in placed],
            [wire.int2(serial_number(text)) if text else NOTHING for text in values["class_serial"]],
            [day for _notes, _class, day in placed],
            [wire.jsonb(text or "{}") for text in self._opened.objects(values, count)],
            _sealed_some(self._sealed.objects(values, count), b"person_profile.sealed:", people),
        ]
        for n in (1, 2):
            columns += self._member(n, values, people)
        return map(b"".join, zip(*columns, strict=True))

    def _plain(self, name: str, values: dict[str, Sequence[Any]], key: str = "") -> list[bytes]:
        write = self._words.get(name)
        if write is None:
            write = self._words[name] = wire.writer(name)
        column = values[key or name]
        return [NOTHING if value is None else write(value) for value in column]

    def _seat(self, class_raw: Any, seat: Seat) -> tuple[bytes, bytes, bytes]:
        """What one class gives to the row: its notes, its columns before the seat number, its first day."""
        found = self._seats.get((class_raw, seat))
        if found is None:
            have = self._school.classes.get((seat.stage, seat.cohort, seat.number))
            notes = [self._checker.note("class_no", typed, understood) for typed, understood in seat.notes]
            columns = {
                "stage": seat.stage, "cohort_year": seat.cohort, "class_number": seat.number,
                "class_id": have[0] if have else None,
            }  # fmt: skip
            written = b"".join(NOTHING if v is None else wire.writer(name)(v) for name, v in columns.items())
            found = self._seats[(class_raw, seat)] = (
                wire.notes(notes),
                written,
                wire.writer("enrolled_on")(seat.enrolled_on),
            )
        return found

    def _name_columns(self, names: Sequence[str], formers: Sequence[str | None]) -> list[bytes]:
        """name, pinyin, initials, pinyin_sort and grams of each row."""
        known = self._names
        out = []
        for pair in zip(names, formers, strict=True):
            written = known.get(pair)
            if written is None:
                name, former = pair
                keys = pinyin_of(name)
                parts = array_literal({*grams(name), *(grams(former) if former else ())})
                written = b"".join(map(wire.text, (name, keys.full, keys.initials, keys.sort, parts)))
                if len(known) < _REMEMBERED:
                    known[pair] = written
            out.append(written)
        return out

    def _temporary(self, born: Sequence[date]) -> list[str]:
        days, draw = self._days, self._checker.tails.draw
        head = f"L{self._school.division}"
        out = []
        for day in born:
            text = days.get(day)
            if text is None:
                text = days[day] = f"{day:%Y%m%d}"
            out.append(f"{head}{text}{draw(text):04d}")
        return out

    def _auxiliary(self, numbers: Sequence[str | None], people: list[bytes]) -> list[Iterable[bytes]]:
        if not any(numbers):
            return [repeat(NOTHING, len(people)), repeat(NOTHING, len(people))]
        kind = "no:" + self._school.aux_scheme
        return [
            _sealed_some([number or "" for number in numbers], b"student_number.sealed:", people, b":2"),
            [_HASH + vault.index(kind, number) if number else NOTHING for number in numbers],
        ]

    def _member(self, n: int, values: dict[str, Sequence[Any]], people: list[bytes]) -> list[Iterable[bytes]]:
        """The columns of one member of the family; all empty for a row that names none."""
        prefix, column = f"member{n}_", f"g{n}_"
        names = values[prefix + "name"]
        named = [bool(name) for name in names]
        secrets = self._members[n].objects(values, len(names))
        shown: dict[str, Sequence[Any]] = {
            key: values[prefix + key] for key in ("name", "relation", "relation_note")
        }
        if not all(named):
            secrets = [secret if there else "" for secret, there in zip(secrets, named, strict=True)]
            for key, cells in shown.items():
                shown[key] = [cell if there else None for cell, there in zip(cells, named, strict=True)]
        return [
            self._plain(column + "name", shown, "name"),
            self._plain(column + "relation", shown, "relation"),
            self._plain(column + "note", shown, "relation_note"),
            [
                wire.flag(flag == "1") if there else NOTHING
                for flag, there in zip(values[prefix + "is_guardian"], named, strict=True)
            ],
            _sealed_some(secrets, b"guardian.sealed:", people, b":%d" % n),
        ]


class _Fragments:
    """JSON objects of the same keys for many rows, as `packing.Objects` writes them."""

    def __init__(self, keys: Sequence[str], names: Sequence[str] | None = None) -> None:
        self._known = [(key, Fragments(name)) for key, name in zip(keys, names or keys, strict=True)]

    def objects(self, values: dict[str, Sequence[Any]], count: int) -> list[str]:
        """One object a row; '' where all its values are absent."""
        pieces: list[Iterable[str]] = []
        for key, known in self._known:
            column = values[key]
            first = column[0]
            if column.count(first) == count:
                if first is not None:
                    pieces.append(repeat(known[first], count))
            else:
                pieces.append([known[value] for value in column])
        if not pieces:
            return [""] * count
        bodies = map("".join, zip(*pieces, strict=True))
        return ["{" + body[:-1] + "}" if body else "" for body in bodies]


def _paper_right(kind: str | None, number: Any, today: date) -> bool:
    """Whether a member of the family has no number, or one to which nothing is to be remarked."""
    if number == "" or number is None:
        return True
    return kind == RESIDENT and type(number) is str and plainly_right(number, today)


def _sealed(plains: list[bytes], head: bytes, people: list[bytes], tail: bytes = b"") -> list[bytes]:
    return [
        wire.bytea(blob) for blob in vault.seal_column(plains, [head + person + tail for person in people])
    ]


def _sealed_some(plains: list[str], head: bytes, people: list[bytes], tail: bytes = b"") -> list[bytes]:
    """As `_sealed`; nothing where there is nothing to seal."""
    if all(plains):
        return _sealed([plain.encode() for plain in plains], head, people, tail)
    sealed = iter(
        _sealed(
            [plain.encode() for plain in plains if plain],
            head,
            [person for person, plain in zip(people, plains, strict=True) if plain],
            tail,
        )
    )
    return [next(sealed) if plain else NOTHING for plain in plains]
