"""The yearly audit of minors' data: a unit's year in figures, counted from the audit and the registers (条例 37)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit import words
from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org

from . import retention
from .assessment import Section, section
from .models import Complaint, Disposal, Finding, Incident, Paper, Share, Transfer

#: What the words of the audit call a kind, as the report counts it.
_KINDS = {"look": "look", "search": "look", "reveal": "reveal", "export": "export", "print": "print"}
_TRAINED = frozenset({"duty.sign", "duty.train"})


def kind_of(action: str) -> str:
    """The column of the report in which an action counts; empty for none."""
    if action in _TRAINED:
        return "training"
    if action == "audit.review":
        return "unusual"
    if action.startswith("emergency."):
        return "emergency" if action == "emergency.open" else ""
    return _KINDS.get(words.kind(action), "")


def gather(actor: Any, year: int) -> list[Section]:
    """The sections of a year's report for the actor's unit and those below it."""
    orgs = retention.units_of(actor)
    begin, end = _moment(date(year, 1, 1)), _moment(date(year + 1, 1, 1))
    counts = _counts(orgs, begin, end)
    names = dict(
        Org.objects.filter(pk__in=[o for o in counts if o != actor.org_id][:500]).values_list("id", "name")
    )
    names[actor.org_id] = actor.org_name
    keys = ("look", "reveal", "export", "print", "emergency")
    total: dict[str, int] = defaultdict(int)
    rows: list[list[str]] = []
    for org, found in sorted(counts.items(), key=lambda item: -sum(item[1].values())):
        for key, n in found.items():
            total[key] += n
        if len(rows) < 100:
            rows.append([names.get(org, str(org)), *(str(found.get(k, 0)) for k in keys)])
    rows.append([_("合计"), *(str(total[k]) for k in keys)])
    span = {"gte": begin, "lt": end}
    return [
        section(
            _("查看和使用"),
            [_("单位"), _("查看"), _("显示证件号电话"), _("导出"), _("打印"), _("紧急查看")],
            rows,
            _("按审计日志统计"),
        ),
        section(
            _("人员和账号"),
            [_("项目"), _("数量")],
            [
                *_accounts(orgs),
                [_("本年培训和承诺(人次)"), str(total["training"])],
                [_("异常查看处理"), str(total["unusual"])],
            ],
        ),
        section(_("家庭申请"), [_("项目"), _("数量")], _requests(orgs, begin, end)),
        section(
            _("事件、举报、提供、销毁和检查"),
            [_("项目"), _("数量")],
            [
                [_("安全事件"), str(_n(Incident, "reported_at", span, drill=False))],
                [_("应急演练"), str(_n(Incident, "reported_at", span, drill=True))],
                [_("举报"), str(_n(Complaint, "received_at", span))],
                [_("对外提供登记"), str(_n(Share, "made_at", span, state="active"))],
                [_("拒绝提供"), str(_n(Share, "made_at", span, state="refused"))],
                [_("实际提供次数"), str(_n(Transfer, "at", span))],
                [_("销毁"), str(_n(Disposal, "ended_at", span))],
                [_("影响评估"), str(_n(Paper, "signed_at", span, kind="impact"))],
                [_("安全检查未整改问题"), str(Finding.objects.filter(closed_at=None).count())],
            ],
        ),
    ]


def _moment(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _n(model: Any, field: str, span: dict[str, datetime], **more: Any) -> int:
    """How many rows of a register fall into the year, in the actor's scope."""
    return int(model.objects.filter(**{f"{field}__{k}": v for k, v in span.items()}, **more).count())


def _counts(orgs: list[int], begin: datetime, end: datetime) -> dict[int, dict[str, int]]:
    """Entries of the audit by unit and kind: figures alone leave the audit's role."""
    with acting("audit"), connection.cursor() as c:
        c.execute(
            "select org_id, action, count(*) from audit_entry where at >= %s and at < %s and org_id = any(%s)"
            " and role <> all(%s) group by org_id, action",
            [begin, end, orgs, ["parent", "student"]],
        )
        rows = c.fetchall()
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for org, action, n in rows:
        if kind := kind_of(action):
            found[org][kind] += n
    return found


def _accounts(orgs: list[int]) -> list[list[str]]:
    today = timezone.localdate()
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select count(distinct u.id) filter (where u.is_active), count(distinct u.id) filter (where not u.is_active),"
            " count(distinct u.id) filter (where u.is_active and u.last_login < now() - interval '90 days')"
            " from role_assignment a join account_user u on u.id = a.user_id where a.org_id = any(%s)"
            " and a.valid_from <= %s and (a.valid_to is null or a.valid_to >= %s)",
            [orgs, today, today],
        )
        row = c.fetchone()
    labels = (_("在用账号"), _("停用账号"), _("九十天没有登录的在用账号"))
    return [[label, str(n)] for label, n in zip(labels, row, strict=True)]


def _requests(orgs: list[int], begin: datetime, end: datetime) -> list[list[str]]:
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select count(*), count(*) filter (where replied_at is not null and replied_at::date <= due_on),"
            " count(*) filter (where coalesce(replied_at::date, current_date) > due_on),"
            " count(*) filter (where appealed_at is not null)"
            " from family_request where asked_at >= %s and asked_at < %s and school_id = any(%s)",
            [begin, end, orgs],
        )
        row = c.fetchone()
    labels = (_("收到"), _("按期答复"), _("超期"), _("申诉"))
    return [[label, str(n)] for label, n in zip(labels, row, strict=True)]
