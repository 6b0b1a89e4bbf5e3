"""Who decides on a submission, in which order: the levels of policy, as far as the unit that asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.roles import Role
from xueji.ground.orgs.models import Org, OrgKind, School
from xueji.registry.changes.routing import role_at

from .errors import SubmissionError

LEVELS = ("school", "central", "authority", "city", "province")
_SHORT = {
    OrgKind.SCHOOL: gettext_lazy("学校"),
    OrgKind.CENTRAL: gettext_lazy("中心校"),
    OrgKind.COUNTY: gettext_lazy("县级"),
    OrgKind.CITY: gettext_lazy("市级"),
    OrgKind.PROVINCE: gettext_lazy("省级"),
    OrgKind.NATION: gettext_lazy("国家级"),
}


@dataclass(frozen=True)
class Turn:
    """One step of a chain for one school."""

    org_id: int
    role: str
    label: str


def read(text: str) -> list[str]:
    """The levels of a policy's words: `school.clerk, school.head, ...`. Raises `SubmissionError`."""
    out = [x.strip() for x in text.split(",") if x.strip()]
    for x in out:
        level, _dot, duty = x.partition(".")
        if level not in LEVELS or duty not in ("clerk", "head"):
            raise SubmissionError(_("规则里的上报层级“%s”无法识别, 请联系上级主管部门") % x)
    if not out or not out[0].startswith("school."):
        raise SubmissionError(_("规则里的上报层级应从学校开始, 请联系上级主管部门"))
    return out


def turns(levels: Sequence[str], school: School, above: Mapping[str, Org], asked_by: Org) -> list[Turn]:
    """The steps of one school. `above` are the units over it by kind; nothing above the asking unit takes part."""
    out: list[Turn] = []
    for entry in levels:
        level, _dot, duty = entry.partition(".")
        org = {"school": school.org, "authority": school.county}.get(level) or above.get(level)
        if org is None or (level in ("city", "province") and org.pk == school.county_id):
            continue
        if not org.path.startswith(asked_by.path) and org.kind not in (OrgKind.SCHOOL, OrgKind.CENTRAL):
            continue
        role = role_at(org.kind, duty)
        if not role or any((t.org_id, t.role) == (org.pk, role) for t in out):
            continue
        label = (
            _("学校上报")
            if not out
            else f"{_SHORT[OrgKind(org.kind)]}{_('负责人签字') if duty == 'head' else _('审核')}"
        )
        out.append(Turn(org.pk, role, label))
    return out


def units_above(school: School) -> dict[str, Org]:
    """Central school, city and province over a school, by kind. One query."""
    ids = [int(x) for x in school.org.path.strip("/").split("/")[:-1]]
    return {o.kind: o for o in Org.objects.filter(pk__in=ids)}


def role_label(role: str) -> str:
    """A role in words."""
    return str(Role(role).label)
