"""The term book in the demonstration: marks and attendance of the classes of school A, awards of a few children."""

from __future__ import annotations

import random
from datetime import timedelta

from xueji.ground.accounts.roles import Role
from xueji.registry.termbook import commands, queries, words

from .accounts import Staff
from .papers import at_desk
from .world import World

_SUBJECTS = ("13", "14", "41")


def make(world: World, staff: Staff) -> dict[str, int]:
    """Fill the book of school A for this term; returns how many lines."""
    a = world.by_key("a")
    rng = random.Random("terms")
    year, term = words.term_of(world.today)
    n = 0
    with at_desk(world, staff.at(Role.REGISTRAR, a.org_id).pk, 1) as actor:
        for k in queries.classes(actor):
            pupils = [
                g.row for g in queries.grid(actor, k.id, year=year, term=term, kind="mark", items=["13"])
            ]
            if not pupils:
                continue
            for subject in _SUBJECTS:
                marks = {(p.person_id, subject): rng.choice(("优", "优", "良", "合格")) for p in pupils}
                n += commands.write_class(actor, k.id, year=year, term=term, kind="mark", values=marks)
            days = {
                (p.person_id, "sick"): rng.choice(("0.5", "1", "2")) for p in pupils if rng.random() < 0.3
            }
            if days:
                n += commands.write_class(actor, k.id, year=year, term=term, kind="attendance", values=days)
            for p in pupils[:2]:
                commands.add_award(
                    actor, p.person_id, name="校级文明少年", level="60", on=world.today - timedelta(days=20)
                )
                n += 1
    return {"term_line": n}
