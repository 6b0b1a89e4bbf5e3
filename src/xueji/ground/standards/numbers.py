"""Other numbers: student numbers, school codes, credit codes, phones and postcodes."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from xueji.ground.standards import divisions
from xueji.ground.standards.codes import table
from xueji.ground.standards.identity import check_digit
from xueji.ground.standards.problems import Problem, has_error
from xueji.ground.standards.text import as_text, compact


class NumberCheck(NamedTuple):
    """`value` is the number as it is to be stored; `label` says in words what was read from it."""

    value: str
    label: str
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True when nothing forbids to use the number; warnings may remain."""
        return not has_error(self.problems)


def _failed(value: str, code: str, text: str) -> NumberCheck:
    return NumberCheck(value, "", (Problem(code, text),))


_STUDENT = re.compile(r"[GLJ][0-9]{17}[0-9X]")
# L and J are given where no number could be matched yet (NAT-NUM-11, NAT-NUM-15).
STUDENT_NUMBER_KINDS = {
    "G": gettext_noop("正式学籍号"),
    "L": gettext_noop("临时学籍号"),
    "J": gettext_noop("正式学籍号（无身份证号）"),
}


def check_student_number(raw: object, *, identity: str = "") -> NumberCheck:
    """Check a national 学籍号: a letter and 18 places; G and J end in a check digit, L is random at its
    end.

    `identity` is the pupil's citizen number: a G number that differs is a warning only, since the number
    may have been given before the identity number changed. Right or wrong, the letter gives no more and no
    fewer rights.
    """
    value = compact(raw).upper()
    if not value:
        return _failed("", "sn.required", _("请填写学籍号"))
    if not _STUDENT.fullmatch(value):
        text = _("学籍号应为19位：字母G、L或J加18位数字（末位可能是X）")
        return _failed(value, "sn.format", text)
    problems: tuple[Problem, ...] = ()
    if value[0] in "GJ" and check_digit(value[1:18]) != value[18]:
        problems = (Problem("sn.check_digit", _("学籍号最后一位不对，请核对")),)
    elif value[0] == "G" and identity and value[1:] != identity:
        text = _("学籍号与身份证件号不一致，请核对是否变更过证件号")
        problems = (Problem("sn.differs", text, "warning"),)
    return NumberCheck(value, _(STUDENT_NUMBER_KINDS[value[0]]), problems)


def check_school_code(raw: object) -> NumberCheck:
    """Check a 学校(机构)标识码: 2 places category, 2 province, 6 serial; there is no check digit."""
    value = compact(raw)
    if not value:
        return _failed("", "school.required", _("请填写学校标识码"))
    if not re.fullmatch(r"[0-9]{10}", value):
        text = _("学校标识码应为10位数字，现在是%(count)d位") % {"count": len(value)}
        return _failed(value, "school.format", text)
    problems = []
    categories = table("school_code_category")
    label = ""
    if value[:2] in categories:
        label = categories.label(value[:2])
    else:
        text = _("学校标识码前2位 %(code)s 不是已知的学校类别，请核对")
        problems.append(Problem("school.category", text % {"code": value[:2]}, "warning"))
    # Codes of universities have 0 in place of the province.
    if label not in ("普通高等学校", "成人高等学校") and not divisions.history(f"{value[2:4]}0000"):
        text = _("学校标识码第3至4位 %(code)s 不是省级代码，请核对")
        problems.append(Problem("school.province", text % {"code": value[2:4]}, "warning"))
    return NumberCheck(value, label, tuple(problems))


_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def credit_check_digit(first17: str) -> str:
    """The eighteenth character of a 统一社会信用代码 (GB 32100-2015)."""
    total = sum(_CREDIT.index(char) * weight for char, weight in zip(first17, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT[(31 - total % 31) % 31]


def check_credit_code(raw: object) -> NumberCheck:
    """Check a 统一社会信用代码 (GB 32100-2015)."""
    value = compact(raw).upper()
    if not value:
        return _failed("", "credit.required", _("请填写统一社会信用代码"))
    if len(value) != 18:
        text = _("统一社会信用代码应为18位，现在是%(count)d位") % {"count": len(value)}
        return _failed(value, "credit.length", text)
    strange = next((char for char in value if char not in _CREDIT), "")
    if strange:
        text = _("统一社会信用代码中不会出现“%(char)s”（没有字母I、O、S、V、Z）") % {"char": strange}
        return _failed(value, "credit.characters", text)
    if credit_check_digit(value[:17]) != value[17]:
        return _failed(value, "credit.check_digit", _("统一社会信用代码最后一位不对，请对照证书再看一遍"))
    return NumberCheck(value, "", ())


_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_FIXED = re.compile(r"(0[0-9]{2,3})-?([0-9]{7,8})(-[0-9]{1,6})?")
_HONG_KONG = re.compile(r"\+?852-?([2-9][0-9]{7})")
_MACAO = re.compile(r"\+?853-?([2-9][0-9]{7})")
_ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－", "-"))


def check_phone(raw: object) -> NumberCheck:
    """Check a telephone number: mobile, fixed with its area code, Hong Kong, Macao, or foreign with + and
    country.

    The value is digits as they are dialled; a fixed number has a dash after the area code.
    """
    text = compact(raw).translate(_DASHES)
    text = re.sub(r"[()]", "-", text).strip("-")
    text = re.sub(r"-{2,}", "-", text)
    if not text:
        return _failed("", "phone.required", _("请填写联系电话"))
    bare = re.sub(r"^(\+|00)86-?", "", text)
    if _MOBILE.fullmatch(bare.replace("-", "")):
        return NumberCheck(bare.replace("-", ""), _("手机"), ())
    if found := _FIXED.fullmatch(bare):
        return NumberCheck(f"{found[1]}-{found[2]}{found[3] or ''}", _("固定电话"), ())
    if found := _HONG_KONG.fullmatch(text):
        return NumberCheck(f"+852{found[1]}", _("香港电话"), ())
    if found := _MACAO.fullmatch(text):
        return NumberCheck(f"+853{found[1]}", _("澳门电话"), ())
    if _ABROAD.fullmatch(text.replace("-", "")) and not text.startswith("+86"):
        return NumberCheck(text.replace("-", ""), _("境外电话"), ())
    if bare.isdigit() and bare.startswith("1"):
        message = _("手机号应为11位，现在是%(count)d位") % {"count": len(bare)}
        if len(bare) == 11:
            message = _("手机号的第2位不对，请核对")
        return _failed(text, "phone.format", message)
    return _failed(text, "phone.format", _("请填写11位手机号，或带区号的固定电话（如 010-62345678）"))


def check_postcode(raw: object) -> NumberCheck:
    """Check a postcode: six digits. A leading zero that a spreadsheet dropped is put back with a warning."""
    value = compact(raw)
    if not value:
        return _failed("", "postcode.required", _("请填写邮政编码"))
    if re.fullmatch(r"[0-9]{6}", value):
        return NumberCheck(value, "", ())
    if isinstance(raw, int | float) and re.fullmatch(r"[1-9][0-9]{4}", value):
        text = _("邮政编码前面补了一个0，请核对")
        return NumberCheck(f"0{value}", "", (Problem("postcode.padded", text, "warning"),))
    text = _("邮政编码应为6位数字，现在是“%(value)s”") % {"value": as_text(raw)[:20]}
    return _failed(value, "postcode.format", text)
