"""Exports in the demonstration: rules of the units, a county opened, applications in every state, one overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org, OrgKind
from xueji.office.exports import commands

from .accounts import Staff
from .cases import drawn_paper
from .papers import at_desk
from .world import World

_RULE = (
    "一、学籍数据只用于教育管理和教学。\n二、使用部门填写申请, 附安全保障方案; 学籍管理员按需最少审核, 单位负责人批准。\n"
    "三、谁导出、谁负责, 谁使用、谁负责; 责任人签收责任书。\n四、用完销毁或归还, 并在系统里确认。"
)
_DUTIES = [
    ("学籍管理员", "受理、审核申请, 导出文件, 催办销毁"),
    ("使用部门责任人", "保管文件, 到期销毁或归还"),
]


def make(world: World, staff: Staff) -> dict[str, int]:
    """Fill the desks of school A, of its county and of the province; returns how many of each."""
    a = world.by_key("a")
    units = Org.objects.in_bulk([a.org_id])
    line = Org.objects.filter(pk__in=[int(x) for x in units[a.org_id].path.strip("/").split("/")])
    heads = {
        OrgKind.PROVINCE: Role.PROVINCE_HEAD,
        OrgKind.CITY: Role.CITY_HEAD,
        OrgKind.COUNTY: Role.COUNTY_HEAD,
        OrgKind.SCHOOL: Role.SCHOOL_HEAD,
    }
    rules = 0
    for org in line.order_by("path"):
        if org.kind in heads:
            with at_desk(world, staff.at(heads[OrgKind(org.kind)], org.pk).pk, 40) as actor:
                commands.set_rule(actor, title=f"{org.name}学籍数据导出和使用管理制度", text=_RULE,
                                  responsible=actor.user_name, post="主管领导", duties=_DUTIES,
                                  most_days=14, most_files=5, most_rows=5000)  # fmt: skip
            rules += 1
    province = next(o for o in line if o.kind == OrgKind.PROVINCE)
    with at_desk(world, staff.at(Role.PROVINCE_HEAD, province.pk).pk, 35) as actor:
        commands.open_county(
            actor, a.county_id, document="演示教函〔2026〕8号", until=world.today + timedelta(days=200)
        )
    registrar, head = staff.at(Role.REGISTRAR, a.org_id).pk, staff.at(Role.SCHOOL_HEAD, a.org_id).pk
    used = _apply(world, registrar, 20, purpose_code="health", fields=["name", "sex", "birth_date", "class"],
                  reason="组织秋季学生体检", receiver="校医室", responsible="校医 岑大夫", days=5)  # fmt: skip
    _grant(world, registrar, head, used, 20, ["name", "sex", "birth_date", "class"])
    with at_desk(world, registrar, 19) as actor:
        commands.acknowledge(actor, used, read=True, data=drawn_paper(), name="责任书.jpg")
        commands.make(actor, used)
    waits = _apply(world, registrar, 2, purpose_code="safety", fields=["name", "class", "phone", "address"],
                   reason="核对校车线路和上下车地点", receiver="总务处", responsible="总务主任 温老师", days=10)  # fmt: skip
    with at_desk(world, registrar, 1) as actor:
        commands.review(
            actor, waits, fields=["name", "class", "phone"], least=True, word="住址用不到, 按站点核对"
        )
    _apply(world, registrar, 0, purpose_code="exam", fields=["name", "sex", "birth_date", "identity"],
           reason="办理体质监测报名", receiver="体育组", responsible="体育组长 马老师", days=7)  # fmt: skip
    return {"export_rule": rules, "export_opening": 1, "export_request": 3}


def _apply(world: World, user: int, ago: int, *, days: int, responsible: str, **said: Any) -> Any:
    with at_desk(world, user, ago) as actor:
        return commands.ask(
            actor,
            conditions={"view": "present"},
            use_scope="只在本校内使用",
            way="在办公电脑上核对, 不外发",
            recipient_kind="inside",
            responsible=responsible,
            handler=responsible.split()[-1],
            until=world.today + timedelta(days=days - ago),
            plan=drawn_paper(),
            plan_name="安全保障方案.jpg",
            **said,
        ).pk


def _grant(world: World, office: int, head: int, key: Any, ago: int, fields: list[str]) -> None:
    with at_desk(world, office, ago) as actor:
        commands.review(actor, key, fields=fields, least=True)
    with at_desk(world, head, ago) as actor:
        commands.decide(actor, key, granted=True, word="同意")
