"""Papers of a business: those that its form asks for, and those that rules of the place ask for beside them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.model import EvidenceSlot


def slots(policy: PolicySet, business: str, stage: str = "") -> tuple[EvidenceSlot, ...]:
    """Every slot of a business, the form's first. Papers that only rules name are never required by the slot: the
    rule says when. Of papers that stand for each other one slot is shown. `stage` leaves out rules of other stages.
    """
    out = list(policy.business(business).evidence)
    held = {slot.doc for slot in out}
    for rule in policy.rules:
        concerned = any(event.partition(".")[0] == business for event in rule.on)
        if not concerned or (stage and stage not in rule.levels):
            continue
        for condition in (rule.when, rule.need):
            for name in condition.docs() if condition is not None else ():
                choices = name.split("|")
                if held.isdisjoint(choices):
                    held |= set(choices)
                    hint = _("《%s》要求时提供") % rule.cite.source.title
                    out.append(EvidenceSlot(choices[0], _("或").join(choices), False, hint))
    return tuple(out)
