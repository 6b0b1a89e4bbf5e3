"""Two installations in one process, each with its own database and keys, and a bad network between them."""

from __future__ import annotations

import copy
import os
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, connections, transaction
from django.utils import timezone
from tests.helpers import Place, act_as, make_county, seeing_all
from tests.registry.changes.world import make_child, picture

from xueji.ground.crypto import keyring, keys, pairs, vault
from xueji.ground.crypto.suites import Family
from xueji.registry.relay import commands, inbox, outbox, peers
from xueji.registry.relay.errors import NotDelivered
from xueji.registry.relay.models import Outgoing, Peer, RelayCase, State

NAME = "赵小满"
SLOTS = ("学生基本信息表", "转学原因证明")


class Clock:
    """A time that tests move: never behind the real one."""

    def __init__(self) -> None:
        self._ahead = timedelta(seconds=1)

    @property
    def now(self) -> datetime:
        return timezone.now() + self._ahead

    def tick(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass
class Installation:
    """One of the two. `with it.on():` everything in this process is that installation."""

    code: str
    database: str
    key_file: Path
    wrapper: Any
    place: Place = field(init=False)
    up: bool = True

    @contextmanager
    def on(self) -> Iterator[None]:
        """Be this installation for a while."""
        before, key_before = connections["default"], os.environ.get("XUEJI_KEYS")
        connections["default"] = self.wrapper
        os.environ["XUEJI_KEYS"] = str(self.key_file)
        vault.forget()
        try:
            yield
        finally:
            connections["default"] = before
            if key_before is None:
                os.environ.pop("XUEJI_KEYS", None)
            else:
                os.environ["XUEJI_KEYS"] = key_before
            vault.forget()

    def peer(self) -> Peer:
        """The other installation as this one knows it."""
        return Peer.objects.get()

    def admin(self) -> Any:
        """Acts as its system administrator."""
        return act_as(self.place.user("system_admin", "province"))

    def case(self, case_id: uuid.UUID) -> RelayCase | None:
        """The transfer as it lies here."""
        with self.on(), seeing_all():
            return RelayCase.objects.select_related("peer").filter(pk=case_id).first()

    def studying(self) -> int:
        """How many registered enrolments are in attendance here now."""
        with self.on(), seeing_all(), connection.cursor() as c:
            c.execute("select count(*) from roster where kind = 1 and reason = 'enrolled' and status = 1")
            return int(c.fetchone()[0])


def make(
    code: str, database: str, folder: Path, *, fresh_keys: bool, family: Family = "standard"
) -> Installation:
    """An installation on a database that exists; `fresh_keys` for one that is not the test bed's own, of a family."""
    wrapper: Any = connections.create_connection("default")
    wrapper.settings_dict = copy.deepcopy(wrapper.settings_dict) | {"NAME": database}
    key_file = folder / f"{code}.json"
    it = Installation(code, database, key_file, wrapper)
    if not fresh_keys:
        key_file.write_text(keyring.key_path().read_text())
    with it.on(), transaction.atomic():
        if fresh_keys:
            keyring.save(keyring.new_ring(family), fresh=True)
            with connection.cursor() as c:
                keys.check(c)
        it.place = make_county()
    with it.on(), it.admin() as actor:
        commands.set_own(actor, code=code, name=f"{code}省学籍系统", base_url=f"http://127.0.0.1/{code}")
    return it


def connect(a: Installation, b: Installation) -> None:
    """Each administrator enters the other's card, fingerprints compared."""
    for one, other in ((a, b), (b, a)):
        with other.on():
            card, mark = peers.card(), pairs.fingerprint(pairs.published())
        with one.on(), one.admin() as actor:
            commands.add_peer(actor, card=card, divisions=["99"], fingerprint=mark)


class Network:
    """Loses, doubles, delays and reorders what it is given; with rates of zero it is a good one."""

    def __init__(
        self, sides: list[Installation], clock: Clock, rng: random.Random, *, bad: float = 0.0
    ) -> None:
        self.sides = {s.code: s for s in sides}
        self.clock, self.rng, self.bad = clock, rng, bad
        self.late: list[tuple[datetime, str, bytes]] = []
        self.seen: list[bytes] = []
        self.carried = 0

    def post(self, peer: Peer, raw: bytes) -> bytes:
        """What the outbox calls instead of HTTP."""
        self.seen.append(raw)
        fate = self.rng.random()
        if fate < self.bad * 0.3:
            raise NotDelivered("unreachable")
        if fate < self.bad * 0.6:
            self.late.append((self._later(), peer.code, raw))
            raise NotDelivered("unreachable")
        answer = self._hand_over(peer.code, raw)
        if fate < self.bad * 0.8:
            self.late.append((self._later(), peer.code, raw))
        if fate > 1 - self.bad * 0.2:
            raise NotDelivered("unreachable")
        return answer

    def _later(self) -> datetime:
        return self.clock.now + timedelta(seconds=self.rng.uniform(1, 500))

    def _hand_over(self, code: str, raw: bytes) -> bytes:
        side = self.sides[code]
        if not side.up:
            raise NotDelivered("unreachable")
        with side.on():
            word, conversation = inbox.receive(raw, now=self.clock.now)
            inbox.process(conversation, now=self.clock.now)
        self.carried += 1
        from xueji.registry.relay.envelope import canonical

        return canonical(word)

    def deliver_late(self) -> None:
        """What was on its way arrives, in any order."""
        from xueji.registry.relay.errors import Refused

        due = [x for x in self.late if x[0] <= self.clock.now]
        self.late = [x for x in self.late if x[0] > self.clock.now]
        self.rng.shuffle(due)
        for _at, code, raw in due:
            try:
                self._hand_over(code, raw)
            except (NotDelivered, Refused):
                continue

    def round(self) -> None:
        """Everybody sends what is due and works off what waits."""
        self.deliver_late()
        for side in self.sides.values():
            if side.up:
                with side.on():
                    outbox.pump(self.post, now=self.clock.now)
                    inbox.work(now=self.clock.now)

    def settle(self, rounds: int = 12) -> None:
        """Rounds on a good day, until nothing is due."""
        for _ in range(rounds):
            before = self.carried
            self.round()
            self.clock.tick(1)
            if self.carried == before:
                return


def child_in(a: Installation, *, name: str = NAME, school: str = "a1") -> tuple[uuid.UUID, str]:
    """A child of installation A with a photo; returns its key and national number."""
    from tests.registry.changes.world import number_of

    from xueji.ground.files import commands as files

    with a.on():
        person = make_child(a.place, school=school, name=name)
        with act_as(a.place.user("registrar", school)) as actor:
            from xueji.registry.people import commands as people

            readers = [a.place.org(school).pk, a.place.org(school[0]).pk]
            file = files.store(
                actor, picture(), name="photo.jpg", purpose="photo", readers=readers, person_id=person
            )
            people.set_photo(actor, person, file.id)
            people.set_guardian(
                actor, person, None, people.NewGuardian("赵大山", "51", sealed={"phone": "13900001234"})
            )
        return person, number_of(a.place, person, school)


def begin(b: Installation, number: str, *, code: str, name: str = NAME, school: str = "b1") -> uuid.UUID:
    """The receiving school asks for the child."""
    with b.on(), act_as(b.place.user("registrar", school)) as actor:
        return commands.begin(actor, peer_id=b.peer().pk, school_code=code, name=name, number=number).case_id


def fill_in(b: Installation, case_id: uuid.UUID, *, school: str = "b1", **form: Any) -> None:
    """Form and papers of a draft."""
    with b.on(), act_as(b.place.user("registrar", school)) as actor:
        values = {
            "reason": "家庭住址变动",
            "to_class_id": b.place.klass(school).pk,
            "effective_on": timezone.localdate().isoformat(),
        }
        commands.save_form(actor, case_id=case_id, form=values | form)
        for slot in SLOTS:
            commands.attach(actor, case_id=case_id, slot=slot, data=picture(), name=f"{slot}.jpg")


def send(b: Installation, case_id: uuid.UUID, *, school: str = "b1") -> None:
    """Submit."""
    with b.on(), act_as(b.place.user("registrar", school)) as actor:
        commands.submit(actor, case_id=case_id)


def decide(
    side: Installation, case_id: uuid.UUID, decision: str = "pass", opinion: str = "情况属实, 同意"
) -> bool:
    """Whoever holds the transfer on a side decides; False when nobody does."""
    case = side.case(case_id)
    if case is None or case.state != State.RUNNING or case.holder_id is None:
        return False
    with side.on(), act_as(_holder(side, case)) as actor:
        commands.decide(
            actor,
            case_id=case_id,
            decision=decision,  # type: ignore[arg-type]
            opinion=opinion,
            reason_rule="办法三" if decision == "refuse" else "",
        )
    return True


def _holder(side: Installation, case: RelayCase) -> Any:
    where = next(k for k, o in side.place.orgs.items() if o.pk == case.holder_id)
    return side.place.user(case.holder_role, where)


def pass_all(side: Installation, case_id: uuid.UUID) -> int:
    """Everybody on a side passes in turn; returns how many did."""
    n = 0
    while decide(side, case_id):
        n += 1
    return n


def queued(side: Installation) -> int:
    """Messages that the other side has not signed for."""
    with side.on(), seeing_all():
        return Outgoing.objects.exclude(state="sent").count()


def problems(side: Installation) -> list[str]:
    """What `xueji verify` finds."""
    from xueji import config
    from xueji.web.cli import verify

    with side.on():
        return [
            f"{p.check}: {p.message}"
            for p in verify.run(owner=config.owner_dsn().as_database(side.database), deep=True)
        ]
