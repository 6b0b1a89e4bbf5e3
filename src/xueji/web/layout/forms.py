"""How Django forms are drawn: label above, help, error below, one look in every room."""

from __future__ import annotations

from django.forms import BoundField, widgets
from django.forms.renderers import DjangoTemplates

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
    """Return 'check', 'group' or 'line': a tick box, a set of choices with a legend, or one input under a label."""
    widget = field.field.widget
    if isinstance(widget, widgets.RadioSelect | widgets.CheckboxSelectMultiple):
        return "group"
    return "check" if isinstance(widget, widgets.CheckboxInput) else "line"
