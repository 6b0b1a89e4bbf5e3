"""Security checks: run by the system or entered by people; findings with an owner and a day (C-SEC-09)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import FactorRule
from xueji.ground.audit import verify as audit
from xueji.ground.audit.commands import Who, record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting

from .. import terms
from ..errors import PrivacyError
from ..models import Check, Finding

SYSTEM = Who(None, "xueji", "system", None)
UNUSED_DAYS = 90


def points() -> list[dict[str, Any]]:
    """What the system can look at by itself: key, name, whether it holds, words."""
    out: list[dict[str, Any]] = []

    def point(key: str, name: str, ok: bool, words: str) -> None:
        out.append({"key": key, "name": name, "ok": ok, "words": words})

    with acting("audit"), connection.cursor() as c:
        broken = audit.first_break(c)
        c.execute("select count(*) from audit_entry")
        entries = c.fetchone()[0]
    point(
        "audit",
        _("审计日志完整"),
        broken is None,
        _("%s 条日志与签封一致") % entries if broken is None else audit.in_words(broken),
    )
    try:
        vault.ready()
        point("keys", _("加密密钥可用"), True, _("数据密钥 %s") % vault.active_key_id())
    except Exception as error:  # whatever is wrong with the keys is the finding
        point("keys", _("加密密钥可用"), False, str(error)[:200])
    https = bool(settings.HTTPS or settings.DEMO)
    point(
        "https",
        _("传输加密"),
        https,
        _("已启用")
        if settings.HTTPS
        else _("演示系统, 没有启用 HTTPS")
        if settings.DEMO
        else _("没有启用 HTTPS"),
    )
    with acting("writer"), connection.cursor() as c:
        c.execute(
            "select count(*) filter (where coalesce(u.last_login, u.created_at) < now() - make_interval(days => %s)),"
            " count(*) from account_user u where u.is_active",
            [UNUSED_DAYS],
        )
        unused, accounts = c.fetchone()
        c.execute(
            "select count(distinct u.id) from account_user u join role_assignment a on a.user_id = u.id"
            " where u.is_active and a.role = any(%s) and not exists (select 1 from account_factor f"
            " where f.user_id = u.id and f.confirmed_at is not null)",
            [list(FactorRule.objects.filter(must=True).values_list("role", flat=True))],
        )
        bare = c.fetchone()[0]
        c.execute("select count(*) from account_user where is_active and must_change_password")
        first = c.fetchone()[0]
        c.execute(
            "select count(*) from pg_class k join pg_namespace n on n.oid = k.relnamespace where n.nspname = 'public'"
            " and k.relkind = 'r' and not k.relrowsecurity and exists (select 1 from pg_attribute a"
            " where a.attrelid = k.oid and a.attname = 'person_id') and has_table_privilege('xueji_app', k.oid, 'select')"
        )
        open_tables = c.fetchone()[0]
    point(
        "unused",
        _("久不使用的账号"),
        unused == 0,
        _("%(n)s 个账号中 %(u)s 个 90 天没有登录") % {"n": accounts, "u": unused},
    )
    point("factor", _("须双因素登录的账号都已登记"), bare == 0, _("%s 个账号还没有登记") % bare)
    point("first", _("初始密码都已修改"), first == 0, _("%s 个账号还用初始密码") % first)
    point("rows", _("含学生信息的表都有行权限"), open_tables == 0, _("%s 张表没有") % open_tables)
    return out


def run(actor: Any = None) -> Check:
    """Run the points; each that does not hold becomes a finding unless one is open. PermissionDenied for others."""
    who = actor or SYSTEM
    if actor is not None:
        actor.require("check.write")
    found = points()
    due = timezone.localdate() + timedelta(days=terms.term("finding.close").amount)
    with transaction.atomic(), acting("writer"):
        made = Check.objects.create(
            kind="system",
            title=_("系统自查"),
            by_name=who.user_name if actor is not None else _("系统"),
            result=found,
            passed=all(p["ok"] for p in found),
        )
        Finding.objects.bulk_create(
            [
                Finding(check_of=made, key=p["key"], text=f"{p['name']}: {p['words']}"[:300], due_on=due)
                for p in found
                if not p["ok"]
            ],
            ignore_conflicts=True,
        )
    _tell(who, "run", made)
    return made


def run_due() -> int:
    """The worker's duty: a check when the last one by the system is older than a week."""
    with acting("writer"):
        late = timezone.now() - timedelta(days=7)
        if Check.objects.filter(kind="system", at__gte=late).exists():
            return 0
    run()
    return 1


def enter(actor: Any, *, title: str, text: str, findings: list[tuple[str, str, date]]) -> Check:
    """A check that people did: what was looked at, what was found (text, owner, day). Raises `PrivacyError`."""
    actor.require("check.write")
    if len(title.strip()) < 2 or len(text.strip()) < 5:
        raise PrivacyError(_("请写明查了什么、结果怎样"))
    with transaction.atomic(), acting("writer"):
        made = Check.objects.create(
            kind="manual",
            title=title.strip()[:100],
            by_name=actor.user_name,
            result=[
                {"key": "", "name": title.strip()[:100], "ok": not findings, "words": text.strip()[:500]}
            ],
            passed=not findings,
        )
        Finding.objects.bulk_create(
            [
                Finding(check_of=made, text=words.strip()[:300], owner=owner.strip()[:60], due_on=day)
                for words, owner, day in findings[:50]
            ]
        )
    _tell(actor, "enter", made)
    return made


def settle(
    actor: Any, finding_id: int, *, owner: str = "", due_on: date | None = None, note: str = ""
) -> Finding:
    """Say whose a finding is, or close it with what was done (`note`). Raises Http404, `PrivacyError`."""
    actor.require("check.write")
    with transaction.atomic(), acting("writer"):
        row = Finding.objects.select_for_update().filter(pk=finding_id).first()
        if row is None:
            raise Http404
        if row.closed_at:
            raise PrivacyError(_("这个问题已经整改"))
        if note.strip():
            row.closed_at, row.closed_name, row.note = timezone.now(), actor.user_name, note.strip()[:300]
        elif owner.strip():
            row.owner, row.due_on = owner.strip()[:60], due_on or row.due_on
        else:
            raise PrivacyError(_("请写明整改的情况, 或指定责任人"))
        row.save()
    record(
        actor,
        "privacy.check.settle",
        object_type="privacy_finding",
        object_id=row.pk,
        after={"closed": bool(row.closed_at)},
    )
    return row


def _tell(actor: Any, what: str, row: Check) -> None:
    record(
        actor,
        f"privacy.check.{what}",
        object_type="privacy_check",
        object_id=row.pk,
        after={"kind": row.kind, "passed": row.passed},
    )
