"""重复招生: each school proves or gives up, shown to both; when both prove, the superior of both decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting

from ..errors import AdmissionError
from ..models import Applicant, Claim, State
from ._base import need_words

ANSWERS = ("prove", "drop")


def _locked(claim_id: int) -> Claim:
    if not Claim.objects.filter(pk=claim_id).exists():
        raise Http404
    with acting("writer"):
        claim = Claim.objects.select_for_update().get(pk=claim_id)
    if claim.state != "open":
        raise AdmissionError(_("这件重复招生已经处理完"))
    return claim


def answer(actor: Any, claim_id: int, *, what: str, words: str) -> Claim:
    """A school says 佐证 (the child attends here; the words are the proof) or 删除 (it gives the child up).

    Raises PermissionDenied, Http404, `AdmissionError`.
    """
    actor.require("admission.prepare")
    words = need_words(words)
    if what not in ANSWERS:
        raise AdmissionError(_("请选择佐证或删除"))
    with transaction.atomic():
        claim = _locked(claim_id)
        if actor.org_id == claim.first_school_id:
            claim.first_answer, claim.first_words = what, words
            own, other = claim.first_id, claim.second_id
        elif actor.org_id == claim.second_school_id:
            claim.second_answer, claim.second_words = what, words
            own, other = claim.second_id, claim.first_id
        else:
            raise Http404
        with acting("writer"):
            if what == "drop":
                row = Applicant.objects.select_for_update().get(pk=own)
                if row.state == State.REPORTED:
                    raise AdmissionError(_("该生已在本校报到建籍, 不能删除; 请办理转学或由主管部门处理"))
                _close(actor, claim, other, own, words)
            else:
                claim.save(force_update=True)
        record(
            actor, "admission.claim", object_type="adm_claim", object_id=claim.pk, purpose=words[:200],
            after={"answer": what}, persons=[own],
        )  # fmt: skip
    return claim


def decide(actor: Any, claim_id: int, *, winner: str, words: str) -> Claim:
    """The authority over both schools says where the child is admitted. Raises as `answer`."""
    actor.require("admission.approve")
    words = need_words(words)
    if winner not in ("first", "second"):
        raise AdmissionError(_("请选择由哪所学校录取"))
    with transaction.atomic():
        claim = _locked(claim_id)
        if not {claim.first_county_id, claim.second_county_id} <= set(actor.orgs):
            raise AdmissionError(_("两所学校不都由本单位主管, 请由共同的上级主管部门裁定"))
        won, lost = (
            (claim.first_id, claim.second_id) if winner == "first" else (claim.second_id, claim.first_id)
        )
        with acting("writer"):
            if Applicant.objects.filter(pk=lost, state=State.REPORTED).exists():
                raise AdmissionError(_("该生已在另一所学校报到建籍, 请先办理清退或转学"))
            _close(actor, claim, won, lost, words)
        record(
            actor, "admission.arbitrate", object_type="adm_claim", object_id=claim.pk, purpose=words[:200],
            after={"winner": winner}, persons=[won, lost],
        )  # fmt: skip
    return claim


def _close(actor: Any, claim: Claim, won: Any, lost: Any, words: str) -> None:
    """The loser leaves the list; the winner is free unless a third school claims it too. In the writing role."""
    claim.state, claim.won_id, claim.words = "closed", won, words
    claim.closed_name, claim.closed_at = actor.user_name, timezone.now()
    claim.save(force_update=True)
    Applicant.objects.filter(pk=lost).exclude(state=State.REPORTED).update(
        state=State.WITHDRAWN, words=_("重复招生, 由其他学校录取"), disputed=False
    )
    Claim.objects.filter(Q(first_id=lost) | Q(second_id=lost), state="open").update(
        state="closed", won_id=won, words=words, closed_name=actor.user_name, closed_at=timezone.now()
    )
    if not Claim.objects.filter(Q(first_id=won) | Q(second_id=won), state="open").exists():
        Applicant.objects.filter(pk=won).update(disputed=False)


def settle_for(actor: Any, rows: Sequence[Applicant], words: str) -> None:
    """Close the disputes of candidates who were taken off their school's list. In the writing role; three statements."""
    gone = [r.pk for r in rows]
    claims = list(
        Claim.objects.select_for_update().filter(Q(first_id__in=gone) | Q(second_id__in=gone), state="open")
    )
    for claim in claims:
        claim.won_id = claim.second_id if claim.first_id in gone else claim.first_id
        claim.state, claim.words = "closed", words
        claim.closed_name, claim.closed_at = actor.user_name, timezone.now()
    if not claims:
        return
    Claim.objects.bulk_update(claims, ["won_id", "state", "words", "closed_name", "closed_at"])
    still = Claim.objects.filter(state="open")
    Applicant.objects.filter(pk__in=[c.won_id for c in claims]).exclude(
        Q(pk__in=still.values("first_id")) | Q(pk__in=still.values("second_id"))
    ).update(disputed=False)
