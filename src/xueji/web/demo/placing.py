"""Placement in the demonstration: a term registered by most classes, a swap, a review after entry, pupils without a class."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs import queries as orgs
from xueji.registry.placement.commands import asks, reviews, runs, terms
from xueji.registry.placement.models import ReviewResult
from xueji.registry.placement.queries import reviews as entrants
from xueji.registry.placement.queries import roster

from .accounts import Staff
from .papers import at_desk
from .world import World


def make(world: World, staff: Staff) -> dict[str, int]:
    """Fill the desks of school A; returns how many of each. The class of the demonstration's teacher is left open."""
    a = world.by_key("a")
    registrar = staff.at(Role.REGISTRAR, a.org_id).pk
    marked = reviewed = swaps = listed = 0
    with at_desk(world, staff.users["teacher.a"].pk, 1) as actor:
        own = set(actor.classes)
    with at_desk(world, registrar, 20) as actor:
        classes = orgs.classes_of(a.org_id)
        for klass in classes[:-1]:
            if klass.id in own:
                continue
            here = terms.terms.children(actor, klass.id)
            if here and not marked:
                terms.mark(
                    actor,
                    klass.id,
                    here[-1].person_id,
                    state="excused",
                    since=world.today - timedelta(days=20),
                    proof="住院, 有医院证明",
                )
            marked += terms.all_here(actor, klass.id)
    with at_desk(world, registrar, 12) as actor:
        year = world.today.year if world.today.month >= 9 else world.today.year - 1
        new = entrants.entrants(a.org_id, year, limit=40)
        passed = [e.person_id for e in new[:12]]
        if passed:
            reviewed = reviews.review(actor, passed, result=ReviewResult.PASSED, parts=reviews.PARTS)
    with at_desk(world, registrar, 6) as actor:
        for one, other in pairwise(classes):
            if (one.stage, one.cohort_year) != (other.stage, other.cohort_year):
                continue
            pair = [roster.of_class(a.org_id, k.id)[-2:-1] for k in (one, other)]
            if all(p and p[0].status == 1 for p in pair):
                asks.ask_swap(actor, pair[0][0].person_id, pair[1][0].person_id, reason="监护人申请")
                swaps = 1
                break
    with at_desk(world, registrar, 2) as actor:
        school = roster.school_of(actor)
        for grade in roster.waiting(actor, school, world.today):
            rooms = [k.id for k in classes if (k.stage, k.cohort_year) == (grade.stage, grade.cohort_year)]
            if len(rooms) > 1:
                run = runs.prepare(
                    actor,
                    stage=grade.stage,
                    cohort=grade.cohort_year,
                    classes=rooms,
                    effective_on=world.today,
                )
                runs.freeze(actor, run.pk)
                listed = 1
                break
    return {"term_mark": marked, "entry_review": reviewed, "class_swap": swaps, "placement_run": listed}
