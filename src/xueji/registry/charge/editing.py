"""The form of a record's ordinary data (C-ROL-04): which fields of the national form, in which kind, drawn from it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import connection
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from xueji.ground.crypto import vault
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.codes import table
from xueji.registry.people import commands as people
from xueji.registry.people import places
from xueji.registry.people.commands.persons import kind_of
from xueji.registry.people.queries.profile import kept_in_profile

PARTS = ("contact", "extended", "basic")
_LONG_TABLE = 200


def specs(part: str) -> list[national_form.Field]:
    """The fields of one part that may be edited here, in the form's order."""
    return [
        f
        for f in national_form.fields()
        if kept_in_profile(f) and kind_of(f.key) == part and f.key != "id_validity"
    ]


def values(person_id: uuid.UUID, part: str) -> dict[str, str]:
    """What is kept of a part: open values; sealed ones stay out, a blank leaves them as they are. Raises Http404."""
    with connection.cursor() as c:
        c.execute(
            "select f.data, f.sealed from person p left join person_profile f on f.person_id = p.person_id"
            " where p.person_id = %s",
            [person_id],
        )
        row = c.fetchone()
    if row is None:
        raise Http404
    data = row[0] if isinstance(row[0], dict) else json.loads(row[0] or "{}")
    return {s.key: str(data.get(s.key) or "") for s in specs(part)}


def sealed(spec: national_form.Field) -> bool:
    """Whether the value lies sealed: then the form does not show it."""
    return spec.sensitive in places.SEALED_KINDS


class ProfileForm(forms.Form):
    """One part of a record. A sealed field shows no value; left blank it stays as it is."""

    def __init__(self, part: str, now: Mapping[str, str], data: Any = None) -> None:
        super().__init__(data, initial={k: v for k, v in now.items() if v})
        self.part, self.now = part, now
        for spec in specs(part):
            self.fields[spec.key] = _field(spec)

    def changes(self) -> dict[str, str]:
        """What differs from what is kept; blanks of sealed fields differ from nothing."""
        out = {}
        for spec in specs(self.part):
            value = str(self.cleaned_data.get(spec.key) or "").strip()
            if value != self.now.get(spec.key, "") and (value or not sealed(spec)):
                out[spec.key] = value
        return out


def _field(spec: national_form.Field) -> forms.Field:
    closed = sealed(spec)
    hint = _("已保密存放, 不填则不变") if closed else ""
    if spec.codeset and len(choices := table(spec.codeset).choices()) <= _LONG_TABLE:
        blank = _("不变") if closed else _("未填")
        return forms.ChoiceField(
            label=spec.name, required=False, choices=[("", blank), *choices], help_text=hint
        )
    if spec.codeset:
        return _Coded(spec, label=spec.name, required=False, help_text=hint or _("填名称或代码"))
    if spec.type == "email":
        return forms.EmailField(
            label=spec.name, required=False, max_length=spec.max_len or 200, help_text=hint
        )
    if spec.type == "dec":
        return forms.DecimalField(
            label=spec.name, required=False, min_value=0, max_value=999, decimal_places=2, help_text=hint
        )
    if spec.type == "phone":
        return forms.RegexField(
            r"^[0-9+\-() ]{5,30}$", label=spec.name, required=False, help_text=hint,
            error_messages={"invalid": _("请填写电话号码")},
        )  # fmt: skip
    if spec.type == "ym6":
        return forms.RegexField(
            r"^(19|20)\d\d(0[1-9]|1[0-2])$", label=spec.name, required=False, help_text=_("六位年月, 例如 202609"),
            error_messages={"invalid": _("请填写六位年月, 例如 202609")},
        )  # fmt: skip
    return forms.CharField(label=spec.name, required=False, max_length=spec.max_len or 200, help_text=hint)


class _Coded(forms.CharField):
    """A code of a long table (divisions), typed as name or code."""

    def __init__(self, spec: national_form.Field, **kwargs: Any) -> None:
        super().__init__(max_length=60, **kwargs)
        self.spec = spec

    def clean(self, value: Any) -> str:
        """The code. Raises ValidationError for what the table does not know."""
        raw = super().clean(value)
        if not raw:
            return ""
        code = table(self.spec.codeset).find(raw)
        if code is None:
            raise forms.ValidationError(_("代码表里没有“%(raw)s”") % {"raw": raw})
        return code


class GuardianForm(forms.Form):
    """A family member; numbers that are kept are not shown, a blank keeps them."""

    name = forms.CharField(label=_("姓名"), max_length=100)
    relation = forms.ChoiceField(label=_("与学生的关系"))
    relation_note = forms.CharField(label=_("关系说明"), max_length=60, required=False)
    is_guardian = forms.BooleanField(label=_("是监护人"), required=False)
    phone = forms.RegexField(
        r"^[0-9+\-() ]{5,30}$",
        label=_("电话"),
        required=False,
        help_text=_("已保密存放, 不填则不变"),
        error_messages={"invalid": _("请填写电话号码")},
    )
    address = forms.CharField(
        label=_("住址"), max_length=180, required=False, help_text=_("已保密存放, 不填则不变")
    )
    employer = forms.CharField(
        label=_("工作单位"), max_length=100, required=False, help_text=_("已保密存放, 不填则不变")
    )

    def __init__(self, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["relation"].choices = table("guardian_relation_template").choices()  # type: ignore[attr-defined]


def save_guardian(actor: Any, person_id: uuid.UUID, no: int | None, data: Mapping[str, Any]) -> int:
    """Write a family member, with what is kept sealed and was left blank. Raises what `set_guardian` raises."""
    kept: dict[str, str] = {}
    if no is not None:
        with connection.cursor() as c:
            c.execute(
                "select sealed from guardian where person_id = %s and guardian_no = %s", [person_id, no]
            )
            row = c.fetchone()
        if row is None:
            raise Http404
        kept = vault.open_json(row[0], places.guardian(person_id, no)) if row[0] else {}
    typed = {k: str(data.get(k) or "").strip() for k in ("phone", "address", "employer")}
    new = people.NewGuardian(
        name=data["name"],
        relation=data["relation"],
        relation_note=data["relation_note"],
        is_guardian=bool(data["is_guardian"]),
        sealed=kept | {k: v for k, v in typed.items() if v},
    )
    return people.set_guardian(actor, person_id, no, new)
