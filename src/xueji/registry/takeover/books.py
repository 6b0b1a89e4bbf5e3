"""The workbook that shows which columns a takeover understands."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from xueji.ground.sheets.write import TemplateField, write_template
from xueji.ground.standards.fields import fields as national_form
from xueji.registry.intake.asked import demands, shut

from .layout import FORMER, NUMBER, REQUIRED, SINCE, STATES, STATUS, name_of

_COLUMNS = (
    NUMBER, "auxiliary_number", FORMER, "name", "sex", "birth_date", "id_type", "id_number", "ethnicity", "class_no",
    "entry_month", "attendance_mode", STATUS, SINCE,
)  # fmt: skip


def template(levels: Mapping[str, str]) -> bytes:
    """Roster columns with explanations, without what the place does not collect; what it demands says so (C-COL-22).
    The movements' columns are named in the guide of the page.
    """
    helps = {
        NUMBER: _("官方系统的号码, 原样保留"),
        FORMER: _("以前的学籍号, 多个用顿号隔开"),
        STATUS: _("在读、休学、转出、毕业等"),
        SINCE: _("进入这个状态的日期; 有异动表时可以不填"),
    }
    later = _("本地要求填写; 空着也能接管, 接管后请补齐")
    helps |= {
        f.key: later for f in national_form() if demands(levels, f) and f.key not in (*REQUIRED, "id_type")
    }
    closed = shut(levels)
    fields = [
        TemplateField(
            label=name_of(key),
            required=key in REQUIRED,
            help=helps.get(key, ""),
            codes="status" if key == STATUS else "",
            identity=key == "id_number",
        )
        for key in _COLUMNS
        if key not in closed
    ]
    return write_template(
        fields,
        {"status": list(STATES)},
        meta={"kind": "takeover", "version": "1"},
        sheet_name=str(_("学籍名册")),
    )
