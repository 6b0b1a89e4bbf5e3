"""What one cell means: its value, what is wrong with it, and what the system made of it. No row, no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from xueji.ground.sheets.cells import LostDigits, clean_control
from xueji.ground.standards import divisions
from xueji.ground.standards.codes import UnknownCode
from xueji.ground.standards.dates import DateResult, parse_date, parse_month
from xueji.ground.standards.fields import Field
from xueji.ground.standards.idtypes import id_types
from xueji.ground.standards.masking import mask_identity, mask_phone
from xueji.ground.standards.names import normalise_name
from xueji.ground.standards.numbers import NumberCheck, check_phone, check_postcode
from xueji.ground.standards.problems import Problem
from xueji.ground.standards.text import as_text, compact


class Cell(NamedTuple):
    """A cell understood. `code` and `message` name what is wrong, `note` tells what was put right."""

    value: Any
    code: str = ""
    message: str = ""
    severity: str = "error"
    note: str = ""

    @property
    def clean(self) -> bool:
        """Nothing to tell."""
        return not self.code and not self.note


#: Understood by the row, not by the cell: they depend on other cells.
RAW = frozenset({"id_number", "member1_id_number", "member2_id_number", "class_no"})
_CANONICAL_DAY = re.compile(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CANONICAL_MONTH = re.compile(r"[0-9]{6}|[0-9]{4}-[0-9]{2}")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
_POLITICAL = ("01", "02", "03", "13")
_DISTANCE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)(?:km|公里|千米)?", re.IGNORECASE)
#: Entry modes whose name 其他 means two codes; the stage decides.
EITHER_OTHER = "12|99"


def mask(key: str, raw: object) -> str:
    """What was typed, as it may be shown and kept beside a message."""
    text = clean_control(as_text(raw)[:60])
    if key.endswith("id_number"):
        return mask_identity(text)
    if key.endswith("phone"):
        return mask_phone(text)
    if "address" in key:
        return text[:6] + "…" if len(text) > 6 else text
    return text


def understand(field: Field, raw: object, *, required: bool) -> Cell:
    """Read one cell by its field. Never raises."""
    if isinstance(raw, LostDigits):
        text = _("这个号码被表格软件当作数字, 后面几位已经丢失(%(shown)s), 请把单元格设为文本后重新填写")
        return Cell(None, "cell.lost_digits", text % {"shown": mask(field.key, raw.shown)})
    found = Cell(None)
    if raw is not None and raw != "":
        reader = _READERS.get(field.key) or _TYPES.get(field.type, _text)
        found = reader(field, raw)
    if required and found.value is None and not found.code:
        # Blank, or nothing but signs that nobody sees.
        return Cell(None, "cell.required", _("请填写%(name)s") % {"name": field.name})
    return found


def _problem(field: Field, raw: object, problem: Problem, value: Any = None, note: str = "") -> Cell:
    return Cell(value, problem.code, problem.message, problem.severity, note)


def _text(field: Field, raw: object) -> Cell:
    typed = as_text(raw)
    text = clean_control(typed).strip()
    if field.max_len and len(text) > field.max_len:
        shown = _("%(name)s最多%(limit)d个字, 现在是%(count)d个")
        return Cell(
            None, "cell.too_long", shown % {"name": field.name, "limit": field.max_len, "count": len(text)}
        )
    return Cell(text or None, note=text if text != typed else "")


def _code(field: Field, raw: object) -> Cell:
    table = field.table
    assert table is not None
    text = compact(raw)
    try:
        code = table.code_of(raw)
    except UnknownCode as error:
        return Cell(None, "code.unknown", str(error))
    plain = text == code or as_text(raw) in _usual(field.codeset, code)
    if field.codeset == "divisions":
        if not divisions.is_current(code):
            text = _("%(name)s %(code)s 已经撤销, 请核对现在的行政区划")
            return Cell(code, "division.withdrawn", text % {"name": field.name, "code": code}, "warning")
        plain = text == code
    note = "" if plain else f"{code} {table.label(code)}"
    return Cell(code, note=note)


@lru_cache(maxsize=4096)
def _usual(codeset: str, code: str) -> frozenset[str]:
    """The ways of writing a code that need no remark: what the template's own list offers."""
    from xueji.ground.standards.codes import table

    label = table(codeset).label(code)
    return frozenset({code, label, f"{code}-{label}", label.removesuffix("族")})


def _entry_mode(field: Field, raw: object) -> Cell:
    table = field.table
    assert table is not None
    if table.find(raw) is None:
        found = {table.find(raw, {"stage": s}) for s in ("义务教育", "高中")}
        if found == {"12", "99"}:
            return Cell(EITHER_OTHER)
    return _code(field, raw)


def _political(field: Field, raw: object) -> Cell:
    cell = _code(field, raw)
    if cell.value and cell.value not in _POLITICAL:
        return Cell(
            None, "political.not_student", _("学生的政治面貌只能是中共党员、预备党员、共青团员或群众")
        )
    return cell


def _id_type(field: Field, raw: object) -> Cell:
    cell = _code(field, raw)
    if field.member == 0 and cell.value and not id_types()[cell.value].for_students:
        text = _("%(paper)s不能用来登记学生, 请改填学生本人的证件类型")
        return Cell(None, "id_type.not_student", text % {"paper": id_types()[cell.value].label})
    return cell


