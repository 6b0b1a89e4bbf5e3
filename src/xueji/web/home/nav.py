"""The navigation: what each role may open. Only addresses that exist in this installation are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.orgs.grades import start_year_of


@dataclass(frozen=True)
class Item:
    """A place to go: words, address and the permission that opens it ('' for everybody who is signed in)."""

    label: Any
    url: str
    permission: str = ""


@dataclass(frozen=True)
class Group:
    """A group of places. One with a single place is shown as a plain link."""

    label: Any
    icon: str
    items: tuple[Item, ...]


MENU: tuple[Group, ...] = (
    Group(gettext_lazy("工作台"), "home", (Item(gettext_lazy("工作台"), "/"),)),
    Group(
        gettext_lazy("学生"),
        "users",
        (
            Item(gettext_lazy("学生名册"), "/students/", "student.list"),
            Item(gettext_lazy("学生照片"), "/photos/", "student.edit"),
            Item(gettext_lazy("信息采集"), "/collect/", "collect.view"),
            Item(gettext_lazy("转入学生采集"), "/collect/arrivals/", "collect.open"),
            Item(gettext_lazy("无身份证号学生"), "/collect/nonumber/", "collect.check"),
            Item(gettext_lazy("采集信息项"), "/collect/fields/", "collect.fields"),
            Item(gettext_lazy("接管与比对"), "/takeover/", "takeover.view"),
            Item(gettext_lazy("离线办理"), "/offline/", "offline.view"),
        ),
    ),
    Group(
        gettext_lazy("招生入学"),
        "user-plus",
        (
            Item(gettext_lazy("招生入学"), "/admission/", "admission.view"),
            Item(gettext_lazy("新生名单"), "/admission/candidates/", "admission.view"),
            Item(gettext_lazy("适龄儿童花名册"), "/admission/children/", "admission.view"),
            Item(gettext_lazy("招生计划"), "/admission/plans/", "admission.view"),
            Item(gettext_lazy("重复招生"), "/admission/claims/", "admission.view"),
            Item(gettext_lazy("招生统计和名单"), "/admission/reports/", "admission.view"),
            Item(gettext_lazy("违规入学清理"), "/admission/clearances/", "admission.view"),
        ),
    ),
    Group(
        gettext_lazy("建籍与学籍号"),
        "upload",
        (
            Item(gettext_lazy("导入与建籍"), "/import/", "intake.import"),
            Item(gettext_lazy("学籍核准"), "/creation/", "creation.view"),
            Item(gettext_lazy("特殊就读方式"), "/creation/special/", "creation.view"),
            Item(gettext_lazy("高中学籍注册"), "/creation/senior/", "creation.view"),
            Item(gettext_lazy("补建学籍名单"), "/cases/late/", "corrections.any"),
            Item(gettext_lazy("学籍号下发"), "/distributions/", "population.view"),
        ),
    ),
    Group(
        gettext_lazy("查重与核验"),
        "report-search",
        (
            Item(gettext_lazy("问题学籍"), "/problems/", "problem.view"),
            Item(gettext_lazy("疑似重复"), "/duplicates/", "duplicate.check"),
            Item(gettext_lazy("档案合并"), "/merges/", "duplicate.check"),
            Item(gettext_lazy("身份核验"), "/population/", "population.view"),
        ),
    ),
    Group(
        gettext_lazy("学籍业务"),
        "file-text",
        (
            Item(gettext_lazy("全部业务"), "/cases/", "case.view"),
            Item(gettext_lazy("待我核办"), "/cases/desk/", "case.decide"),
            Item(gettext_lazy("发起业务"), "/cases/new/", "case.start"),
            Item(gettext_lazy("办理时效"), "/cases/overview/", "case.overview"),
            Item(gettext_lazy("到期与跟进"), "/cases/absences/", "absence.view"),
            Item(gettext_lazy("转学统筹安排"), "/cases/placing/", "placing.view"),
            Item(gettext_lazy("变动花名册"), "/cases/registers/", "register.print"),
            Item(gettext_lazy("信息更正表"), "/cases/corrections/", "corrections.any"),
            Item(gettext_lazy("借读生花名册"), "/guests/", "problem.view"),
            Item(gettext_lazy("控辍保学"), "/dropout/", "dropout.view"),
            Item(gettext_lazy("跨省转学"), "/relay/", "relay.view"),
            Item(gettext_lazy("家长申请"), "/requests/", "family.answer"),
        ),
    ),
    Group(
        gettext_lazy("上报与核对"),
        "send",
        (
            Item(gettext_lazy("学籍核对"), "/headcount/", "headcount.view"),
            Item(gettext_lazy("漏报核对"), "/headcount/roster/", "headcount.write"),
            Item(gettext_lazy("数据上报"), "/submission/", "submission.view"),
            Item(gettext_lazy("学期会审"), "/submission/reviews/", "submission.view"),
            Item(gettext_lazy("全校信息核对"), "/submission/proofreading/", "submission.send"),
            Item(gettext_lazy("久未更新"), "/submission/stale/", "submission.send"),
        ),
    ),
    Group(
        gettext_lazy("升级毕业"),
        "award",
        (
            Item(gettext_lazy("升级毕业"), "/yearly/", "yearly.view"),
            Item(gettext_lazy("毕业名册"), "/yearly/lists/", "yearly.view"),
            Item(gettext_lazy("升级情况"), "/yearly/promotion/", "yearly.view"),
            Item(gettext_lazy("升学接收"), "/yearly/admission/", "yearly.view"),
            Item(gettext_lazy("考试报名"), "/exams/", "exam.view"),
            Item(gettext_lazy("学籍验章"), "/yearly/stamps/", "stamp.view"),
        ),
    ),
    Group(
        gettext_lazy("班级年级"),
        "school",
        (
            Item(gettext_lazy("班级年级"), "/classes/", "class.view"),
            Item(gettext_lazy("编班"), "/placement/", "placement.view"),
            Item(gettext_lazy("调班记录"), "/placement/changes/", "placement.view"),
            Item(gettext_lazy("插班"), "/placement/entries/", "placement.view"),
            Item(gettext_lazy("人籍分离名单"), "/placement/apart/", "placement.write"),
            Item(gettext_lazy("入学复查"), "/placement/reviews/", "placement.view"),
            Item(gettext_lazy("学期注册"), "/terms/", "term.view"),
            Item(gettext_lazy("学期记录"), "/termbook/", "termbook.write"),
        ),
    ),
    Group(
        gettext_lazy("统计"),
        "chart-bar",
        (
            Item(gettext_lazy("学生人数"), "/statistics/", "statistics.view"),
            Item(gettext_lazy("学籍变动"), "/statistics/movement/", "statistics.view"),
            Item(gettext_lazy("变动月报"), "/statistics/monthly/", "statistics.view"),
            Item(gettext_lazy("学期报表"), "/statistics/terms/", "statistics.view"),
            Item(gettext_lazy("学籍报表"), "/statistics/reports/", "statistics.view"),
            Item(gettext_lazy("问题学籍统计"), "/statistics/problems/", "statistics.view"),
            Item(gettext_lazy("统计表和自定义"), "/statistics/tables/", "statistics.view"),
        ),
    ),
    Group(
        gettext_lazy("授权与查阅"),
        "key",
        (
            Item(gettext_lazy("校长授权"), "/authorisations/", "authorise.any"),
            Item(gettext_lazy("紧急查阅"), "/emergency/", "emergency.any"),
            Item(gettext_lazy("信息导出申请"), "/exports/", "export.any"),
            Item(gettext_lazy("导出使用制度"), "/exports/rules/", "export.any"),
            Item(gettext_lazy("县级导出授权"), "/exports/openings/", "export.open"),
            Item(gettext_lazy("学生信息查看记录"), "/audit/school/", "audit.school"),
            Item(gettext_lazy("查阅限制待确认"), "/guardianship/", "guardian.confirm"),
        ),
    ),
    Group(
        gettext_lazy("证明与打印"),
        "printer",
        (
            Item(gettext_lazy("证明与打印"), "/certificates/", "certificate.issue"),
            Item(gettext_lazy("学生证件"), "/cards/", "card.view"),
            Item(gettext_lazy("制证批次"), "/cards/batches/", "card.view"),
        ),
    ),
    Group(
        gettext_lazy("单位"),
        "building",
        (
            Item(gettext_lazy("单位"), "/orgs/", "org.view"),
            Item(gettext_lazy("学校入网审查"), "/orgs/entries/", "org.review"),
        ),
    ),
    Group(
        gettext_lazy("设置"),
        "settings",
        (
            Item(gettext_lazy("用户与权限"), "/accounts/", "account.any"),
            Item(gettext_lazy("权限表"), "/permissions/", "permission.any"),
            Item(gettext_lazy("任课教师查询范围"), "/permissions/teaching/", "teaching.scope"),
            Item(gettext_lazy("保密承诺与培训"), "/duty/", "duty.register"),
            Item(gettext_lazy("部门和岗位"), "/posts/", "post.view"),
            Item(gettext_lazy("学籍管理员"), "/officers/", "officer.view"),
            Item(gettext_lazy("工作移交"), "/handover/", "org.view"),
            Item(gettext_lazy("系统状态"), "/system/", "system.view"),
            Item(gettext_lazy("跨系统连接"), "/relay/system/", "relay.manage"),
        ),
    ),
    Group(
        gettext_lazy("个人信息保护"),
        "shield-lock",
        (
            Item(gettext_lazy("工作概况"), "/privacy/office/", "privacy.view"),
            Item(gettext_lazy("安全事件"), "/privacy/office/incidents/", "privacy.incident"),
            Item(gettext_lazy("应急预案"), "/privacy/office/plan/", "privacy.report"),
            Item(gettext_lazy("举报"), "/privacy/office/complaints/", "privacy.complaint"),
            Item(gettext_lazy("保管与销毁"), "/privacy/office/retention/", "privacy.view"),
            Item(gettext_lazy("对外提供"), "/privacy/office/shares/", "privacy.view"),
            Item(gettext_lazy("影响评估"), "/privacy/office/papers/impact/", "privacy.view"),
            Item(gettext_lazy("年度审计"), "/privacy/office/papers/year/", "privacy.view"),
            Item(gettext_lazy("分类分级"), "/privacy/office/classes/", "privacy.view"),
            Item(gettext_lazy("安全检查"), "/privacy/office/checks/", "check.view"),
            Item(gettext_lazy("隐私政策"), "/privacy/office/notice/", "privacy.view"),
        ),
    ),
    Group(gettext_lazy("规则"), "gavel", (Item(gettext_lazy("规则"), "/rules/", "policy.view"),)),
    Group(gettext_lazy("日志"), "list-details", (Item(gettext_lazy("日志"), "/audit/", "audit.view"),)),
    Group(gettext_lazy("帮助"), "help-circle", (Item(gettext_lazy("帮助"), "/help/"),)),
)

#: Classes are a school's matter: authorities reach them through the unit's page.
_SCHOOL_ONLY = frozenset({"/classes/"})

#: Places that open to whoever may do one of several things.
_EITHER = {
    "permission.any": ("permission.view", "permission.approve"),
    "corrections.any": ("register.print", "case.overview"),
    "account.any": ("account.manage", "account.manage_own"),
    "authorise.any": ("student.edit", "student.authorise"),
    "export.any": ("export.view", "export.use"),
    "emergency.any": ("emergency.open", "emergency.answer"),
}

PHONE: tuple[Group, ...] = (
    Group(gettext_lazy("首页"), "home", (Item(gettext_lazy("首页"), "/my/"),)),
    Group(gettext_lazy("我的申请"), "list-check", (Item(gettext_lazy("我的申请"), "/cases/", "case.view"),)),
    Group(gettext_lazy("帮助"), "help-circle", (Item(gettext_lazy("帮助"), "/help/"),)),
    Group(gettext_lazy("我的账号"), "user-circle", (Item(gettext_lazy("我的账号"), "/me/"),)),
)


@cache
def exists(url: str) -> bool:
    """Whether the site answers an address (asked once)."""
    try:
        resolve(url)
    except Resolver404:
        return False
    return True


def may_open(actor: Actor, item: Item) -> bool:
    """Whether the actor's role may open a place that exists."""
    if item.url in _SCHOOL_ONLY and actor.org_kind != "school":
        return False
    if item.permission in _EITHER:
        allowed = any(actor.can(action) for action in _EITHER[item.permission])
    else:
        allowed = not item.permission or actor.can(item.permission)
    return allowed and exists(item.url)


