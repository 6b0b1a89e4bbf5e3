"""Work without the platform in the demonstration: a class was taken along and came back, three things wait to be decided."""

from __future__ import annotations

from xueji.ground.accounts.roles import Role
from xueji.ground.sheets.write import write_csv
from xueji.registry.intake import queries as intake
from xueji.registry.intake import updating
from xueji.registry.offline import commands, copies
from xueji.registry.offline.models import OfflineItem
from xueji.registry.people import commands as people

from .accounts import Staff
from .papers import at_desk
from .world import World

_HEAD = (updating.FIXED[0][1], "姓名", "学籍状态", "邮政编码")


def make(world: World, staff: Staff) -> int:
    """One package of school A's first class, handed back; returns how many items differ."""
    a = world.by_key("a")
    registrar = staff.at(Role.REGISTRAR, a.org_id).pk
    with at_desk(world, registrar, 6) as actor:
        found = (
            (k, copies.now(actor, a.org_id, class_id=k))
            for k, _name in updating.classes(intake.school_facts(a.org_id))
        )
        klass, present = next((k, p) for k, p in found if p)
        package = commands.make(actor, klass)
        pupils = list(present.items())
    with at_desk(world, registrar, 0) as actor:
        # Meanwhile the platform went on.
        people.set_profiles(actor, {pupils[1][0]: {"postcode": "990103"}}, source="demo")
    cells = {0: ("在读", "990105"), 1: ("在读", "990107"), 2: ("休学", "")}
    rows = [
        (str(key), one.copy["name"], *cells.get(n, (one.copy["status"], "")))
        for n, (key, one) in enumerate(pupils)
    ]
    rows.append(("", "郑远山", "在读", ""))
    with at_desk(world, registrar, 0) as actor:
        back = commands.hand_back(actor, package.pk, write_csv(_HEAD, rows), "离线学籍.csv")
        return OfflineItem.objects.filter(handback=back).count()
