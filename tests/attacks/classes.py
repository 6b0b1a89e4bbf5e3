"""Placement and term registration of two schools for the attacks: a list, a mid-term entry, marks, a review, a check."""

from __future__ import annotations

from typing import Any

from tests.helpers import act_as, seeing_all

from xueji.ground.accounts.actor import today
from xueji.registry.placement.commands import numbers, reviews, terms
from xueji.registry.placement.models import Ask, AskKind, AskState, Item, Run


def build(world: Any) -> None:
    """One of each a school; the list and the entry are written beside the commands, which take pupils without a class."""
    for school, key in (("a1", "one"), ("c1", "c1")):
        place, person = world.place, world.persons[key]
        org, klass = place.org(school), place.klass(school)
        common = {"county_id": place.org(school[0]).pk, "school_id": org.pk}
        with seeing_all():
            run = Run(
                stage="P", cohort_year=2026, classes=[klass.pk], effective_on=today(), creator_id=0,
                creator_name="-", **common,
            )  # fmt: skip
            run.save(force_insert=True)
            Item(
                run_id=run.pk,
                no=1,
                school_id=org.pk,
                person_id=person,
                sex="1",
                birth_date=today(),
                open=False,
            ).save(force_insert=True)
            ask = Ask(
                kind=AskKind.ENTRY, state=AskState.PLACED, person_id=person, student="-", class_id=klass.pk,
                reason="-", effective_on=today(), asked_by="-", **common,
            )  # fmt: skip
            ask.save(force_insert=True)
        world.runs[school], world.asks[school] = run.pk, ask.pk
        with act_as(place.user("class_teacher", school)) as actor:
            terms.all_here(actor, klass.pk)
            numbers.give(actor, klass.pk, [c.person_id for c in terms.terms.children(actor, klass.pk)])
            terms.check_class(actor, klass.pk, expected=len(terms.terms.children(actor, klass.pk)))
        with act_as(place.user("registrar", school)) as actor:
            reviews.review(actor, [person], result="passed", parts=["健康"])
