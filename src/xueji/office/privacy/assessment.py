"""What an impact assessment says of itself: read from tables, keys and settings, never typed (个人信息保护法 55, 56)."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import FactorRule, Permission
from xueji.ground.accounts.roles import Role
from xueji.ground.crypto import keyring
from xueji.ground.standards.codes import read_rows

from . import officers, retention, terms
from .models import Check, Disposal, Finding, Paper, Share

#: A part of a report: title, an introducing line, headings, rows of text.
Section = dict[str, Any]


def section(title: str, head: list[str], rows: list[list[str]], text: str = "") -> Section:
    """A part of a report as it is stored, shown and printed."""
    return {"title": title, "text": text, "head": head, "rows": rows}


def gather(actor: Any) -> tuple[list[Section], list[dict[str, str]], str]:
    """Sections, open risks and the digest of the configuration that they describe."""
    purposes, readers, shares, measures = _config(actor)
    sections = [
        section(_("处理目的和依据"), [_("目的和场合"), _("信息"), _("依据")], purposes),
        section(_("处理的个人信息"), [_("种类"), _("数量")], _amounts()),
        section(
            _("分类分级"),
            [_("类别"), _("级别"), _("存储"), _("保管期限")],
            [
                [c.name, c.grade, STORAGE.get(c.storage, c.storage), _kept(c.retention)]
                for c in terms.data_classes()
            ],
        ),
        section(_("谁能看"), [_("权限"), _("角色")], readers),
        section(_("对外提供"), [_("接收方"), _("目的"), _("信息"), _("期限")], shares, _("有效的登记")),
        section(_("保护措施"), [_("措施"), _("现状")], measures),
    ]
    with translation.override("zh-hans"):
        config = _digest(_config(actor))
    return sections, _risks(actor), config


Config = tuple[list[list[str]], list[list[str]], list[list[str]], list[list[str]]]


def _config(actor: Any) -> Config:
    """What an assessment assesses: purposes, readers, recipients, measures. Four queries."""
    return _purposes(), _readers(), _shares(actor), _measures()


def _digest(found: Config) -> str:
    """Callers ask in one language: the words are part of what is compared."""
    said = json.dumps(
        [*found, [c.__dict__ for c in terms.data_classes()]], ensure_ascii=False, sort_keys=True, default=str
    )
    return hashlib.sha256(said.encode()).hexdigest()


STORAGE = {
    "sealed": "加密",
    "masked": "遮盖",
    "plain": "按行权限",
    "files": "文件, 按权限下载",
    "digest": "只存摘要",
    "chain": "只增不改, 链式签封",
    "counts": "只有数字",
}


def _kept(code: str) -> str:
    kept = terms.classes()[code].term
    return kept.words if kept.amount or kept.unit == "permanent" else _("不留存")


def _purposes() -> list[list[str]]:
    """The register of purposes (`standards/purposes.csv`) by group: what is collected, on which ground."""
    names: dict[str, list[str]] = defaultdict(list)
    grounds: dict[str, list[str]] = defaultdict(list)
    for r in read_rows("purposes.csv"):
        names[r["group"]].append(r["name"])
        grounds[r["group"]].append(r["article"])
    return [
        [group, "、".join(dict.fromkeys(found)), "; ".join(dict.fromkeys(grounds[group]))]
        for group, found in names.items()
    ]


def _amounts() -> list[list[str]]:
    """How many children, how many of them under fourteen, how many sealed values: in the actor's scope."""
    with connection.cursor() as c:
        c.execute(
            "select count(*), count(*) filter (where birth_date > %s::date - interval '14 years') from person",
            [timezone.localdate()],
        )
        people, young = c.fetchone()
        out = [[_("学生"), str(people)], [_("其中不满十四周岁(全部信息为敏感个人信息)"), str(young)]]
        for table, label in (
            ("guardian", _("监护人和家庭成员")),
            ("identity_document", _("身份证件号(加密)")),
            ("person_photo", _("照片")),
        ):
            c.execute(f"select count(*) from {table}")
            out.append([label, str(c.fetchone()[0])])
    return out


