"""How complete the blocks of a pupil's information are: school, pupil, family, changes, curriculum vitae, photo (C-COL-25)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from xueji.ground.orgs import queries as orgs
from xueji.registry.people import groups

from . import levels
from .held import Held


@dataclass(frozen=True)
class Block:
    """One block: how many of its items there are, and what is missing, in words."""

    title: str
    filled: int
    total: int
    missing: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.filled >= self.total

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return "green" if self.whole else "amber" if self.filled else "red"


def of_pupil(
    actor: Any, person_id: uuid.UUID, school_id: int, stage: str, held: Held, *, notes: bool
) -> list[Block]:
    """The blocks of one pupil, as far as the actor reads them; fields count at the levels of the school."""
    level = levels.of_school(school_id, [stage])[stage]
    wanted = levels.needed(level, held.values)
    # What the actor may not read is not missing: it is left out.
    wanted = [f for f in wanted if groups.may(actor, groups.of_field(f))]
    pupil = [f for f in wanted if not f.member]
    family = [f for f in wanted if f.member == 1]
    with connection.cursor() as c:
        c.execute(
            "select (select count(*) from event where person_id = %(p)s),"
            " (select count(*) from person_photo where person_id = %(p)s)",
            {"p": person_id},
        )
        events, photo = c.fetchone()
    out = [
        school(actor, school_id),
        _fields(_("学生信息"), pupil, held),
        _fields(_("家庭信息"), family, held),
        Block(_("学籍变动信息"), min(events, 1), 1, "" if events else _("没有入学记录")),
        Block(_("电子照片"), int(photo), 1, "" if photo else _("还没有照片")),
    ]
    if actor.can("collect.note") or actor.is_portal:
        out.insert(4, Block(_("简历(奖惩)信息"), int(notes), 1, "" if notes else _("家庭没有填写(自愿)")))
    return out


def school(actor: Any, school_id: int) -> Block:
    """The school's own sheet."""
    card = orgs.card(actor, school_id)
    items = {
        _("学校标识码"): card.code,
        _("学校全称"): card.name,
        _("办学类型"): card.school_type,
        _("地址"): card.address,
        _("办公电话"): card.phone,
        _("学籍联系人"): card.contact,
        _("印章名称"): card.seal_name,
    }
    missing = [k for k, v in items.items() if not v]
    return Block(_("学校信息"), len(items) - len(missing), len(items), "、".join(missing))


def _fields(title: str, specs: list[Any], held: Held) -> Block:
    missing = [f.name for f in specs if not held.values.get(f.key)]
    return Block(title, len(specs) - len(missing), len(specs), "、".join(missing[:6]))
