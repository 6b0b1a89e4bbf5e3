"""依申请导出: a using unit's application to the data-managing office of the same tier (rule, article 9; C-EXP-03)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.db.scope import acting
from xueji.ground.files import commands as files
from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment import listing

from .. import judging
from ..errors import ExportRefused
from ..models import Channel, ExportRequest
from ..words import FIELDS
from ._rows import in_turn, note, unit

#: What of the list's address is kept as condition; never what was searched for, which may be a name or a number.
KEYS = ("view", "grade", "sex", "class", "school")


def ask(
    actor: Actor,
    *,
    purpose_code: str,
    fields: Sequence[str],
    conditions: Mapping[str, str],
    reason: str,
    use_scope: str,
    way: str,
    recipient_kind: str,
    receiver: str,
    responsible: str,
    handler: str,
    until: date,
    plan: bytes = b"",
    plan_name: str = "",
) -> ExportRequest:
    """Apply: a class teacher for the own class, an office on behalf of the department that uses the data.

    Raises `ExportRefused` with words and article, `FileRefused` for the plan, PermissionDenied.
    """
    if not actor.can("export.use"):
        actor.require("export.apply")
    org = unit(actor)
    wanted = [f for f in FIELDS if f in fields]
    if not wanted:
        raise ExportRefused(_("请选择需要哪些信息"))
    for f in wanted:
        if FIELDS[f][1]:
            actor.require(FIELDS[f][1])
    kept = {k: str(conditions.get(k, ""))[:100] for k in KEYS if conditions.get(k)}
    if not actor.can("export.apply") and kept.get("class") not in {str(c) for c in actor.classes}:
        raise ExportRefused(_("请选择您任教的班级"))
    if len(reason.strip()) < 4 or len(receiver.strip()) < 2:
        raise ExportRefused(_("请写明用途(至少4个字)和由谁使用"))
    rules = judging.rules_above(org)
    longest = judging.limits(rules).days
    if not today() <= until <= today() + timedelta(days=longest):
        raise ExportRefused(_("截止日期要在今天起%(n)s天以内") % {"n": longest})
    backend = org.kind in (OrgKind.CITY, OrgKind.PROVINCE)
    row = ExportRequest(
        org_id=org.pk,
        province_id=_province(org) if backend else None,
        channel=Channel.BACKEND if backend else Channel.PAGE,
        purpose_code=purpose_code,
        fields=wanted,
        conditions=kept,
        shown=in_words(actor, kept),
        reason=reason.strip()[:200],
        use_scope=use_scope.strip()[:200],
        way=way.strip()[:200],
        recipient_kind=recipient_kind,
        receiver=receiver.strip()[:100],
        responsible=responsible.strip()[:50],
        handler=handler.strip()[:50],
        until=until,
        asked_by=actor.user_id,
        asked_name=actor.user_name,
    )
    judging.purpose(row)
    with transaction.atomic():
        if plan:
            row.plan_file = files.store(
                actor, plan, name=plan_name, purpose="export_plan", readers=[org.pk], klasses=actor.classes
            ).id
        judging.applying(org, row, next((r for r in rules if r.org_id == org.pk), None))
        with acting("writer"):
            row.number = _number(org)
            row.save(force_insert=True)
    note(actor, "export.ask", row)
    return row


def in_words(actor: Actor, conditions: Mapping[str, str]) -> str:
    """The conditions as the head reads them."""
    query = listing.read(conditions)
    parts = [str(listing.VIEWS[query.view][0])]
    choices = listing.choices(actor)
    parts += [name for code, name in choices["grades"] if code == query.grade]
    parts += [name for key, name in choices["schools"] if key == query.filters.school_id]
    if query.filters.sex:
        parts.append(SEX_WORDS[query.filters.sex])
    if query.filters.class_id:
        parts.append(_("指定班级"))
    return " · ".join(str(p) for p in parts)[:200]


def _province(org: Org) -> int | None:
    line = judging.above(org)
    return Org.objects.filter(pk__in=line, kind=OrgKind.PROVINCE).values_list("pk", flat=True).first()


def _number(org: Org) -> str:
    """The next number of the unit and year, without gaps; the lock holds until the transaction ends."""
    year = today().year
    in_turn("export_request", org.pk)
    begun = ExportRequest.objects.filter(org_id=org.pk, number__startswith=f"DC{year}-").count()
    return f"DC{year}-{org.code}-{begun + 1:04d}"
