"""Bringing an export in: kept sealed, read, checked, compared with the record here."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import library
from xueji.ground.policy.model import NumberScheme
from xueji.ground.sheets.errors import SheetError
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.read import SheetReader, open_sheet, plain_label
from xueji.registry.intake import asked
from xueji.registry.intake import queries as intake
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.places import SchoolFacts

from .. import matching, queries, staging
from ..errors import TakeoverError
from ..layout import Layout, keys_of, read_layout
from ..models import Takeover, TakeoverDifference, TakeoverState
from ..reading import Reader

UPLOAD_LIMIT = 20 * 1024 * 1024
#: One school's register with its history; checked while the person waits.
ROWS = 20_000
LIMITS = Limits(max_bytes=UPLOAD_LIMIT, max_rows=ROWS)
SHEETS = ("roster", "moves")


def policy_of(school: SchoolFacts) -> tuple[PolicySet, NumberScheme | None]:
    """The rules of the school's place, and its scheme of auxiliary numbers if it has one."""
    rules = library().resolve(library().ids_for(school.division, school.code), school.today)
    return rules, intake.local_scheme(school.division, school.code, school.today)


def bring(
    actor: Any,
    roster: bytes,
    roster_name: str,
    *,
    moves: bytes = b"",
    moves_name: str = "",
    as_of: date | None = None,
    instead_of: int | None = None,
) -> Takeover:
    """Take an export of the own school in (NAT-FIL, issue "taking over a running register"): the roster with states
    and numbers, and the list of movements if there is one. Nothing is put on record yet.

    `instead_of` is a takeover that this corrected sheet replaces: its totals and columns go along. Raises
    PermissionDenied, Http404; `TakeoverError` for a sheet that cannot be read, with the reason.
    """
    actor.require("takeover.run")
    today = timezone.localdate()
    as_of = as_of or today
    if as_of > today:
        raise TakeoverError(_("导出日期还没有到, 请核对"))
    school = _school(actor)
    before = queries.takeover(actor, instead_of) if instead_of else queries.latest(school.org_id)
    with transaction.atomic():
        with acting("intake"):
            takeover = Takeover(
                county_id=school.county_id,
                school_id=school.org_id,
                as_of=as_of,
                roster_name=roster_name[-200:],
                roster_sha256=hashlib.sha256(roster).hexdigest(),
                moves_name=moves_name[-200:] if moves else "",
                moves_sha256=hashlib.sha256(moves).hexdigest() if moves else "",
                creator_id=actor.user_id,
                creator_name=actor.user_name,
                mapping={"named": before.mapping.get("named", {})} if before else {},
                totals=before.totals if before and instead_of else [],
            )
            takeover.save(force_insert=True)
            takeover.roster_file = _keep(takeover, "roster", roster, roster_name)
            if moves:
                takeover.moves_file = _keep(takeover, "moves", moves, moves_name)
            if instead_of and before is not None and before.state in queries.OPEN_STATES:
                _end(before, TakeoverState.DISCARDED)
            _check(takeover, school, {"roster": roster, "moves": moves})
        record(
            actor,
            "takeover.upload",
            object_type="takeover",
            object_id=takeover.pk,
            after={
                "file": takeover.roster_name,
                "sha256": takeover.roster_sha256,
                "moves": takeover.moves_name,
                "moves_sha256": takeover.moves_sha256,
                "as_of": as_of.isoformat(),
                "instead_of": instead_of,
                **takeover.counts,
            },
            row_count=takeover.counts.get("total", 0),
        )
    return takeover


