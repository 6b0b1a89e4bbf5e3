"""How a case of any kind is filled in: from its own form, so that a new kind is tried without a word about it here.

`fill` takes what the form offers. Where a kind wants more than that, `RECIPES` says so by its name.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone
from tests.helpers import Place, act_as, seeing_all
from tests.registry.changes.world import BORN, ENROLLED, PDF, identity

from xueji.ground.policy.statuses import Status
from xueji.registry.changes import commands as cases
from xueji.registry.changes.business.details import changeable
from xueji.registry.changes.kinds import KINDS
from xueji.registry.changes.models import Case
from xueji.registry.changes.routing import policy_for, units_of
from xueji.registry.enrolment import commands as enrolment
from xueji.registry.enrolment.models import GUEST, REGISTERED, Roster, Transition
from xueji.registry.enrolment.timeline import Step, midnight
from xueji.registry.people import commands as people
from xueji.registry.problems import commands as problems

Values = dict[str, Any]
#: Kinds that begin with a child whom nobody has recorded.
NEWCOMERS = frozenset(k.id for k in KINDS.values() if k.newcomer is not None)


@dataclass(frozen=True)
class Recipe:
    """What a kind needs beyond its form. `status`: where the child must stand; `more` goes over what was filled in;
    `school`, `stage`, `cohort`: whose class it is in."""

    status: Status | None = None
    school: str = "a1"
    stage: str = "P"
    more: Callable[[Case, random.Random], Values] = lambda _case, _rng: {}
    cohort: int = 2026
    prepare: Callable[[Place, uuid.UUID], None] | None = None


def _correction(_case: Case, rng: random.Random) -> Values:
    return {"new_name": "赵" + rng.choice(["晓满", "小曼", "筱满"])}


def _longer(_case: Case, _rng: random.Random) -> Values:
    today = timezone.localdate()
    return {"start": today.isoformat(), "end": (today + timedelta(days=200)).isoformat()}


def _details(_case: Case, rng: random.Random) -> Values:
    plain = [
        k for k, f in changeable().items() if f.table is None and not f.sensitive and (f.max_len or 99) > 10
    ]
    return {f"to_{rng.choice(sorted(plain))}": "东乡村二组"}


def _other_class(case: Case, _rng: random.Random) -> Values:
    with seeing_all():
        now = Roster.objects.filter(person_id=case.person_id, reason="enrolled").values_list(
            "class_id", flat=True
        )
        here = set(now)
    offered = [str(v) for v, _label in KINDS[case.business].form(case).fields["to_class_id"].choices if v]  # type: ignore[attr-defined]
    return {"to_class_id": next((v for v in offered if int(v) not in here), "")}


def _newcomer(_case: Case, _rng: random.Random) -> Values:
    number = identity()
    born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return {"new_sex": "1", "new_birth_date": born, "new_number": number, "new_id_type": "1"}


def _guest(place: Place, person: uuid.UUID) -> None:
    """The child studies at b1 while its record stays."""
    with act_as(place.user("registrar", "b1")) as actor:
        enrolment.apply_step(
            actor,
            Step(
                person,
                "borrow",
                Status.STUDYING,
                midnight(ENROLLED),
                kind=GUEST,
                school_id=place.org("b1").pk,
                class_id=place.klass("b1").pk,
            ),
        )


def _reported(place: Place, person: uuid.UUID) -> None:
    """The school says that the child's identity number is wrong."""
    with act_as(place.user("registrar", "a1")) as actor:
        problems.report(actor, person, "户口簿上的号码不同")


def _answer(_case: Case, _rng: random.Random) -> Values:
    return {"action": "change", "statement": "户口簿原件已核对", "new_number": identity()}


#: Kinds whose form alone does not say what a good case is.
RECIPES: Mapping[str, Recipe] = {
    "correct_key": Recipe(more=_correction),
    "borrow_end": Recipe(prepare=_guest),
    "cancel_entry": Recipe(school="c1", stage="S"),
    "change_class": Recipe(more=_other_class),
    "correct": Recipe(more=_details),
    "expel": Recipe(school="c1", stage="S"),
    "problem": Recipe(prepare=_reported, more=_answer),
    "repeat": Recipe(cohort=2025),
    "reserve": Recipe(school="c1", stage="S"),
    "transfer_in": Recipe(more=_newcomer),
    "withdraw": Recipe(school="c1", stage="S"),
    "suspend": Recipe(more=_longer),
}


def recipe(business: str) -> Recipe:
    """The recipe of a kind: its own, or that of every kind."""
    return RECIPES.get(business, Recipe())


def make_child(place: Place, business: str, name: str, number: str) -> uuid.UUID | None:
    """A child that stands where a kind wants it; None for a kind that begins with a child whom nobody knows."""
    if business in NEWCOMERS:
        return None
    how = recipe(business)
    klass = place.klass(how.school, how.stage, how.cohort)
    with act_as(place.user("registrar", how.school)) as actor:
        person = people.add_person(
            actor,
            people.Newcomer(name=name, sex="1", birth_date=BORN, id_type="1", id_number=number),
            division=place.org(how.school).division,
            readers=[place.org(how.school).pk, place.org(how.school[0]).pk],
            klasses=[klass.pk],
            at=midnight(ENROLLED),
        )
        enrolment.apply_step(
            actor,
            Step(
                person,
                "enrol",
                Status.STUDYING,
                midnight(ENROLLED),
                school_id=place.org(how.school).pk,
                class_id=klass.pk,
            ),
        )
    put_into(place, person, status_for(business), how.school)
    if how.prepare is not None:
        how.prepare(place, person)
    return person


