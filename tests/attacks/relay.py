"""Transfers with another installation in the attacked world: one received here, two that leave. The other
installation is played by its messages alone.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from tests.helpers import act_as, seeing_all

from xueji.registry.relay import commands, outbox
from xueji.registry.relay.commands import handlers
from xueji.registry.relay.models import Own, Peer

if TYPE_CHECKING:
    from tests.attacks.world import World

_STRANGER = "袁野鹤"


def build(world: World) -> None:
    """A draft of b1; children of a1 and c1 who are asked to leave."""
    with seeing_all():
        Own.objects.create(pk=1, code="A99", name="测试省学籍系统")
        peer = Peer.objects.create(code="B99", name="远方省学籍系统", divisions=["98"])
        world.peer = peer.pk
    with act_as(world.place.user("registrar", "b1")) as actor:
        case = commands.begin(
            actor, peer_id=peer.pk, school_code="9801010001", name=_STRANGER, number="L98010120190101001"
        )
    world.relay["in"] = case.case_id
    summary = {"name": _STRANGER, "grade_code": "11", "stage": "P", "cohort": "2026", "status": "在读"}
    hear(
        case.case_id,
        peer,
        "transfer.found",
        {"summary": summary, "school": "远方小学", "authority": "远方县教育局", "steps": []},
    )
    for key, school in (("one", "a1"), ("c1", "c1")):
        conversation = uuid.uuid4()
        by = {"school": "远方小学", "school_code": "9801010001", "authority": "远方县教育局", "system": ""}
        number = world.numbers[key]
        asked = {
            "name": world.name(key),
            "number": number,
            "school_code": world.place.org(school).code,
            "by": by,
        }
        hear(conversation, peer, "transfer.ask", asked)
        hear(conversation, peer, "transfer.request", request())
        world.relay[key] = conversation


def request() -> dict[str, Any]:
    """What the receiving side says when it has decided."""
    form = {
        "reason": "家庭住址变动",
        "effective_on": timezone.localdate().isoformat(),
        "to_school": "远方小学",
    }
    return {"again": False, "number": "KS-1", "form": form, "papers": [], "steps": []}


def hear(conversation: uuid.UUID, peer: Peer, kind: str, body: dict[str, Any]) -> None:
    """A message of the other installation is worked off."""
    with seeing_all():
        handlers.handle(outbox.open_talk(conversation, peer), peer, kind, body)


def facts(owner: Any, county: dict[int, int]) -> dict[uuid.UUID, tuple[set[int], set[int], uuid.UUID | None]]:
    """Who takes part in each transfer: units, classes, the child."""
    out: dict[uuid.UUID, tuple[set[int], set[int], uuid.UUID | None]] = {}
    for case_id, state, org, person in owner.execute(
        "select case_id, state, org_id, person_id from relay_case"
    ).fetchall():
        units = {org} if state in ("asking", "draft", "unknown") else {org, county[org]}
        out[case_id] = (units, set(), person)
    for case_id, org in owner.execute("select case_id, org_id from relay_step where own").fetchall():
        out[case_id][0].add(org)
    for case_id, klass in owner.execute(
        "select c.case_id, s.class_id from relay_case c join enrolment_state s on s.person_id = c.person_id"
        " and s.kind = 1 and s.valid_to is null where c.side = 'out'"
    ).fetchall():
        out[case_id][1].add(klass)
    return out