def match_columns(actor: Any, takeover_id: int, given: Mapping[tuple[str, int], str]) -> Takeover:
    """Say what columns are: (roster or moves, column from 0) -> key, '' to leave it out; kept for this school's next
    export. Then the sheets are read again. Raises Http404, `TakeoverError`.
    """
    actor.require("takeover.run")
    school = _school(actor)
    with transaction.atomic():
        takeover = opened(actor, takeover_id, TakeoverState.MATCHING, TakeoverState.CHECKED)
        if takeover.published:
            raise TakeoverError(_("已经有学生接管, 不能再改列的对应。请重新上传"))
        named: dict[str, dict[str, str]] = {
            s: dict(takeover.mapping.get("named", {}).get(s, {})) for s in SHEETS
        }
        for (sheet, at), key in given.items():
            header = takeover.mapping.get(sheet, {}).get("header", [])
            if sheet not in SHEETS or not 0 <= at < len(header) or not plain_label(header[at]):
                raise TakeoverError(_("表格里没有这一列, 请刷新页面后再选"))
            if key and key not in keys_of(moves=sheet == "moves", levels=school.levels):
                raise TakeoverError(_("没有这个项目, 请重新选择"))
            named[sheet][plain_label(header[at])] = key
        with acting("intake"):
            takeover.mapping = {"named": named}
            files = {"roster": _file(takeover, "roster"), "moves": _file(takeover, "moves")}
            staging.drop(takeover.pk)
            TakeoverDifference.objects.filter(takeover_id=takeover.pk).delete()
            _check(takeover, school, files)
        record(actor, "takeover.match_columns", object_type="takeover", object_id=takeover.pk, after=named)
    return takeover


def ask_columns(takeover: Takeover) -> list[dict[str, Any]]:
    """The columns of both sheets for the page that matches by hand: what each is thought to be. What the place does not
    collect is no choice.
    """
    out = []
    levels = asked.levels(takeover.school_id)
    for sheet in SHEETS:
        layout = takeover.mapping.get(sheet)
        if not layout:
            continue
        by_place = {at: key for key, at in layout["columns"].items()}
        out.append(
            {
                "sheet": sheet,
                "missing": layout["missing"],
                "columns": [
                    (at, label, by_place.get(at, "")) for at, label in enumerate(layout["header"]) if label
                ],
                "choices": sorted(keys_of(moves=sheet == "moves", levels=levels).items(), key=lambda x: x[1]),
            }
        )
    return out


def discard(actor: Any, takeover_id: int) -> None:
    """Give a takeover up that put nobody on record. Raises Http404, `TakeoverError`."""
    actor.require("takeover.run")
    with transaction.atomic():
        takeover = opened(actor, takeover_id, TakeoverState.MATCHING, TakeoverState.CHECKED)
        if takeover.published:
            raise TakeoverError(_("已经有学生接管, 不能放弃; 处理完差异后可以结束"))
        with acting("intake"):
            _end(takeover, TakeoverState.DISCARDED)
        record(
            actor, "takeover.discard", object_type="takeover", object_id=takeover.pk, before=takeover.counts
        )


def opened(actor: Any, takeover_id: int, *states: TakeoverState) -> Takeover:
    """A takeover of the actor's school, locked, in one of these states. Raises Http404, `TakeoverError`."""
    takeover = queries.takeover(actor, takeover_id)
    with acting("intake"):
        takeover = Takeover.objects.select_for_update().get(pk=takeover.pk)
    if takeover.state not in states:
        text = _("这次接管现在是“%s”, 不能这样办理。请刷新页面查看")
        raise TakeoverError(text % takeover.get_state_display())
    return takeover


def _end(takeover: Takeover, state: TakeoverState) -> None:
    """Rows and what nobody decided are forgotten; counts, hash and decisions stay."""
    staging.drop(takeover.pk)
    takeover.state = state
    takeover.version += 1
    takeover.save()


def _school(actor: Any) -> SchoolFacts:
    if actor.org_kind != "school" or actor.org_id is None:
        raise TakeoverError(_("接管由学校的学籍管理员办理"))
    try:
        return intake.import_facts(actor.org_id)
    except IntakeError as error:
        raise TakeoverError(str(error)) from error


def _keep(takeover: Takeover, sheet: str, data: bytes, name: str) -> uuid.UUID:
    """The file as it came, sealed; no page of files gives it out."""
    sealed = vault.seal(data, _place(takeover, sheet))
    file = StoredFile(
        sha256=storage.write(sealed),
        size=len(data),
        mime="application/octet-stream",
        name=name[-200:],
        purpose="import",
    )
    file.save(force_insert=True)
    return file.pk