def _sex(field: Field, raw: object) -> Cell:
    cell = _code(field, raw)
    if cell.value and cell.value not in ("1", "2"):
        return Cell(None, "sex.unclear", _("性别请填写男或女"))
    return cell


def _name(field: Field, raw: object) -> Cell:
    result = normalise_name(as_text(raw))
    note = "; ".join(result.notes)
    if result.problems:
        worst = next((p for p in result.problems if p.severity == "error"), result.problems[0])
        return _problem(field, raw, worst, None if worst.severity == "error" else result.value, note)
    return Cell(result.value, note=note)


def _dated(parse: Callable[[object], DateResult], canonical: re.Pattern[str], shape: str) -> Any:
    def read(field: Field, raw: object) -> Cell:
        result = parse(raw)
        if result.problem is not None:
            return _problem(field, raw, result.problem)
        value = result.value
        if value is None:
            return Cell(None)
        usual = isinstance(raw, date) or (isinstance(raw, str) and canonical.fullmatch(raw) is not None)
        return Cell(value, note="" if usual and not result.reinterpreted else value.strftime(shape))

    return read


def _birth(field: Field, raw: object) -> Cell:
    cell: Cell = _day(field, raw)
    if cell.value is not None and cell.value > _today():
        text = _("出生日期 %(day)s 还没有到, 请核对") % {"day": cell.value.isoformat()}
        return Cell(None, "birth.future", text)
    return cell


def _today() -> date:
    from django.utils import timezone

    return timezone.localdate()


def _checked(check: Callable[[object], NumberCheck], hide: Callable[[str], str]) -> Any:
    def read(field: Field, raw: object) -> Cell:
        found = check(raw)
        for problem in found.problems:
            kept = found.value if problem.severity == "warning" else None
            return _problem(field, raw, problem, kept)
        changed = as_text(raw) != found.value
        return Cell(found.value, note=hide(found.value) if changed else "")

    return read


def _decimal(field: Field, raw: object) -> Cell:
    found = _DISTANCE.fullmatch(compact(raw))
    if found is None:
        text = _("%(name)s应为数字, 单位千米, 如 1.5") % {"name": field.name}
        return Cell(None, "number.format", text)
    value = found[1]
    return Cell(value, note="" if value == as_text(raw) else value)


def _email(field: Field, raw: object) -> Cell:
    text = compact(raw)
    if not _EMAIL.fullmatch(text) or len(text) > (field.max_len or 40):
        return Cell(None, "email.format", _("电子信箱的写法不对, 应为 名字@网站 的形式"))
    return Cell(text)


def _school_code(field: Field, raw: object) -> Cell:
    text = compact(raw)
    return Cell(text, note="" if text == as_text(raw) else text)


_day = _dated(parse_date, _CANONICAL_DAY, "%Y-%m-%d")
_TYPES: dict[str, Callable[[Field, object], Cell]] = {
    "str": _text,
    "text": _text,
    "code": _code,
    "date8": _day,
    "ym6": _dated(parse_month, _CANONICAL_MONTH, "%Y年%m月"),
    "phone": _checked(check_phone, mask_phone),
    "dec": _decimal,
    "email": _email,
}
_READERS: dict[str, Callable[[Field, object], Cell]] = {
    "name": _name,
    "former_name": _name,
    "member1_name": _name,
    "member2_name": _name,
    "sex": _sex,
    "birth_date": _birth,
    "entry_mode": _entry_mode,
    "political_status": _political,
    "id_type": _id_type,
    "member1_id_type": _id_type,
    "member2_id_type": _id_type,
    "postcode": _checked(check_postcode, lambda value: value),
    "school_code": _school_code,
}


# --- quick proofs --------------------------------------------------------------------------------------------

_MOBILE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_HAN = re.compile("[一-鿿]{2,36}")
_NAMES = frozenset({"name", "former_name", "member1_name", "member2_name"})


@lru_cache(maxsize=128)
def plain_test(spec: Field) -> Callable[[str], object] | None:
    """A quick proof that a cell of a column with many different values needs no second look, or None."""
    if spec.key in _NAMES:
        return _HAN.fullmatch
    if spec.type == "phone":
        return _MOBILE.fullmatch
    if spec.type in ("str", "text") and spec.key not in ("school_code", "postcode"):
        limit = spec.max_len or 10_000
        return lambda text: 0 < len(text) <= limit and text.isprintable()
    return None


_MOBILES = re.compile("(?:(?:1[3-9][0-9]{9})?\\x1f)*", re.ASCII)
_HANS = re.compile("(?:(?:[一-鿿]{2,36})?\\x1f)*")


def plain_column(spec: Field, column: Sequence[Any], required: bool) -> bool:
    """Whether every cell of a column passes its quick test, looked at as one text; blanks only where they may be."""
    if plain_test(spec) is None or (required and "" in column):
        return False
    try:
        text = "\x1f".join(column)
    except TypeError:
        return False
    if text.count("\x1f") != len(column) - 1:
        return False
    if spec.key in _NAMES:
        return _HANS.fullmatch(text + "\x1f") is not None
    if spec.type == "phone":
        return _MOBILES.fullmatch(text + "\x1f") is not None
    limit = spec.max_len or 10_000
    return max(map(len, column)) <= limit and text.replace("\x1f", "").isprintable()
