"""How Django forms are drawn: label above, help, error below, one look in every room."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm, BoundField, Field, widgets
from django.forms.renderers import DjangoTemplates
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

# Order matters: the first class that fits decides.
_WIDGET_CLASSES: tuple[tuple[type[widgets.Widget], str], ...] = (
    (widgets.CheckboxSelectMultiple, ""),
    (widgets.RadioSelect, ""),
    (widgets.CheckboxInput, "form-check-input"),
    (widgets.Select, "form-select"),
    (widgets.Input, "form-control"),
    (widgets.Textarea, "form-control"),
    (widgets.MultiWidget, "form-control"),
)


class Renderer(DjangoTemplates):
    """FORM_RENDERER of the project. Finds templates in every installed app, so rooms may add their own."""

    form_template_name = "layout/forms/form.html"
    field_template_name = "layout/forms/field.html"


def widget_class(field: BoundField) -> str:
    """Return the CSS class of the field's widget, with the invalid mark when the field has errors."""
    widget = field.field.widget
    name = next((css for kind, css in _WIDGET_CLASSES if isinstance(widget, kind)), "form-control")
    own = str(widget.attrs.get("class", ""))
    parts = [own if name in own.split() else f"{own} {name}".strip()]
    if field.errors and name:
        parts.append("is-invalid")
    return " ".join(p for p in parts if p)


def layout_kind(field: BoundField) -> str:
    """Return 'check' (a tick box), 'group' (choices under a legend) or 'line' (one input under a label)."""
    widget = field.field.widget
    if isinstance(widget, widgets.RadioSelect | widgets.CheckboxSelectMultiple):
        return "group"
    return "check" if isinstance(widget, widgets.CheckboxInput) else "line"


class PlainWords:
    """Mixin for forms: says what to fill in or choose instead of "this field is required"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self, BaseForm)
        for name, field in self.fields.items():
            _say_plainly(field, field.label or name)


def _say_plainly(field: Field, label: Any) -> None:
    """Replace the field's required message unless the form wrote its own."""
    if field.error_messages.get("required") != Field.default_error_messages["required"]:
        return
    if isinstance(field.widget, widgets.CheckboxInput):
        sentence = format_lazy("{}{}", _("请勾选"), label)
    elif isinstance(field.widget, widgets.ChoiceWidget):
        sentence = format_lazy("{}{}", _("请选择"), label)
    elif isinstance(field.widget, widgets.FileInput):
        sentence = format_lazy("{}{}", _("请上传"), label)
    else:
        sentence = format_lazy("{}{}", _("请填写"), label)
    field.error_messages["required"] = sentence
