"""What the cells of one row say together: the conditional rules of the template (standards, section 1).

Each rule looks at the understood values of a row and reports (field, code, message, severity). They are few and
cheap on purpose: they run for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from .cells import EITHER_OTHER

Report = Callable[[str, str, str, str], None]
Values = Mapping[str, Any]

COMPULSORY_MODES = ("11", "12")
SENIOR_MODES = ("21", "22", "23", "99")
_OVERSEAS_PAPERS = ("6", "7", "8", "9", "A", "C", "H", "I", "J", "K")
#: First birthday at entry that is usual, and the last (义务教育法 11 for primary school).
_AGES = {"P": (6, 8), "J": (11, 15), "S": (14, 19)}
_MEMBER_MUST = ("relation", "address", "household_division", "phone", "is_guardian")


def age_on(born: date, day: date) -> int:
    """Full years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def entry_mode_of(mode: str | None, stage: str) -> str | None:
    """Settle the two codes that are both called 其他."""
    if mode == EITHER_OTHER:
        return "99" if stage == "S" else "12"
    return mode


def check_row(values: Values, stage: str, report: Report, shut: frozenset[str] = frozenset()) -> None:
    """Report what does not go together in a row whose cells were read; `shut` are fields that the place does not collect."""
    _entry(values, stage, report)
    _groups(values, report)
    _overseas(values, report)
    _members(values, report, shut)


def _entry(values: Values, stage: str, report: Report) -> None:
    mode = entry_mode_of(values["entry_mode"], stage)
    if mode and stage:
        if stage == "S" and mode in COMPULSORY_MODES:
            report(
                "entry_mode",
                "entry_mode.stage",
                _("高中的入学方式只能是统一招生、特招或其他(21、22、23、99)"),
                "error",
            )
        elif stage != "S" and mode in SENIOR_MODES:
            report(
                "entry_mode",
                "entry_mode.stage",
                _("义务教育阶段的入学方式只能是就近入学或其他(11、12)"),
                "error",
            )
    if stage in ("P", "J") and values["student_source"] == "2":
        report(
            "student_source",
            "source.guest",
            _("义务教育阶段的学生来源只能是正常入学或其他, 借读学生请办理借读"),
            "error",
        )
    born, entry = values["birth_date"], values["entry_month"]
    if born and entry and stage:
        age = age_on(born, entry)
        low, high = _AGES[stage]
        if not low <= age <= high:
            text = _("入学时%(age)d岁, 这个学段一般是%(low)d至%(high)d岁, 请核对出生日期和入学年月")
            report("birth_date", "age.unusual", text % {"age": age, "low": low, "high": high}, "warning")
    if values["political_status"] == "03" and born and entry and age_on(born, _today(entry)) < 13:
        report("political_status", "political.age", _("共青团员一般年满14岁, 请核对"), "warning")


def _today(entry: date) -> date:
    from django.utils import timezone

    return max(entry, timezone.localdate())


def _groups(values: Values, report: Report) -> None:
    if values["health"] == "50" and values["disabled"] == "0":
        report("disabled", "disabled.health", _("健康状况是残疾, 是否残疾人填写的是否, 请核对"), "warning")
    left, rural = values["left_behind"], values["rural_left_behind"]
    migrant, worker = values["migrant_child"], values["migrant_worker_child"]
    if left in ("1", "2") and migrant == "1":
        report("left_behind", "left_behind.migrant", _("留守儿童和随迁子女不能同时为是, 请核对"), "warning")
    if rural == "1" and left == "0":
        report(
            "rural_left_behind", "left_behind.rural", _("是否留守儿童为否, 是否农村留守儿童不能为是"), "error"
        )
    if worker == "1" and migrant == "0":
        report(
            "migrant_child",
            "migrant.worker",
            _("进城务工人员随迁子女也是随迁子女, 请把是否随迁子女改为是"),
            "error",
        )


def _overseas(values: Values, report: Report) -> None:
    country, status, paper = values["nationality"], values["overseas_status"], values["id_type"]
    if country and country not in ("CHN", "HKG", "MAC", "TWN") and status not in (None, "41", "51"):
        report(
            "overseas_status",
            "overseas.foreign",
            _("外国籍学生的港澳台侨外应为外籍华裔人或外国人"),
            "warning",
        )
    if status in ("01", "03", "05") and paper and paper not in (*_OVERSEAS_PAPERS, "1"):
        report(
            "id_type",
            "overseas.paper",
            _("港澳台学生请填写通行证、居住证或特区证件, 请核对证件类型"),
            "warning",
        )


def _members(values: Values, report: Report, shut: frozenset[str]) -> None:
    second = (
        values["member2_name"]
        or values["member2_relation"]
        or values["member2_phone"]
        or values["member2_id_number"]
        or values["member2_address"]
        or values["member2_relation_note"]
        or values["member2_household_division"]
        or values["member2_is_guardian"]
        or values["member2_employer"]
        or values["member2_position"]
    )
    if second:
        if not values["member2_name"]:
            report("member2_name", "cell.required", _("请填写成员2姓名"), "error")
        for part in _MEMBER_MUST:
            if f"member2_{part}" in shut:
                continue
            if values[f"member2_{part}"] is None and f"member2_{part}" not in values["_faulty"]:
                name = _MEMBER_NAMES[part]
                report(
                    f"member2_{part}",
                    "cell.required",
                    _("请填写成员2%(name)s") % {"name": str(name)},
                    "error",
                )
    elif not values["_faulty"].intersection(_SECOND) and "member2_name" not in shut:
        report(
            "member2_name", "member.second", _("一般要登记两名家庭成员, 单亲等情况可以只填一名"), "warning"
        )
    guardians = [values["member1_is_guardian"], values["member2_is_guardian"]]
    if "1" not in guardians and not (values["_faulty"] | shut).intersection(_GUARDIAN_FLAGS):
        report("member1_is_guardian", "member.guardian", _("至少要有一名家庭成员是监护人"), "error")
    for n in ("1", "2"):
        note = f"member{n}_relation_note"
        if values[f"member{n}_relation"] == "9" and not values[note] and note not in shut:
            text = _("成员%(n)s关系为其他时, 请填写关系说明") % {"n": n}
            report(f"member{n}_relation_note", "relation.note", text, "error")
    if values["id_number"] or values["member1_id_number"] or values["member2_id_number"]:
        return
    if not values["_faulty"].intersection(_IDENTITY | _PAPERS) and not shut >= _PAPERS:
        text = _("学生没有证件号时, 请填写一名家庭成员的证件类型和证件号")
        report("member1_id_number", "member.identity", text, "error")


_MEMBER_PARTS = ("name", "relation", "relation_note", "address", "household_division", "phone", "is_guardian", "id_number",
                 "employer", "position")  # fmt: skip
_MEMBER_NAMES = {"relation": "关系", "address": "现住址", "household_division": "户口所在地行政区划",
                 "phone": "联系电话", "is_guardian": "是否监护人"}  # fmt: skip
_SECOND = frozenset(f"member2_{part}" for part in _MEMBER_PARTS)
_GUARDIAN_FLAGS = frozenset({"member1_is_guardian", "member2_is_guardian"})
_IDENTITY = frozenset({"id_number", "id_type"})
_PAPERS = frozenset({"member1_id_number", "member2_id_number"})
