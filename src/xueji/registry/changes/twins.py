"""疑似同一人: before a record is made or a key fact changed by a case, whoever the child may be already is told.

The starter may go on with a stated reason for each: it stays with the case as a stated exception does, for all deciders to
see. Of whom it was said is kept as a code alone: a case is read and printed by people who may not see the other child.
Whoever decides gets the words anew, of those whom he may see (`commands.alike`). A record that begins to look alike later
is told anew: the reason belongs to the record, not to the case.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from xueji.ground.policy.statuses import Status
from xueji.registry.duplicates.entering import Facts, Likely, likely

from .business import KINDS, Check
from .material import Material, form_date
from .models import Case

PREFIX = "similar-"


def concerned(case: Case) -> bool:
    """Whether a case makes a record or changes a key fact of one."""
    return KINDS[case.business].newcomer is not None or case.business == "correct_key"


def find(m: Material) -> list[Likely]:
    """Records that the child of a case may have already. Must run in the writing role."""
    form, s, case = m.case.form, m.subject, m.case
    start = m.units.start.pk
    if KINDS[case.business].newcomer is not None:
        born = form_date(form, "new_birth_date")
        if s.status != Status.NONE or not (s.name and s.sex and born):
            return []
        child = Facts(s.name, s.sex, born, m.new_number, papers=bool(m.new_number))
        return likely(start, child, but=[s.person_id])
    if not concerned(case):
        return []
    was = Facts(s.name, s.sex, s.birth_date, papers=bool(s.id_type))
    will = Facts(
        form.get("new_name") or s.name,
        form.get("new_sex") or s.sex,
        form_date(form, "new_birth_date") or s.birth_date,
        m.new_number,
        papers=bool(s.id_type or m.new_number),
    )
    return [] if will == was else likely(start, will, but=[s.person_id], before=was)


def code(case: Case, person_id: uuid.UUID) -> str:
    """What a reason is kept under: tells one record from another and nothing of whose it is."""
    return PREFIX + hashlib.sha256(case.case_id.bytes + person_id.bytes).hexdigest()[:12]


def title() -> str:
    """What a case and its papers say of a likeness: nothing of the other child."""
    return _("疑似同一人")


def checks(case: Case, found: Sequence[Likely]) -> Iterable[Check]:
    """A line for each record: it keeps the case from being sent until a reason is stated."""
    for twin in found:
        rule = code(case, twin.person_id)
        words = _("疑似同一人: %s") % twin.words
        if rule in case.overrides:
            told, why = _("%(words)s。已说明: %(why)s"), case.overrides[rule]["reason"]
            kept = told % {"words": title(), "why": why}
            yield Check(rule, "warn", told % {"words": words, "why": why}, kept=kept)
            continue
        yield Check(
            rule,
            "block",
            _("%s。请先核对; 确是另一个孩子的, 在下面写明依据再提交") % words,
            action_url=f"/students/{twin.person_id}/" if twin.seen else "#exceptions",
            action_label=_("查看档案") if twin.seen else _("写明依据"),
            overridable=True,
            kept=_("%s。请先核对; 确是另一个孩子的, 在下面写明依据再提交") % title(),
        )