def status_for(business: str) -> Status:
    """A status from which a kind can be started: 在读 where that is allowed."""
    wanted = recipe(business).status
    if wanted is not None:
        return wanted
    known = KINDS[business].from_statuses
    return Status.STUDYING if Status.STUDYING in known else min(known)


def put_into(place: Place, person: uuid.UUID, status: Status, school: str = "a1") -> None:
    """Lead a child from 在读 to another status, over a transition that the packs allow."""
    if status is Status.STUDYING:
        return
    with seeing_all():
        row = Transition.objects.filter(
            kind=REGISTERED, from_status=Status.STUDYING, to_status=status, active=True
        ).first()
    assert row is not None, f"no way from 在读 to {status.code_label}"
    with act_as(place.user("registrar", school)) as actor:
        enrolment.apply_step(
            actor, Step(person_id=person, business=row.business, to_status=status, at=timezone.now())
        )


def fill(case: Case, rng: random.Random, *, careless: bool = False) -> Values:
    """Values for a case's form. `careless`: some left out, some days gone by. Must run in the scope of its starter.

    Returns what the form makes of them; of a form that refuses them, what is left.
    """
    kind = KINDS[case.business]
    form = kind.form(case)
    raw: dict[str, Any] = {}
    for name, field in form.fields.items():
        if careless and rng.random() < 0.3:
            continue
        raw[name] = _value(name, field, rng, careless=careless) or case.form.get(name)
    if not careless or rng.random() < 0.5:
        raw |= recipe(case.business).more(case, rng)
    bound = kind.form(case, {k: v for k, v in raw.items() if v not in (None, "")})
    if bound.is_valid():
        return bound.values()
    good = {k: v for k, v in raw.items() if k not in bound.errors and v not in (None, "")}
    if not careless:
        raise AssertionError(f"{case.business}: {dict(bound.errors)}")
    again = kind.form(case, good)
    return again.values() if again.is_valid() else {}


def _value(name: str, field: forms.Field, rng: random.Random, *, careless: bool) -> Any:
    today = timezone.localdate()
    if isinstance(field, forms.ModelChoiceField):
        found = list(field.queryset[:20]) if field.queryset is not None else []
        return rng.choice(found).pk if found else ""
    if isinstance(field, forms.MultipleChoiceField):
        return [str(v) for v, _label in field.choices if v][:1]
    if isinstance(field, forms.ChoiceField):
        offered = [str(v) for v, _label in _flat(field.choices) if v not in ("", None)]
        if name.startswith("new_") or (name.startswith("to_") and not name.endswith("_id")):
            return ""
        return rng.choice(offered) if careless and offered else next(iter(offered), "")
    if isinstance(field, forms.DateField):
        return _day(name, today, rng, careless=careless)
    if isinstance(field, forms.BooleanField):
        return "on"
    if isinstance(field, forms.IntegerField):
        return field.min_value or 1
    if name == "new_number":
        return identity() if careless and rng.random() < 0.2 else ""
    if name.startswith(("new_", "to_")):
        return ""
    words = "依家长书面申请办理"
    return words[: field.max_length] if isinstance(field, forms.CharField) else ""


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    out: list[tuple[Any, Any]] = []
    for value, label in choices:
        out += list(label) if isinstance(label, (list, tuple)) else [(value, label)]
    return out


def _day(name: str, today: date, rng: random.Random, *, careless: bool) -> str:
    if name.startswith("new_"):
        return ""
    day = today
    if careless:
        day += timedelta(days=rng.choice([-400, -1, 0, 0, 3, 20, 500]))
    elif name.startswith(("end", "until", "planned")):
        day += timedelta(days=200)
    return day.isoformat()


def starter(business: str) -> str:
    """The school that begins a case of a kind with a child of `make_child`."""
    return "b1" if KINDS[business].lookup or KINDS[business].guest else recipe(business).school


def begin(place: Place, user: Any, business: str, person: uuid.UUID | None, name: str, number: str) -> Case:
    """A draft, begun as its kind wants it."""
    with act_as(user) as actor:
        if business in NEWCOMERS:
            return cases.start_newcomer(actor, name=name, number="")
        if KINDS[business].lookup:
            return cases.start(actor, business=business, name=name, number=number)
        return cases.start(actor, business=business, person_id=person)


def complete(user: Any, case: Case, rng: random.Random, *, careless: bool = False) -> None:
    """Fill in a draft and bring its papers."""
    with act_as(user) as actor:
        cases.save_draft(actor, case_id=case.pk, form=fill(case, rng, careless=careless))
    for slot in slots_of(case):
        if careless and rng.random() < 0.3:
            continue
        with act_as(user) as actor:
            cases.attach(actor, case_id=case.pk, slot=slot, data=PDF, name="材料.pdf")


def slots_of(case: Case) -> list[str]:
    """The papers that the form of a case has a place for."""
    with transaction.atomic():
        units = units_of(case.org_id, case.from_school_id or case.org_id, case.to_school_id)
        policy = policy_for(units.start, timezone.localdate())
        return [s.doc for s in policy.business(case.business).evidence]
