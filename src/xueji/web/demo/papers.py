"""What lies on desks: a sheet of late entrants with rows to repair, and certificates given out in the last weeks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from xueji.ground.accounts.actor import Actor, enter
from xueji.ground.accounts.roles import Role
from xueji.ground.paper.fonts import missing_glyphs
from xueji.office.cards import commands as cards
from xueji.office.cards import queries as card_lists
from xueji.office.certificates import commands as certificates
from xueji.office.statistics import termly
from xueji.registry.enrolment.timeline import CHINA
from xueji.registry.intake import commands as intake

from .accounts import Staff
from .cases import clock_at
from .children import Child
from .sheet import sheet
from .world import World

#: School, purpose, days for which it holds, days ago.
_GIVEN = (
    ("a", "办理户口迁移", 30, 12), ("a", "申请助学金", 90, 9), ("a", "参加少年宫活动", 30, 6),
    ("b", "办理社会保险", 30, 8), ("b", "随父母办理居住证", 180, 3),
)  # fmt: skip


def make(
    world: World, staff: Staff, children: list[Child], seed: int, busy: set[uuid.UUID]
) -> dict[str, int]:
    """Bring the sheet in and give the certificates out; returns how many of each."""
    b = world.by_key("b")
    late = sheet(b.code, 24, 6, seed=seed, today=world.today)
    with at_desk(world, staff.at(Role.REGISTRAR, b.org_id).pk, 2) as actor:
        intake.upload(actor, late.content, "补录新生.xlsx", inline=True)
    return {
        "import_batch": 1,
        "certificate": _certificates(world, staff, children, busy),
        "card_batch": _cards(world, staff),
    }


def _cards(world: World, staff: Staff) -> int:
    """学生证 of a school: a class sealed by the county, one of the cards lost since, and a class that waits for its seal."""
    place = world.by_key("a")
    registrar = staff.at(Role.REGISTRAR, place.org_id).pk
    with at_desk(world, registrar, 20) as actor:
        batches = [
            cards.make(actor, kind="student", class_id=row.class_id)
            for row in card_lists.classes(place.org_id, "student")[:2]
        ]
        cards.send(actor, batches[0].pk)
        county = batches[0].county_id
    with at_desk(world, staff.at(Role.COUNTY_CLERK, county).pk, 17) as actor:
        cards.seal(actor, batches[0].pk)
    with at_desk(world, registrar, 5) as actor:
        cards.lose(actor, card_lists.of_batch(batches[0])[0].card.pk, "周末外出时遗失")
        cards.send(actor, batches[1].pk)
        termly.make(actor, term=termly.spans()[0].key, phase="begin")
    return len(batches)


def _certificates(world: World, staff: Staff, children: list[Child], busy: set[uuid.UUID]) -> int:
    """Some by schools, one of them void since, and one that the parent took at home."""
    given = 0
    for key, purpose, days, ago in _GIVEN:
        place = world.by_key(key)
        child = next(
            c
            for c in children[given * 7 :]
            if c.place is place and c.is_studying and c.id_type == "1" and not c.problem and c.person_id not in busy
            and c.life.moves[-1].at.year < world.start_year
            and not missing_glyphs(c.name)
        )  # fmt: skip
        with at_desk(world, staff.at(Role.REGISTRAR, place.org_id).pk, ago) as actor:
            paper = certificates.issue(actor, child.person_id, purpose=purpose, days=days)
            if not given:
                certificates.revoke(actor, paper.pk, "用途填写有误, 已重新开具")
                marks = "语文 91\n数学 95\n英语 优"
                term = f"{world.start_year - 1}-{world.start_year}学年第二学期"
                certificates.issue(
                    actor, child.person_id, kind="results", purpose="转学", term=term, results=marks
                )
        given += 1
    with at_desk(world, staff.users["parent"].pk, 4) as actor:
        certificates.issue_for_portal(actor, actor.persons[0], purpose="bank")
    return given + 2


@contextmanager
def at_desk(world: World, user_id: int, ago: int) -> Iterator[Actor]:
    """Act as an account so many days ago, in the afternoon."""
    moment = datetime.combine(world.today - timedelta(days=ago), time(15, 20), CHINA)
    with clock_at(min(moment, timezone.now())), transaction.atomic():
        actor = enter(user_id)
        if actor is None:
            raise RuntimeError(f"account {user_id} holds no role")
        yield actor
