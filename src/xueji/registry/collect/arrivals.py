"""Children who came from another school (转入): what came with them, what is still to be collected (C-COL-19)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.policy.statuses import Status
from xueji.ground.standards import fields as national_form
from xueji.ground.waiting import Ask, alone, day
from xueji.registry.enrolment.models import REGISTERED
from xueji.registry.people import groups

from . import levels
from .held import Held, held
from .queries import labels_of
from .words import FACES

#: Businesses by which a child comes from elsewhere; a late record (补建) is the entry of a child with a case.
BUSINESSES = ("transfer", "transfer_in")
#: Whoever came longer ago than a school year is asked with everybody else.
DAYS = 366
MOST = 60
#: What changes when a family moves: asked again even where the former school's value came along.
MOVING = frozenset({
    "household_division", "attendance_mode", "current_address", "postal_address", "home_address", "phone", "postcode",
    "left_behind", "rural_left_behind", "migrant_child", "migrant_worker_child", "commute_distance", "commute_mode",
    "school_bus", "member1_address", "member1_household_division", "member1_phone", "member2_address",
    "member2_household_division", "member2_phone",
})  # fmt: skip

# The latest coming of each child who is in attendance here, and the newest form since that is open or done:
# a task that was closed before the child's family answered brought nothing.
_COME = (
    "with come as (select distinct on (e.person_id) e.person_id, e.business, e.valid_at, e.recorded_at, e.detail"
    "  from event e where e.school_id = %(school)s and e.valid_at between %(since)s and now()"
    "  and coalesce(e.detail ->> 'direction', 'in') = 'in'"
    "  and (e.business = any(%(businesses)s) or (e.business = 'enrol' and e.case_id is not null))"
    "  order by e.person_id, e.valid_at desc)"
    " select c.person_id, c.business, c.valid_at, c.detail, r.name, r.class_id, r.stage, f.task_id, f.face"
    " from come c join roster r on r.person_id = c.person_id and r.school_id = %(school)s and r.kind = %(kind)s"
    "  and r.reason = 'enrolled' and r.status = %(studying)s"
    " left join lateral (select f.task_id, case when f.state = 'sent' and f.diff <> '[]'::jsonb then 'differs'"
    "   else f.state end as face from collect_form f join collect_task t on t.id = f.task_id"
    "  where f.person_id = c.person_id and f.school_id = %(school)s and f.state <> 'left'"
    "  and (t.closed_at is null or f.state = 'done')"
    "  and coalesce(t.closed_at, 'infinity') >= c.recorded_at and coalesce(f.confirmed_at, 'infinity') >= c.recorded_at"
    "  order by f.task_id desc limit 1) f on true"
)


@dataclass(frozen=True)
class Arrival:
    """A child who came: from where, what is on record of what the school collects, how the collection stands."""

    person_id: uuid.UUID
    name: str
    class_id: int | None
    stage: str
    place: str
    came_on: date
    origin: str
    outside: bool
    brought: int
    asked: int
    missing: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    task_id: int | None = None
    face: str = ""

    @property
    def label(self) -> str:
        """How the collection stands, in words."""
        return str(FACES[self.face][0]) if self.face else _("待采集")

    @property
    def tone(self) -> str:
        """Colour of the badge."""
        return FACES[self.face][1] if self.face else "amber"


def came(actor: Any, *, waiting: bool) -> list[Arrival]:
    """Children who came to the actor's school within a year, newest first, at most 60: those for whom no collection
    since is open or done (`waiting`), or those for whom one is. Nine statements, whatever their number.
    """
    if actor.org_kind != "school" or actor.org_id is None:
        return []
    with connection.cursor() as c:
        c.execute(
            f"{_COME} where (f.task_id is null) = %(waiting)s order by c.valid_at desc, c.person_id limit %(most)s",  # nosec B608
            _args(actor) | {"waiting": waiting, "most": MOST},
        )
        rows = c.fetchall()
    if not rows:
        return []
    known = held(actor, [r[0] for r in rows])
    said = levels.of_school(actor.org_id, sorted({r[6] for r in rows}))
    labels = labels_of([r[5] for r in rows if r[5]])
    details = {r[0]: json.loads(r[3]) for r in rows}
    schools = _schools(details.values())
    out = []
    for person, business, at, _detail, name, class_id, stage, task_id, face in rows:
        values = known.get(person, Held())
        wanted = [f for f in levels.needed(said[stage], values.values) if _readable(actor, f)]
        missing = [f for f in wanted if not values.values.get(f.key)]
        out.append(
            Arrival(
                person, name, class_id, stage, labels[class_id][0] if class_id in labels else "",
                timezone.localtime(at).date(), _origin(business, details[person], schools), business != "transfer",
                len(wanted) - len(missing), len(wanted),
                tuple(f.key for f in missing), tuple(f.name for f in missing[:5]), task_id, face or "",
            )
        )  # fmt: skip
    return out


def ask(actor: Any) -> Ask[tuple[int, date | None]]:
    """How many children who came wait for their collection, and since when the first of them does."""
    return Ask(
        "select count(*) as n, min((x.valid_at at time zone 'Asia/Shanghai')::date) as since"
        f" from ({_COME} where f.task_id is null limit 100) x",  # nosec B608
        _args(actor),
        lambda rows: (rows[0]["n"], day(rows[0]["since"])),
    )


def waiting_count(actor: Any) -> int:
    """How many children who came wait for their collection; one query."""
    return alone(ask(actor))[0]


def fields_for(arrivals: Sequence[Arrival], allowed: Mapping[str, str]) -> dict[str, str]:
    """What to ask these families, and no more (个人信息保护法 6): key facts to look over, what changes with a move, what
    is missing of one of them. What came from the former school and stays as it was is not asked again.
    """
    missing = {key for one in arrivals for key in one.missing}
    keys = {f.key for f in national_form.key_fields()}
    return {k: v for k, v in allowed.items() if v != "none" and (k in keys or k in MOVING or k in missing)}


def _args(actor: Any) -> dict[str, Any]:
    return {
        "school": actor.org_id if actor.org_kind == "school" else None,
        "since": timezone.now() - timedelta(days=DAYS),
        "businesses": list(BUSINESSES),
        "kind": REGISTERED,
        "studying": int(Status.STUDYING),
    }


def _readable(actor: Any, spec: national_form.Field) -> bool:
    return spec.member != 2 and groups.may(actor, groups.of_field(spec))


def _schools(details: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Names of the schools of this system that the children came from; one query."""
    ids = {d["from_school"] for d in details if isinstance(d.get("from_school"), int)}
    return dict(Org.objects.filter(pk__in=ids).values_list("pk", "name"))


def _origin(business: str, detail: Mapping[str, Any], schools: Mapping[int, str]) -> str:
    """The former school in words: of another installation, of this system, or as its papers name it."""
    if origin := detail.get("origin"):
        return f"{origin}({detail.get('system', '')})"
    former = detail.get("from_school", "")
    if isinstance(former, int):
        return schools.get(former, "")
    where = detail.get("from_area", "")
    return f"{where} {former}".strip() or (_("补建学籍") if business == "enrol" else _("系统外"))
