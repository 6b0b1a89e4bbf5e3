"""What of a form lies sealed with the case: an identity number, contacts, addresses. The form keeps masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.identity import normalise_identity
from xueji.ground.standards.masking import mask_identity
from xueji.registry.people import masks, places
from xueji.registry.people.models import IdentityLookup

from ..errors import CaseError
from ..models import Case, LookupAttempt

MISSES_AN_HOUR = 10
LOOKUPS_AN_HOUR = 60
#: Names under which forms hand over what must not lie open.
_TYPED = frozenset({"new_number", "clear_number", "secret"})


def opened_values(case: Case) -> dict[str, str]:
    """What lies sealed with a case: `number`, and fields of the national form by their keys."""
    if case.sealed is None:
        return {}
    return dict(vault.open_json(bytes(case.sealed), f"case_.sealed:{case.case_id}"))


def keep(actor: Any, case: Case, form: Mapping[str, Any], allowed: Iterable[str]) -> dict[str, Any]:
    """Put the sealed part of a form into the case and return the part that may lie open, with masks.

    An empty number leaves the one that was typed before; `clear_number` drops it. Of `secret` an empty value drops
    the field. A new identity number is looked up once, when it is typed: that counts as a try, is limited and
    audited, so that drafts are no way to try numbers out. Raises `CaseError` after too many tries.
    """
    kept = {k: v for k, v in form.items() if k in set(allowed) and k not in _TYPED}
    before = opened_values(case)
    values = dict(before)
    number = str(form.get("new_number") or "")
    if number:
        if number != before.get("number"):
            _count(actor, case, str(form.get("new_id_type") or "1"), number)
        values["number"] = number
    elif form.get("clear_number"):
        values.pop("number", None)
    for key, value in dict(form.get("secret") or {}).items():
        values[key] = str(value)
    values = {k: v for k, v in values.items() if v}
    case.sealed = vault.seal_json(values, f"case_.sealed:{case.case_id}") if values else None
    if "number" in values:
        kept["new_number_masked"] = mask_identity(values["number"])
    if hidden := {k: v for k, v in values.items() if k != "number"}:
        kept["secret_masked"] = {k: masks.mask_field(national_form.field(k), v) for k, v in hidden.items()}
    return kept


def require_tries(actor: Any) -> None:
    """Raises `CaseError` when the actor has searched for others' numbers too often within an hour."""
    since = timezone.now() - timedelta(hours=1)
    tries = list(
        LookupAttempt.objects.filter(user_id=actor.user_id, at__gte=since).values_list("found", flat=True)
    )
    if len(tries) >= LOOKUPS_AN_HOUR or tries.count(False) >= MISSES_AN_HOUR:
        raise CaseError(_("一小时内查询次数过多, 请稍后再试。可以请家长提供原学校打印的学生基本信息表"))


def _count(actor: Any, case: Case, id_type: str, number: str) -> None:
    """A number that others hold counts as a miss: no more than ten such an hour. The audit does not name it."""
    require_tries(actor)
    assert case.person_id is not None
    bidx = places.identity_index(id_type, normalise_identity(number))
    taken = (
        IdentityLookup.objects.filter(id_type=id_type, bidx=bidx).exclude(person_id=case.person_id).exists()
    )
    LookupAttempt.objects.create(user_id=actor.user_id, at=timezone.now(), found=not taken)
    record(
        actor,
        "changes.lookup",
        object_type="case",
        object_id=case.case_id,
        person_id=case.person_id,
        purpose=case.business,
        after={"taken": taken},
    )
