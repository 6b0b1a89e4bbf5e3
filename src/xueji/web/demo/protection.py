"""The office of data protection in the demonstration: officers, a drill, a report of misuse answered, what is due."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from xueji.ground.accounts.roles import Role
from xueji.ground.db.scope import acting
from xueji.office.privacy import terms
from xueji.office.privacy.commands import (
    complaints,
    disposal,
    incidents,
    officers,
    papers,
    shares,
)
from xueji.registry.enrolment.timeline import CHINA
from xueji.registry.family.models import FamilyRequest, Invitation

from .accounts import Staff
from .children import Child
from .papers import at_desk
from .world import World

_DRILL = {
    "contain": "模拟: 撤回群里的名单, 停用相关账号",
    "scope": "模拟: 涉及一个班的姓名和家长电话",
    "authority": "模拟: 电话报告县教育局, 书面材料随后送达",
    "tell": "模拟: 打印告知书, 不发放",
    "measure": "模拟: 班级群禁止上传名单文件",
    "review": "演练用时 50 分钟; 值班电话没有及时更新, 已更正",
    "duty": "演练没有责任人",
}


def make(world: World, staff: Staff, children: list[Child]) -> dict[str, int]:
    """Fill the desks of school A and of its county; returns how many of each."""
    a = world.by_key("a")
    county = a.county_id
    head, clerk = staff.at(Role.COUNTY_HEAD, county).pk, staff.at(Role.COUNTY_CLERK, county).pk
    leader, registrar = staff.at(Role.SCHOOL_HEAD, a.org_id).pk, staff.at(Role.REGISTRAR, a.org_id).pk
    with at_desk(world, head, 60) as actor:
        officers.designate(actor, user_id=clerk, phone="0990-8800001")
    with at_desk(world, leader, 60) as actor:
        officers.designate(actor, user_id=leader, phone="0990-8800123")
    _drill(world, leader, children, a.org_id)
    _misuse(world, clerk, county, a.spec.name)
    with at_desk(world, leader, 20) as actor:
        row = papers.draft(actor, kind="impact")
        said = {
            f"{key}:{r['key']}": value
            for r in row.risks
            for key, value in (
                ("level", "low"),
                ("measure", "培训、授权审批和日志抽查"),
                ("left", "可以接受"),
            )
        }
        papers.write(actor, row.pk, findings="", measures="按期清理, 每学期抽查日志", risks=said)
        papers.sign(actor, row.pk)
    _shares(world, leader)
    with at_desk(world, leader, 2) as actor:
        papers.draft(actor, kind="impact")
        papers.draft(actor, kind="year", year=world.today.year)
    with at_desk(world, clerk, 3) as actor:
        papers.draft(actor, kind="impact")
    due = _due(children, a.org_id)
    with at_desk(world, registrar, 5) as actor:
        asked = disposal.propose(actor, kind="invitation", reason="到期清理")
    with at_desk(world, leader, 4) as actor:
        disposal.decide(actor, asked.pk, approved=True, opinion="同意")
    with transaction.atomic():
        disposal.work()
    return {
        "privacy_officer": 2,
        "privacy_incident": 1,
        "privacy_complaint": 2,
        "privacy_share": 2,
        "privacy_due": due,
    }


def _drill(world: World, leader: int, children: list[Child], org_id: int) -> None:
    """A drill of last month, closed."""
    found = datetime.combine(world.today - timedelta(days=33), time(9, 0), CHINA)
    with at_desk(world, leader, 33) as actor:
        row = incidents.report(
            actor,
            kind="leak",
            title="班级群外发名单(演练)",
            text="模拟: 一位教师把全班姓名和家长电话的表格发到了校外的群里",
            found_at=found,
            drill=True,
        )
        incidents.add_people(
            actor,
            row.pk,
            [
                {"person_id": c.person_id, "school_id": org_id, "name": c.name, "class_name": ""}
                for c in children
                if c.is_studying and c.place.org_id == org_id
            ][:12],
            "演练名单",
        )
        kind = terms.kinds()["leak"]
        known: dict[str, Any] = {
            "school": actor.org_name, "date": f"{found:%Y年%m月%d日}", "title": row.title, "phone": "0990-8800123",
            "name": "{name}", "fields": "姓名和家长电话", "measures": "撤回文件, 停用账号",
        }  # fmt: skip
        incidents.write_notice(
            actor, row.pk, guardian=kind.guardian.format(**known), child=kind.child.format(**known)
        )
        for step in terms.steps():
            incidents.step(actor, row.pk, code=step.code, text=_DRILL[step.code], severity="minor")
        incidents.close(actor, row.pk)


def _misuse(world: World, clerk: int, county: int, about: str) -> None:
    """Two reports of misuse: one answered, one that waits."""
    with at_desk(world, clerk, 25):
        made, _code = complaints.report(
            org_id=county,
            itself=False,
            about=about,
            kind="excess",
            text="报名时要求填写家长的工资收入, 觉得没有必要",
            contact="",
        )
    with at_desk(world, clerk, 20) as actor:
        complaints.handle(actor, made.pk, text="已向学校了解, 登记表是学校自己加的")
        complaints.answer(
            actor,
            made.pk,
            outcome="true",
            text="情况属实。学校已停止收集收入信息, 已收的表格已经销毁, 并向家长说明",
        )
    with at_desk(world, clerk, 4):
        complaints.report(
            org_id=county,
            itself=False,
            about=about,
            kind="leak",
            text="家长群里有人转发了带住址的学生名单, 请调查来源",
            contact="",
        )


def _shares(world: World, leader: int) -> None:
    """One entry in force, one refused."""
    since = world.today - timedelta(days=15)
    common: dict[str, Any] = {
        "contract": "",
        "since": since,
        "until": since + timedelta(days=120),
        "at_end": "delete",
    }
    with at_desk(world, leader, 15) as actor:
        shares.register(
            actor, recipient="县疾病预防控制中心", recipient_kind="department", purpose="入学接种证查验", commercial=False,
            fields=["name", "sex", "grade", "class"], basis="law", basis_note="疫苗管理法第四十八条", **common,
        )  # fmt: skip
        shares.register(
            actor, recipient="某教育科技公司", recipient_kind="third", purpose="课外辅导课程推广", commercial=True,
            fields=["name", "class"], basis="none", basis_note="", **common,
        )  # fmt: skip


def _due(children: list[Child], org_id: int) -> int:
    """Old requests and invitations that are past their time."""
    mine = [c for c in children if c.is_studying and c.place.org_id == org_id and not c.problem][-8:]
    long_ago = timezone.now() - timedelta(days=365 * 3 + 60)
    with transaction.atomic(), acting("writer"):
        asked = FamilyRequest.objects.bulk_create(
            FamilyRequest(
                person_id=c.person_id,
                name=c.name,
                school_id=org_id,
                kind="correct",
                field="phone",
                wanted="新号码",
                words="家长换了电话, 请更正",
                state="done",
                asked_by=0,
                reply="已经更正",
                replied_at=long_ago + timedelta(days=n),
            )
            for n, c in enumerate(mine[:5])
        )
        Invitation.objects.bulk_create(
            Invitation(
                person_id=c.person_id,
                guardian_no=1,
                school_id=org_id,
                code=b"old" + c.person_id.bytes,
                issued_by=0,
                expires_on=(long_ago + timedelta(days=400)).date(),
                ended_at=long_ago + timedelta(days=400),
            )
            for c in mine
        )
    return len(asked) + len(mine)
