"""Field groups: which part of a record needs which right, and who holds it (个人信息保护法 28, 未成年人网络保护条例 36).

Every read of people goes through here: a group without its right is absent, not masked. A caller without an actor is
the system itself (a case that is applied); what it reads is shown to nobody.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from xueji.ground.accounts.roles import PERMISSIONS, PORTAL, Role
from xueji.ground.standards import fields as national_form

#: group -> its name; the right is "fields.<group>".
GROUPS = {
    "identity": gettext_noop("证件信息"),
    "contact": gettext_noop("联系方式"),
    "family": gettext_noop("家庭与监护人"),
    "address": gettext_noop("住址与户籍"),
    "health": gettext_noop("健康信息"),
    "aid": gettext_noop("资助与困难情况"),
    "conduct": gettext_noop("操行与政治面貌"),
}
#: What the national form calls the sensitivity of a field -> group. Name and birth date are what a child is found by.
_OF = {
    "identity": "identity",
    "contact": "contact",
    "family": "family",
    "address": "address",
    "health": "health",
    "social": "aid",
    "political": "conduct",
}
_OPEN = frozenset({"name", "birth_date", "former_name"})
_KIN = {"phone": "contact", "id_number": "identity", "id_type": "identity", "address": "address"}


def may(actor: Any, group: str) -> bool:
    """Whether the actor may read a group; an empty group is open."""
    return not group or actor is None or bool(actor.can(f"fields.{group}"))


def of_field(spec: national_form.Field) -> str:
    """The group of a field of the national form; empty for an open one."""
    return "" if spec.key in _OPEN else _OF.get(spec.sensitive, "")


def of_value(what: str) -> tuple[str, ...]:
    """The groups of a value that somebody wants revealed; `what` as for `commands.reveal`."""
    kind, _sep, rest = what.partition(":")
    if kind in ("identity", "document", "number"):
        return ("identity",)
    if kind == "phone":
        return ("contact",)
    if kind == "guardian":
        key = rest.partition(":")[2] or "phone"
        return ("family", _KIN.get(key, "address" if key == "household_division" else "family"))
    if kind == "field":
        try:
            return (of_field(national_form.field(rest)),)
        except KeyError:
            return ()
    return ()


def require(actor: Any, what: str) -> None:
    """Raise PermissionDenied, with words, unless the actor may read every group of this value."""
    for group in of_value(what):
        if not may(actor, group):
            raise PermissionDenied(who_may(group))


def withheld(actor: Any, *groups: str) -> list[str]:
    """Those of these groups (none named: of all) that the actor may not read, as sentences that say who may."""
    return [who_may(group) for group in groups or GROUPS if not may(actor, group)]


def who_may(group: str) -> str:
    """Who may read a group, in a sentence."""
    roles = [r for r in Role if r in PERMISSIONS[f"fields.{group}"] and r not in PORTAL]
    seen = list(dict.fromkeys(str(r.label) for r in roles))
    return _("%(group)s不在您的权限内, 可以看的是: %(roles)s") % {
        "group": _(GROUPS[group]),
        "roles": "、".join(seen),
    }
