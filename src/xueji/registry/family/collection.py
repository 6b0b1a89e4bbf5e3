"""采集表: the blank form that a school gives to a family, with the reason for each item on the back (个人信息保护法 17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.orgs import queries as orgs
from xueji.ground.paper.collection_form import CollectionBatch, CollectionForm, render_collection_forms
from xueji.ground.standards import fields as national_form
from xueji.ground.standards import purposes

#: What the school itself fills in; a family is not asked.
SCHOOLS = frozenset({
    "school_code", "campus_no", "class_no", "entry_month", "entry_mode", "auxiliary_number", "class_serial",
    "student_source", "government_place", "id_validity", "homepage", "former_name", "native_place", "overseas_status",
})  # fmt: skip


#: Rooms above say which fields a school does not collect: functions of school and stage (C-COL-22).
NARROWED: list[Callable[[int, str], frozenset[str]]] = []


def blank(actor: Any, class_id: int) -> bytes:
    """One blank form for a class as PDF, with the reasons on the next page. Raises PermissionDenied, Http404."""
    actor.require("roster.print")
    row = orgs.class_row(actor, class_id)
    shut = frozenset().union(*(narrow(row.school_id, row.stage) for narrow in NARROWED))
    asked = [f for f in national_form.fields() if f.key not in SCHOOLS and f.key not in shut]
    key_fields = [f for f in asked if f.is_key]
    others = [f for f in asked if not f.is_key and not f.member]
    kin = [f for f in asked if f.member and not f.key.endswith(("_ethnicity", "_relation_note"))]

    def label(f: national_form.Field) -> str:
        return f.name + (_("(选填)") if f.basis == "consent" else "")

    lines = []
    for f in [*key_fields, *others, *[k for k in kin if k.member == 1]]:
        p = purposes.of_field(f.key)
        lines.append((label(f), p.purpose, p.refusing))
    pdf = render_collection_forms(
        CollectionBatch(
            school_name=actor.org_name,
            term_name="",
            title=_("学生信息采集表"),
            forms=[
                CollectionForm(
                    class_name=row.label,
                    key_fields=[(label(f), "") for f in key_fields][:8],
                    fields=[(label(f), "") for f in [*others, *kin]][:40],
                )
            ],
            purposes=lines,
            printed_by=actor.user_name,
            printed_at=timezone.localtime().replace(microsecond=0),
        )
    )
    record(actor, "family.collection.print", object_type="class", object_id=class_id, row_count=1)
    return pdf