def _place(takeover: Takeover, sheet: str) -> str:
    return f"takeover.file:{takeover.pk}:{sheet}"


def _file(takeover: Takeover, sheet: str) -> bytes:
    key = takeover.roster_file if sheet == "roster" else takeover.moves_file
    file = StoredFile.objects.filter(pk=key).first() if key else None
    if file is None:
        if sheet == "roster":
            raise TakeoverError(_("原表格已按保管期限清除, 请重新上传"))
        return b""
    return vault.open_bytes(storage.read(file.sha256), _place(takeover, sheet))


def _open(data: bytes, name: str) -> SheetReader:
    try:
        return open_sheet(data, name, limits=LIMITS)
    except SheetError as error:
        raise TakeoverError(f"{name}: {error}") from error


def _check(takeover: Takeover, school: SchoolFacts, files: Mapping[str, bytes]) -> None:
    """Read both sheets, find every child, write rows and differences. In the role `intake`."""
    names = {"roster": takeover.roster_name, "moves": takeover.moves_name}
    named = takeover.mapping.get("named", {})
    readers: dict[str, SheetReader] = {}
    layouts: dict[str, Layout] = {}
    try:
        for sheet in SHEETS:
            if files[sheet]:
                readers[sheet] = _open(files[sheet], names[sheet])
                layouts[sheet] = read_layout(
                    readers[sheet],
                    moves=sheet == "moves",
                    remembered=named.get(sheet, {}),
                    levels=school.levels,
                )
        takeover.mapping = {"named": named, **{s: x.as_json() for s, x in layouts.items()}}
        if any(x.missing for x in layouts.values()):
            takeover.state = TakeoverState.MATCHING
            takeover.save()
            return
        reader = Reader(school, policy_of(school)[1])
        moves: dict[str, list[Any]] = {}
        faults: list[dict[str, Any]] = []
        if "moves" in layouts:
            moves, faults = reader.movements(readers["moves"], layouts["moves"])
        rows = reader.roster(readers["roster"], layouts["roster"], moves)
    except SheetError as error:
        raise TakeoverError(str(error)) from error
    if not rows:
        raise TakeoverError(_("名册里没有学生"))
    used = {k for row in rows for k in reader.keys_of(row)}
    lost = [m for key, own in moves.items() if key not in used for m in own]
    found = matching.match(rows, school, set(layouts["roster"].columns))
    staging.load(takeover.pk, found.rows)
    write_differences(takeover, found.differences)
    takeover.state = TakeoverState.CHECKED
    takeover.counts = {
        "total": len(rows),
        **staging.counts(takeover.pk),
        "warnings": sum(1 for row in rows if row.issues and not row.faulty),
        "moves": sum(len(own) for own in moves.values()),
        "moves_faulty": faults[:50],
        "moves_lost": len(lost),
        "left_out": reader.aside.lines(),
    }
    takeover.save()


def write_differences(takeover: Takeover, found: Sequence[matching.Difference]) -> None:
    """Keep differences, in one COPY and one statement. In the role `intake`."""
    columns = (
        "takeover_id, county_id, school_id, row_no, person_id, name, place, kind, field, here, there, decision, reason,"
        " decided_name"
    )
    with connection.cursor() as c:
        c.execute(
            f"create temp table takeover_found on commit drop as select {columns} from takeover_difference with no data"
        )
        with c.copy(f"copy takeover_found ({columns}) from stdin") as copy:
            for one in found:
                copy.write_row(
                    [takeover.pk, takeover.county_id, takeover.school_id, one.row_no, one.person_id, one.name[:100],
                     one.place[:60], str(one.kind), one.field[:40], one.here[:200], one.there[:200], "open", "", ""]
                )  # fmt: skip
        c.execute(f"insert into takeover_difference ({columns}) select {columns} from takeover_found")
        c.execute("drop table takeover_found")
