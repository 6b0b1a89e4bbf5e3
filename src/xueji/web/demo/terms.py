"""The term book in the demonstration: marks and attendance of some classes of school A, awards of a few children."""

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
    """Fill the book of four classes of school A for this term and the last; returns how many lines."""
    a = world.by_key("a")
    rng = random.Random("terms")
    year, term = words.term_of(world.today)
    terms = [(year, term), (year, 1) if term == 2 else (year - 1, 2)]
    n = 0
    with at_desk(world, staff.at(Role.REGISTRAR, a.org_id).pk, 1) as actor:
        for k in queries.classes(actor)[:4]:
            for y, t in terms:
                for kind, items in (("mark", _SUBJECTS), ("attendance", ("sick", "leave"))):
                    for item in items:
                        rows = queries.grid(actor, k.id, year=y, term=t, kind=kind, items=[item])
                        values = {
                            (g.row.person_id, item): rng.choice(("优", "优", "良", "合格"))
                            if kind == "mark"
                            else rng.choice(("0.5", "1", "2"))
                            for g in rows
                            if kind == "mark" or rng.random() < 0.15
                        }
                        if values:
                            n += commands.write_class(actor, k.id, year=y, term=t, kind=kind, values=values)
            for g in queries.grid(actor, k.id, year=year, term=term, kind="mark", items=["13"])[:3]:
                commands.add_award(
                    actor,
                    g.row.person_id,
                    name="校级文明少年",
                    level="60",
                    on=world.today - timedelta(days=20),
                )
                n += 1
    return {"term_line": n}
