"""What a copy says of a pupil: the platform now, the workbook as it goes out, the sheet as it comes back. Reads only.

A copy is a dict of texts: the facts (name, sex, birth date, masked paper, class, state) and the ordinary data by key.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from xueji.ground.policy.statuses import Status
from xueji.ground.sheets.guard import Limits
from xueji.ground.sheets.write import TemplateField, write_template
from xueji.ground.standards.text import as_text
from xueji.registry.intake import books, updating
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.places import SchoolFacts
from xueji.registry.intake.updating import FIXED, KEY, Pupil

from .errors import OfflineError

Copy = dict[str, str]
STATUS = "status"
#: Facts of a pupil in a copy, with their headings; changed by cases only.
FACTS: tuple[tuple[str, Any], ...] = (*FIXED[1:], (STATUS, _lazy("学籍状态")))
_LEFT = (Status.TRANSFERRED_OUT, Status.WITHDRAWN, Status.DECEASED)
_STATES = (*(s for s in Status if s.is_open), *_LEFT)


@dataclass(frozen=True)
class Now:
    """A pupil on the platform: its copy and the version of its record."""

    copy: Copy
    version: int
    withheld: frozenset[str]


@dataclass(frozen=True)
class Line:
    """A row of the sheet that came back: cells by key."""

    row_no: int
    person_id: uuid.UUID | None
    cells: dict[str, Any]

    def text(self, key: str) -> str:
        """A fact as it was typed."""
        value = self.cells.get(key, "")
        return value.isoformat()[:10] if isinstance(value, date) else as_text(value).strip()


def label_of(key: str) -> str:
    """The heading of a key."""
    for known, label in FACTS:
        if known == key:
            return str(label)
    return next((f.name for f in updating.columns() if f.key == key), key)


def now(
    actor: Any, school_id: int, *, class_id: int | None = None, ids: Sequence[uuid.UUID] | None = None
) -> dict[uuid.UUID, Now]:
    """Present pupils of a class, of the school, or with these keys, in three queries. Raises `OfflineError` beyond
    what one package holds.
    """
    try:
        found = updating.pupils(actor, school_id, class_id=class_id, ids=ids)
    except IntakeError as error:
        raise OfflineError(error.message) from error
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.status, p.version, coalesce(f.withheld, '{}') from roster r"
            " join person p on p.person_id = r.person_id left join person_profile f on f.person_id = p.person_id"
            " where r.school_id = %s and r.kind = 1 and r.reason = 'enrolled' and r.person_id = any(%s::uuid[])",
            [school_id, [p.person_id for p in found]],
        )
        more = {person: (status, version, shut) for person, status, version, shut in c.fetchall()}
    out: dict[uuid.UUID, Now] = {}
    for pupil in found:
        status, version, shut = more[pupil.person_id]
        out[pupil.person_id] = Now(_copy(pupil, str(Status(status).label)), version, frozenset(shut))
    return out


def _copy(pupil: Pupil, status: str) -> Copy:
    return {key: pupil.shown(key) for key, _label in FIXED[1:]} | {STATUS: status} | pupil.values


def book(school: SchoolFacts, package_id: int, title: str, copies: Mapping[str, Copy]) -> bytes:
    """The workbook of a package: a row a pupil, free rows below for children who come meanwhile."""
    specs = updating.columns(school.org_id)
    lists = {f.codeset: books.choices(f.codeset) for f in specs if f.codeset and books.choices(f.codeset)}
    lists[STATUS] = [str(s.label) for s in _STATES]
    case = str(_("改动交回后作为业务办理; 证件号要改就填新的完整号码"))
    fields = [
        TemplateField(label=FIXED[0][1], help=_("不能修改; 新来的学生留空"), locked=True),
        *(TemplateField(label=str(label), help=case, codes=STATUS if key == STATUS else "") for key, label in FACTS),
        *(
            TemplateField(
                label=f.name,
                help=_("已保密存放, 只显示一部分; 不改就留着, 要改就填新的完整内容")
                if updating.is_sealed(f)
                else f.purpose,
                codes=f.codeset if f.codeset in lists else "",
            )
            for f in specs
        ),
    ]  # fmt: skip
    rows = [
        [key, *(c.get(k, "") for k, _label in FACTS), *(updating.shown(f, c.get(f.key, "")) for f in specs)]
        for key, c in copies.items()
    ]
    notes = [
        _("离线包 %(id)s: %(title)s") % {"id": package_id, "title": title},
        _("在没有网络的地方填写, 回来后在“离线办理”交回; 空着的格子不会清除原有内容"),
        _("新来的学生写在最后, 系统编号留空; 离校的学生改学籍状态, 不要删行"),
    ]
    meta = {
        "xueji-kind": "offline", "xueji-version": books.VERSION, "xueji-school": school.code,
        "xueji-package": str(package_id),
    }  # fmt: skip
    return write_template(fields, lists, meta=meta, rows=rows, notes=notes, sheet_name=str(_("离线学籍")))


def read(data: bytes, filename: str, package_id: int, limits: Limits) -> list[Line]:
    """The rows of a package that came back. Raises `OfflineError` for another sheet or another package's."""
    try:
        lines, at, meta = updating.read_lines(data, filename, limits, {str(_("学籍状态")): STATUS})
    except IntakeError as error:
        raise OfflineError(error.message) from error
    other = meta.get("xueji-package", "")
    if other and other != str(package_id):
        raise OfflineError(_("这是离线包 %s 的表, 请在那个离线包的页面交回") % other)
    out = []
    for number, cells in lines:
        found = {key: cells[place] for key, place in at.items() if place < len(cells)}
        try:
            person = uuid.UUID(as_text(found.get(KEY, "")))
        except ValueError:
            person = None
        line = Line(number, person, found)
        if person is not None or as_text(found.get(KEY, "")) or line.text("name"):
            out.append(line)
    return out
