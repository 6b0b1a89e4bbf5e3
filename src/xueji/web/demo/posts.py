"""A new school waits for its review; the register of officers is nearly complete: one missing, one untrained, one new."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction

from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.ground.orgs import commands as orgs
from xueji.ground.orgs.models import ENTRY_ITEMS, SchoolReview
from xueji.ground.posts import commands as posts
from xueji.ground.posts.models import Officer
from xueji.registry.enrolment.timeline import CHINA

from .accounts import Staff
from .papers import at_desk
from .world import World

_TITLES = ("教导主任", "教务员", "办公室主任")


def make(world: World, staff: Staff) -> dict[str, int]:
    """One statement, whatever the size; the first school of the layout has a past, the last has nobody yet."""
    rows: list[Officer] = []
    begun = world.today - timedelta(days=430)
    for n, place in enumerate(world.places[:-1]):
        keeper, head = staff.at(Role.REGISTRAR, place.org_id), staff.at(Role.SCHOOL_HEAD, place.org_id)
        since = begun if n else world.today - timedelta(days=12)
        noted = staff.by_post.get((Role.COUNTY_CLERK, place.county_id)) if n else None
        trained = begun - timedelta(days=20) if n not in (0, 3) else None
        common = {
            "org_id": place.org_id, "county_id": place.county_id, "phone": "0960-5580000", "named_by": head.pk,
            "named_name": head.display_name,
        }  # fmt: skip
        if n == 0:
            rows.append(
                Officer(
                    user_id=head.pk, name=head.display_name, title="副校长", full_time=False, since=begun,
                    until=since - timedelta(days=1), reason="学校配备专职学籍管理员",
                    trained_on=begun + timedelta(days=40), training="学籍管理员上岗培训", training_hours=8, **common,
                )
            )  # fmt: skip
        rows.append(
            Officer(
                user_id=keeper.pk, name=keeper.display_name, title=_TITLES[n % 3], full_time=n % 4 != 2, since=since,
                trained_on=trained, training="学籍管理员上岗培训" if trained else "",
                training_hours=8 if trained else None, noted_by=noted.pk if noted else None,
                noted_name=noted.display_name if noted else "",
                noted_at=datetime.combine(since + timedelta(days=3), time(10), CHINA) if noted else None, **common,
            )
        )  # fmt: skip
    with transaction.atomic(), acting("writer"):
        Officer.objects.bulk_create(rows)
    return {
        "officer": len(rows),
        "school_review": _entries(world, staff),
        "school_post": _units(world, staff),
    }


#: Units of school A: kind, name, and who holds which post there (role of the account, or a name without one).
_UNITS = (
    ("lead", "学籍管理领导小组", ((Role.SCHOOL_HEAD, "组长", "school_head"),)),
    ("office", "学籍管理办公室", ((Role.REGISTRAR, "主任", "registrar"), ("龚念慈", "干事", ""))),
    ("archive", "档案室", (("龚念慈", "档案员", ""),)),
    ("health", "卫生室", (("池月明", "校医", ""),)),
    ("grade", "一年级组", ()),
)


def _units(world: World, staff: Staff) -> int:
    """Units and posts of school A."""
    a, n = world.by_key("a"), 0
    with at_desk(world, staff.at(Role.REGISTRAR, a.org_id).pk, 9) as actor:
        for kind, name, held in _UNITS:
            unit = posts.open_unit(actor, kind=kind, name=name, phone="0960-5701001")
            for who, title, part in held:
                user = staff.at(who, a.org_id).pk if isinstance(who, Role) else None
                posts.appoint(
                    actor, unit.pk, title=title, user_id=user, name="" if user else str(who), part=part,
                    since=world.today,
                )  # fmt: skip
                n += 1
    return n


def _entries(world: World, staff: Staff) -> int:
    """The county reviewed its schools when they joined; a new one, without pupils, waits for it."""
    county = world.counties[0]
    head = staff.at(Role.COUNTY_HEAD, county.pk)
    with at_desk(world, staff.users["sysadmin"].pk, 2) as actor:
        orgs.create_school(
            actor, code="2119990001", name="松溪县滨河新区小学", short_name="滨河新区小学", parent_id=county.pk,
            stages=["P"], school_type="211", phone="0960-5790011", address="滨河大道 9 号",
        )  # fmt: skip
    joined = [p for p in world.places if p.county_id == county.pk]
    with transaction.atomic(), acting("writer"):
        SchoolReview.objects.bulk_create(
            SchoolReview(
                org_id=p.org_id, county_id=county.pk, decision="admit", items=list(ENTRY_ITEMS),
                document=f"县教批〔2016〕{n}号", opinion="材料齐全, 同意入网", by_id=head.pk, by_name=head.display_name,
            )
            for n, p in enumerate(joined, start=3)
        )  # fmt: skip
    return len(joined) + 1
