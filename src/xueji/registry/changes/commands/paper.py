"""The forms of old on paper. Printing is in the log before the sheet leaves."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone, translation

from xueji.ground.db.scope import acting
from xueji.ground.orgs.models import Org
from xueji.ground.paper.form_sheet import render_form

from .. import forms_paper
from .. import page as pages
from ..routing import policy_for, slots_of
from ._base import audit


def paper_form(actor: Any, *, case_id: uuid.UUID, key: str, url: str) -> tuple[bytes, str]:
    """A form of a case as PDF and its name; `url` goes into its QR code (C-CHG-05, C-TRF-11). Staff only.

    Raises Http404 for a form that this case does not have (yet), `ground.paper.fonts.MissingGlyphs`.
    """
    form = forms_paper.BY_KEY.get(key)
    with translation.override("zh-hans"):  # the paper is Chinese, whatever the reader's screen is
        page = pages.load(actor, case_id)
        case = page.case
        if form is None or not page.may("print") or not form.fits(case, page.chain):
            raise Http404
        start = Org.objects.get(pk=case.org_id)
        slots = slots_of(policy_for(start, timezone.localdate()), case)
        sheet = forms_paper.build(
            actor,
            form,
            case,
            asked=page.wanted,
            diff=case.summary.get("diff", []),
            materials=[s["label"] for s in pages.evidence_slots(case, slots, page.files) if s["done"]],
            url=url,
            now=timezone.localtime().replace(microsecond=0),
        )
        with transaction.atomic(), acting("writer"):
            audit(actor, "print", case, form=form.key)
        return render_form(sheet), f"{form.printed}{case.number}.pdf"
