"""Masks of what a person's record holds, by what it is."""

from __future__ import annotations

from xueji.ground.standards import fields as national_form
from xueji.ground.standards.masking import mask_identity, mask_phone, mask_student_number

COVERED = "****"


def mask_address(value: str) -> str:
    """The beginning of an address; of a short one nothing."""
    return value[:6] + COVERED if len(value) > 9 else COVERED if value else ""


def mask_field(spec: national_form.Field, value: str) -> str:
    """Phones keep their ends; of a place the beginning is left; all else is covered whole."""
    if not value:
        return ""
    if spec.type == "phone":
        return mask_phone(value)
    if spec.sensitive == "address" and not spec.codeset:
        return mask_address(value)
    return COVERED


def mask_for(what: str, text: str) -> str:
    """The mask of a revealed value, to which the page goes back; `what` as for `commands.reveal`."""
    kind, _sep, rest = what.partition(":")
    if kind == "number":
        return mask_student_number(text)
    if kind in ("identity", "document"):
        return mask_identity(text)
    if kind == "guardian":
        key = rest.partition(":")[2] or "phone"
        masks = {"phone": mask_phone, "id_number": mask_identity, "address": mask_address}
        return masks[key](text) if key in masks else COVERED
    try:
        return mask_field(national_form.field(rest or kind), text)
    except KeyError:
        return COVERED
