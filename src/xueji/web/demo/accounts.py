"""Accounts for every role: easy names for those that tutorials use, and staff for all other units."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import FactorRule, PortalLink, RoleAssignment, User
from xueji.ground.accounts.roles import Role
from xueji.ground.duty.models import Authorisation, AuthorisationState, Training, Undertaking
from xueji.ground.duty.queries import term_end
from xueji.ground.duty.words import ROUTINE
from xueji.ground.notice.models import NoticeReading, PolicyNotice
from xueji.ground.orgs.grades import class_label

from .load import Clerk
from .names import People
from .world import World

#: The one password of all accounts of the demonstration. It stands in the documents: never use it elsewhere.
PASSWORD = "Xueji-demo-2026"
SINCE = date(2015, 9, 1)


@dataclass(frozen=True)
class Account:
    """An account as the table shows it."""

    username: str
    name: str
    role: str
    role_label: str
    org: str
    note: str = ""


@dataclass
class Staff:
    """All accounts by user name, and who works where."""

    users: dict[str, User] = field(default_factory=dict)
    shown: list[Account] = field(default_factory=list)
    by_post: dict[tuple[str, int], User] = field(default_factory=dict)

    def clerks(self, world: World) -> dict[int, Clerk]:
        """The registrar of each school, who entered its records."""
        return {
            p.org_id: Clerk(u.pk, u.display_name)
            for p in world.places
            for u in [self.by_post[Role.REGISTRAR, p.org_id]]
        }

    def at(self, role: str, org_id: int) -> User:
        """Who holds a post."""
        return self.by_post[role, org_id]


class Personnel:
    """Invents accounts and writes them; in the writing role."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.people = People(rng)
        self.secret = make_password(PASSWORD)
        self.rows: list[tuple[User, str, int | None, int | None]] = []
        self.staff = Staff()

    def build(self) -> Staff:
        """Everybody but parents and students."""
        for place in self.world.places:
            mark = place.key if place.key in ("a", "b") else place.key.replace(".", "-")
            for role, word in ((Role.REGISTRAR, "registrar"), (Role.SCHOOL_HEAD, "head")):
                self._add(f"{word}.{mark}", role, place.org_id, place.spec.name, show=place.key in ("a", "b"))
        self._teachers()
        self._authorities()
        self._write()
        return self.staff

    def portal(
        self, username: str, name: str, role: Role, children: dict[uuid.UUID, int | None], note: str
    ) -> None:
        """A parent's or a student's account with its children."""
        user = self._user(username, name, None)
        user.save(force_insert=True)
        RoleAssignment(user=user, role=role, valid_from=SINCE).save(force_insert=True)
        PortalLink.objects.bulk_create(
            PortalLink(user_id=user.pk, person_id=person, guardian_no=no, since=SINCE)
            for person, no in children.items()
        )
        # Whoever looks at the demonstration goes straight to the child; the notice stands in the menu.
        NoticeReading.objects.bulk_create(
            NoticeReading(user_id=user.pk, version=v)
            for v in PolicyNotice.objects.values_list("version", flat=True)
        )
        self.staff.users[username] = user
        self.staff.shown.append(Account(username, name, role, str(role.label), "", note))

    def _teachers(self) -> None:
        """A class teacher for every class in being; those of schools A and B that tutorials use have easy names."""
        for place in self.world.places:
            for (stage, cohort), ids in sorted(place.classes.items()):
                if cohort + place.years(stage) <= self.world.start_year:
                    continue
                for number, class_id in enumerate(ids, start=1):
                    easy = place.key in ("a", "b") and number == 1 and cohort == self.world.start_year - 2
                    label = class_label(stage, cohort, number, place.spec.system, self.world.today)
                    name = (
                        f"teacher.{place.key}"
                        if easy
                        else f"t{place.code[-3:]}{stage.lower()}{cohort % 100}{number:02d}"
                    )
                    self._add(
                        name,
                        Role.CLASS_TEACHER,
                        place.org_id,
                        place.spec.name,
                        class_id,
                        show=easy,
                        note=label,
                    )
                    if easy and place.key == "a":
                        self._add(
                            "subject.a",
                            Role.TEACHER,
                            place.org_id,
                            place.spec.name,
                            class_id,
                            show=True,
                            note=label,
                        )

    def _authorities(self) -> None:
        world = self.world
        for n, county in enumerate(world.counties, start=1):
            self._add(f"county{n}.clerk", Role.COUNTY_CLERK, county.pk, county.name, show=True)
            self._add(f"county{n}.head", Role.COUNTY_HEAD, county.pk, county.name, show=True)
        for n, city in enumerate(world.cities.values(), start=1):
            self._add(f"city{n}.clerk", Role.CITY_CLERK, city.pk, city.name, show=True)
            self._add(f"city{n}.head", Role.CITY_HEAD, city.pk, city.name, show=True)
        province = world.province
        self._add("province.clerk", Role.PROVINCE_CLERK, province.pk, province.name, show=True)
        self._add("province.head", Role.PROVINCE_HEAD, province.pk, province.name, show=True)
        if world.central is not None:
            self._add("central.clerk", Role.CENTRAL_CLERK, world.central.pk, world.central.name, show=True)
        for name, role in (
            ("sysadmin", Role.SYSTEM_ADMIN),
            ("secadmin", Role.SECURITY_ADMIN),
            ("auditadmin", Role.AUDIT_ADMIN),
        ):
            self._add(name, role, province.pk, province.name, show=True)

    def _add(
        self,
        username: str,
        role: Role,
        org_id: int,
        org_name: str,
        class_id: int | None = None,
        *,
        show: bool = False,
        note: str = "",
    ) -> None:
        name = self.people.adult(self.rng.choice("12"))
        self.rows.append((self._user(username, name, org_id), role, org_id, class_id))
        if show:
            self.staff.shown.append(Account(username, name, role, str(role.label), org_name, note))

    def _user(self, username: str, name: str, org_id: int | None) -> User:
        return User(
            username=username, display_name=name, home_org_id=org_id, password=self.secret,
            phone=f"0960-58{self.rng.randrange(100_000):05d}" if org_id else "",
        )  # fmt: skip

    def _write(self) -> None:
        users = User.objects.bulk_create([row[0] for row in self.rows], batch_size=1000)
        assignments: list[Any] = []
        for user, (_unsaved, role, org_id, class_id) in zip(users, self.rows, strict=True):
            self.staff.users[user.username] = user
            if org_id is not None:
                self.staff.by_post.setdefault((role, org_id), user)
            assignments.append(
                RoleAssignment(
                    user=user, role=role, org_id=org_id, school_class_id=class_id, valid_from=SINCE
                )
            )
        RoleAssignment.objects.bulk_create(assignments, batch_size=1000)
        # A demonstration is entered with name and password alone; its sign-in page says so.
        FactorRule.objects.filter(must=True).update(must=False)
        self._bind(users)

    def _bind(self, users: list[User]) -> None:
        """Everybody has signed and learned; the heads have authorised the routine edits of this term."""
        day = self.world.today
        Undertaking.objects.bulk_create(
            (
                Undertaking(user_id=u.pk, org_id=u.home_org_id, name=u.display_name, signed_on=day)
                for u in users
            ),
            batch_size=1000,
        )
        Training.objects.bulk_create(
            (
                Training(
                    user_id=u.pk, org_id=u.home_org_id, topic=_("学生信息保密培训"), done_on=day, hours=2,
                    trainer=_("县教育局学籍科"), evidence=_("签到表存档案室"), written_by=u.pk,
                )
                for u in users
            ),
            batch_size=1000,
        )  # fmt: skip
        Authorisation.objects.bulk_create(
            Authorisation(
                org_id=place.org_id, kinds=list(ROUTINE), reason=_("本学期日常信息维护"), since=day,
                until=term_end(day), state=AuthorisationState.GRANTED, asked_by=0, asked_name=_("校长主动授权"),
                decided_by=head.pk, decided_name=head.display_name, decided_at=timezone.now(),
            )
            for place in self.world.places
            if (head := self.staff.by_post.get((Role.SCHOOL_HEAD, place.org_id)))
        )  # fmt: skip
