"""Reads a sheet and checks its rows, in one process for small files and in two for big ones.

A sheet that is plainly a list of texts (`sheets.plain`) is read by both, each piece by whoever is free. Any other is
opened by the second process (a broken one can hurt nobody else there), which reads it, hands rows to the first as
long as that one is hungry, and checks the others itself. What comes back is ready for COPY. Meanwhile the first looks
at the package as `open_sheet` would (bombs, cells in far corners): nothing that the second has read is used before
that look is over, and the memory of the second is limited.
"""

from __future__ import annotations

import gc
import os
import pickle  # between our own two processes  # nosec B403
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from xueji.ground.crypto import vault
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import DEFAULT_LIMITS, Limits
from xueji.ground.sheets.plain import PlainSheet, look_plain
from xueji.ground.sheets.read import look_at, open_sheet
from xueji.ground.standards import divisions

from .aside import Aside, is_aside
from .bulk import Bulk
from .checker import Checker, chunks
from .columns import Mapping, WrongColumns
from .pair import BOTH_CAN_READ, MEMORY_CAN_BE_LIMITED, Exact, Out, Pair, credits, limit_memory, taken
from .places import SchoolFacts
from .workbook import Book, is_data

#: Files from this size on are read by a process of their own.
BIG = 3 * 1024 * 1024
#: The second process needs no models and no applications: it starts in a third of the time without them.
_CHILD = (
    "from django.conf import settings;"
    " settings.configure(USE_I18N=False, USE_TZ=True, TIME_ZONE='Asia/Shanghai');"
    " from xueji.registry.intake.stream import child_main; child_main()"
)


@dataclass
class Outcome:
    """What reading brought, filled while the blocks are taken."""

    mapping: Mapping | None = None
    kind: str = ""
    rows: int = 0
    blank: int = 0
    #: Sheets that were not taken and rows that are no pupils, each with the reason.
    left_out: list[str] = field(default_factory=list)


def check_stream(
    data: bytes,
    filename: str,
    school: SchoolFacts,
    batch_id: int,
    outcome: Outcome,
    *,
    limits: Limits = DEFAULT_LIMITS,
    big: int = BIG,
) -> Iterator[tuple[bytes, int]]:
    """Blocks of rows in COPY format, with the number of rows in each. Raises `SheetError`, `WrongColumns`."""
    if len(data) < big:
        yield from _alone(data, filename, school, batch_id, outcome, limits)
    else:
        yield from _together(data, filename, school, batch_id, outcome, limits)


def _alone(
    data: bytes, filename: str, school: SchoolFacts, batch_id: int, outcome: Outcome, limits: Limits
) -> Iterator[tuple[bytes, int]]:
    reader = open_sheet(data, filename, limits=limits)
    book = Book(reader, remembered=school.headings, levels=school.levels)
    outcome.mapping, outcome.kind = book.mapping, reader.kind
    bulk = Bulk(Checker(school, outcome.mapping))
    for part in chunks(book.rows()):
        outcome.rows += len(part)
        yield bulk.block(batch_id, part), len(part)
    outcome.blank, outcome.left_out = book.blank, book.left_out
    if not outcome.rows:
        raise SheetError("empty")


# --- two processes -------------------------------------------------------------------------------------------


def _together(
    data: bytes, filename: str, school: SchoolFacts, batch_id: int, outcome: Outcome, limits: Limits
) -> Iterator[tuple[bytes, int]]:
    pair = Pair(_CHILD)
    # Checking makes many small containers and no cycles: the collector would walk them for a third of the time.
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    order = {
        "filename": filename,
        "size": len(data),
        "school": school,
        "batch_id": batch_id,
        "limits": limits,
        "demo": bool(divisions.history("990000")),
        "index_key": vault.index_key(),
        "plan": None,
    }
    try:
        # While the other process starts.
        plain = look_plain(data, limits) if BOTH_CAN_READ else None
        book = None
        if plain is not None:
            # What is wrong with its headings is said of the whole book below.
            with suppress(SheetError, WrongColumns):
                book = Book(plain[0], remembered=school.headings, levels=school.levels)
        if plain is not None and book is not None and book.is_one_sheet:
            outcome.mapping, outcome.kind = book.mapping, plain[0].kind
            order["mapping"], order["plan"] = book.mapping, plain[1].plan
            pair.begin(order, data)
            yield from _each_its_pieces(pair, book, plain[1], school, batch_id, outcome)
        else:
            if not MEMORY_CAN_BE_LIMITED:
                look_at(data, limits=limits)
            pair.begin(order, data)
            if MEMORY_CAN_BE_LIMITED:
                look_at(data, limits=limits)
            yield from _one_reads(pair, school, batch_id, outcome)
        if not outcome.rows:
            raise SheetError("empty")
    finally:
        gc.set_threshold(*usual)
        pair.end()


def _one_reads(
    pair: Pair, school: SchoolFacts, batch_id: int, outcome: Outcome
) -> Iterator[tuple[bytes, int]]:
    """The other process reads, this one checks what it is given."""
    bulk: Bulk | None = None
    while True:
        what, load = pair.arrived.get()
        if what == "open":
            outcome.mapping, outcome.kind = load
            bulk = Bulk(Checker(school, outcome.mapping, lane=0, lanes=2))
        elif what == "rows":
            assert bulk is not None
            block = bulk.block(batch_id, load)
            pair.hungry()
            outcome.rows += len(load)
            yield block, len(load)
        elif what == "block":
            outcome.rows += load[1]
            yield load
        elif what == "end":
            outcome.blank, outcome.left_out, sheets = load
            assert outcome.mapping is not None
            outcome.mapping.sheets = sheets
            return
        else:
            _refuse(what, load)