def _active(url: str, path: str) -> bool:
    return path == url if url == "/" else path.startswith(url)


def menu(actor: Actor, path: str) -> list[dict[str, Any]]:
    """The groups that the actor may open, as the layout draws them."""
    out: list[dict[str, Any]] = []
    for group in PHONE if actor.is_portal else MENU:
        items = [i for i in group.items if may_open(actor, i)]
        if not items:
            continue
        # The longest address that fits is the one we are on: /cases/new/ is not /cases/.
        here = max((i.url for i in items if _active(i.url, path)), key=len, default="")
        children = [{"label": i.label, "url": i.url, "active": i.url == here, "badge": 0} for i in items]
        single = len(items) == 1
        out.append(
            {
                "label": items[0].label if single else group.label,
                "icon": group.icon,
                "url": items[0].url,
                "active": bool(here),
                "badge": 0,
                "children": [] if single else children,
            }
        )
    return out


def links(actor: Actor) -> dict[str, str]:
    """Addresses of the frame: search, to-dos, help, own account, signing out, switching, extending the session."""
    out = {
        "home": "/my/" if actor.is_portal and exists("/my/") else "/",
        "help": "/help/",
        "profile": "/me/",
        "login": "/login/",
        "logout": "/logout/",
        "switch": "/role/",
        "extend": "/session/extend/",
    }
    if actor.can("student.list") and exists("/students/"):
        out["search"] = "/students/"
    if actor.can("case.decide") or actor.can("case.start"):
        out["todo"] = "/"
    return out


def todo_count(actor: Actor) -> int:
    """How many cases wait for the actor; one query. An error page is drawn without it."""
    from django.db import DatabaseError
    from django.db.transaction import TransactionManagementError

    if not actor.can("case.decide") and not actor.can("case.start"):
        return 0
    from xueji.registry.changes import queries

    try:
        return queries.todo_count(actor)
    except (DatabaseError, TransactionManagementError):
        return 0


def term_label() -> str:
    """`2026-2027学年第一学期`: from September the first term, from February the second."""
    day = today()
    year = start_year_of(day)
    first = day.month >= 9 or day.month == 1
    return _("%(a)s-%(b)s学年第%(n)s学期") % {"a": year, "b": year + 1, "n": _("一") if first else _("二")}