def _readers() -> list[list[str]]:
    """Who may read fields and numbers, from the table of rights in force."""
    held: dict[str, list[str]] = defaultdict(list)
    for action, role in (
        Permission.objects.filter(held=True, pupils=True)
        .values_list("action", "role")
        .order_by("action", "id")
    ):
        if action.startswith("fields.") or action in ("identity.reveal", "student.export", "audit.view"):
            held[action].append(str(Role(role).label))
    labels = {r["code"]: r["name"] for r in read_rows("permission_actions.csv")}
    return [[labels.get(action, action), "、".join(roles)] for action, roles in held.items()]


def _shares(actor: Any) -> list[list[str]]:
    from .sharing import FIELDS

    rows = Share.objects.filter(org_id=actor.org_id, state="active").order_by("id")[:200]
    return [
        [
            s.recipient,
            s.purpose,
            "、".join(str(FIELDS[f].label) for f in s.fields if f in FIELDS),
            f"{s.since} — {s.until}",
        ]
        for s in rows
    ]


def _measures() -> list[list[str]]:
    """Measures in force, read where they are configured."""
    ring = keyring.load()
    with connection.cursor() as c:
        c.execute("select count(*) from pg_class where relrowsecurity and relkind = 'r'")
        fenced = c.fetchone()[0]
    must = [str(Role(r).label) for r in FactorRule.objects.filter(must=True).values_list("role", flat=True)]
    yes, no = _("是"), _("否")
    return [
        [_("证件号、电话、住址加密"), ring.active("data").suite.upper()],
        [_("查找用带密钥的摘要"), ring.active("index").suite.upper()],
        [_("按行权限的数据表"), str(fenced)],
        [_("须用第二种方式登录的角色"), "、".join(must) or _("无")],
        [_("闲置退出"), _("%s 分钟") % (settings.SESSION_IDLE_SECONDS // 60)],
        [_("传输加密(HTTPS)"), yes if settings.HTTPS else no],
        [_("审计日志链式签封"), yes],
        [_("保管期限"), _("%s 类, 到期清单加两人批准") % len(terms.classes())],
        [_("系统、安全、审计三员分立"), yes],
    ]


def _risks(actor: Any) -> list[dict[str, str]]:
    """What is open today: each is to be assessed by the officer."""
    today = timezone.localdate()
    found: list[tuple[str, str]] = []
    if not settings.HTTPS:
        found.append(("https", _("本系统的地址没有启用传输加密(HTTPS)")))
    if not FactorRule.objects.filter(must=True).exists():
        found.append(("factor", _("没有角色须用第二种方式登录")))
    if officers.current(actor.org_id) is None:
        found.append(("officer", _("没有指定个人信息保护负责人")))
    found += [
        (f"finding:{pk}", _("安全检查发现未整改: %s") % text)
        for pk, text in Finding.objects.filter(closed_at=None)
        .order_by("due_on", "pk")
        .values_list("id", "text")[:20]
    ]
    overdue = sum(
        d.total
        for d in retention.due(retention.kinds_for(actor), retention.units_of(actor), actor.org_path, today)
    )
    if (
        overdue
        and not Disposal.objects.filter(org_id=actor.org_id, state__in=("proposed", "approved")).exists()
    ):
        found.append(("retention", _("有 %s 条数据已过保管期限, 没有提出销毁") % overdue))
    late = Share.objects.filter(org_id=actor.org_id, state="active", until__lt=today).count()
    if late:
        found.append(("share", _("%s 项对外提供已到期, 没有确认归还或删除") % late))
    if not Check.objects.filter(
        at__gte=timezone.now() - timedelta(days=terms.term("check.every").amount)
    ).exists():
        found.append(("check", _("九十天内没有安全检查")))
    found.append(("insider", _("有权限的工作人员可能因好奇或请托查看学生信息")))
    found.append(("paper", _("打印和导出的文件离开系统后可能外传")))
    return [{"key": k, "text": t, "level": "", "measure": "", "left": ""} for k, t in found]


def stale(actor: Any, paper: Paper | None) -> bool:
    """Whether a new assessment is asked for: none was signed, or the configuration is another since."""
    if paper is None:
        return True
    with translation.override("zh-hans"):
        return paper.config != _digest(_config(actor))


def signed(org_id: Any) -> Paper | None:
    """The last signed assessment of a unit; one query."""
    return (
        Paper.objects.filter(kind="impact", org_id=org_id)
        .exclude(state="draft")
        .order_by("-signed_at")
        .first()
    )
