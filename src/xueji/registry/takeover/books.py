"""The workbook that shows which columns a takeover understands."""

from __future__ import annotations

from django.utils.translation import gettext as _

from xueji.ground.sheets.write import TemplateField, write_template

from .layout import FORMER, NUMBER, REQUIRED, SINCE, STATES, STATUS, name_of

_COLUMNS = (
    NUMBER, "auxiliary_number", FORMER, "name", "sex", "birth_date", "id_type", "id_number", "ethnicity", "class_no",
    "entry_month", "attendance_mode", STATUS, SINCE,
)  # fmt: skip


def template() -> bytes:
    """Roster columns with explanations; the movements' columns are named in the guide of the page."""
    helps = {
        NUMBER: _("官方系统的号码, 原样保留"),
        FORMER: _("以前的学籍号, 多个用顿号隔开"),
        STATUS: _("在读、休学、转出、毕业等"),
        SINCE: _("进入这个状态的日期; 有异动表时可以不填"),
    }
    fields = [
        TemplateField(
            label=name_of(key),
            required=key in REQUIRED,
            help=helps.get(key, ""),
            codes="status" if key == STATUS else "",
            identity=key == "id_number",
        )
        for key in _COLUMNS
    ]
    return write_template(
        fields,
        {"status": list(STATES)},
        meta={"kind": "takeover", "version": "1"},
        sheet_name=str(_("学籍名册")),
    )