def _each_its_pieces(
    pair: Pair, book: Book, sheet: PlainSheet, school: SchoolFacts, batch_id: int, outcome: Outcome
) -> Iterator[tuple[bytes, int]]:
    """Both processes read and check, piece by piece; this one alone until the other has come up."""
    mapping, pieces = book.mapping, sheet.plan.pieces
    bulk = Bulk(Checker(school, mapping, lane=0, lanes=2))
    others: list[tuple[str, Any]] = []

    def claims() -> Iterator[int]:
        for number in range(pieces):
            if others:
                pair.hand_out(range(number, pieces))
                yield from taken(pair.numbers)
                return
            yield number

    def mine() -> Iterator[list[tuple[int, list[Any]]]]:
        yield list(book.rows())
        outcome.blank = book.blank
        for piece in sheet.pieces(claims()):
            yield _pupils(piece, mapping, book.aside)

    for part in mine():
        if part:
            block = bulk.block(batch_id, part)
            outcome.rows += len(part)
            yield block, len(part)
        while not pair.arrived.empty():
            others.append(pair.arrived.get())
            yield from _from_other(*others[-1], outcome)
    if others:
        while others[-1][0] != "end":
            others.append(pair.arrived.get())
            yield from _from_other(*others[-1], outcome)
        book.aside.join(others[-1][1])
    outcome.left_out = book.left_out
    if sheet.plan.last_row:
        outcome.blank = sheet.plan.last_row - mapping.header_row - outcome.rows - book.aside.count


def _from_other(what: str, load: Any, outcome: Outcome) -> Iterator[tuple[bytes, int]]:
    if what == "block":
        outcome.rows += load[1]
        yield load
    elif what not in ("open", "end"):
        _refuse(what, load)


def _refuse(what: str, load: Any) -> None:
    """Raise what stopped the other process."""
    if what == "sheet":
        raise SheetError(load[0], **load[1])
    if what == "columns":
        raise WrongColumns(*load)
    if what == "bug":
        raise RuntimeError(f"the reading process failed:\n{load}")
    # Gone without a word: the native reader did not survive the file.
    raise SheetError("broken")


def _pupils(rows: list[tuple[int, list[Any]]], mapping: Mapping, aside: Aside) -> list[tuple[int, list[Any]]]:
    """Rows of pupils below the header; those that are none go to `aside`, as `Book.rows` does it."""
    holds, begins = is_data(mapping), is_aside(mapping.columns)
    out = []
    for number, cells in rows:
        if number > mapping.header_row and holds(cells):
            if word := begins(cells):
                aside.add(number, word)
            else:
                out.append((number, cells))
    return out


def child_main() -> None:
    """The second process: order and file on standard input, messages on standard output."""
    out = Out(os.fdopen(os.dup(1), "wb", buffering=1 << 20))
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb", buffering=0)
    try:
        order = pickle.load(Exact(source))  # written by the first process  # noqa: S301  # nosec B301
        data = Exact(source).read(order["size"])
    except EOFError:  # the first process is gone, and with it whoever wanted this
        return
    gc.disable()
    divisions.use_demo(order["demo"])
    vault.follow(order["index_key"])
    try:
        limit_memory()
        if order["plan"] is not None:
            _take_pieces(order, data, out)
            return
        os.set_blocking(0, False)
        reader = open_sheet(data, order["filename"], limits=order["limits"], guarded=False)
        del data
        book = Book(reader, remembered=order["school"].headings, levels=order["school"].levels)
        out.send("open", (book.mapping, reader.kind))
        bulk = Bulk(Checker(order["school"], book.mapping, lane=1, lanes=2))
        hungry = 0
        for part in chunks(book.rows()):
            hungry = credits(hungry)
            if hungry:
                hungry -= 1
                out.send("rows", part)
            else:
                out.send("block", (bulk.block(order["batch_id"], part), len(part)))
        out.send("end", (book.blank, book.left_out, book.mapping.sheets))
    except SheetError as error:
        out.send("sheet", (error.code, error.params))
    except WrongColumns as error:
        out.send("columns", (error.missing, error.unknown, error.mapping))
    except MemoryError:
        # It unpacks to more than this process may take: the file is at fault, not the program.
        out.send("sheet", ("zip_bomb", {}))
    except BrokenPipeError:
        return
    except Exception:
        out.send("bug", traceback.format_exc())


def _take_pieces(order: dict[str, Any], data: bytes, out: Out) -> None:
    """Read and check pieces of a plain sheet, as many as this process can get."""
    mapping = order["mapping"]
    sheet = PlainSheet(data, order["plan"], order["limits"])
    bulk = Bulk(Checker(order["school"], mapping, lane=1, lanes=2))
    aside = Aside()
    out.send("open", None)
    for piece in sheet.pieces(taken(order["numbers"])):
        if part := _pupils(piece, mapping, aside):
            out.send("block", (bulk.block(order["batch_id"], part), len(part)))
    out.send("end", aside)
