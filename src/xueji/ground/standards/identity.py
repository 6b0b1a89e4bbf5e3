"""Checks of identity numbers: GB 11643 for residents, its relatives for residence permits, shapes for the
rest.

Warnings never stop anybody: the paper is right and our lists may be old. Errors are what the standard rules
out.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.utils.translation import gettext as _

from xueji.ground.standards import divisions
from xueji.ground.standards.idtypes import (
    FOREIGN_CARD,
    HM_RESIDENCE,
    RESIDENT,
    TAIWAN_RESIDENCE,
    IdType,
    id_type,
    id_types,
)
from xueji.ground.standards.problems import Problem, has_error
from xueji.ground.standards.text import compact

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# Product of every digit and weight, so that the sum needs no conversion.
_PRODUCTS = tuple({str(digit): digit * weight for digit in range(10)} for weight in _WEIGHTS)
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_LEGACY = re.compile(r"[0-9]{15}")
_OLD_CARD = re.compile(r"([A-Z]{3})([0-9]{4})([0-9]{6})[0-9]{2}")
_HM_AREAS = ("810000", "820000")
_TAIWAN_AREA = "830000"
#: 性别 as the national code has it, in words.
SEX_WORDS = {"1": "男", "2": "女"}


class IdCheck(NamedTuple):
    """The outcome of a check.

    `value` is the number as it is to be stored (also when it is wrong); birth, sex ("1"/"2") and region
    come from the number where its type has them; `suggested_type` is the code of the type that this number
    rather belongs to.
    """

    id_type: str
    value: str
    birth: date | None
    sex: str | None
    region_code: str
    region_name: str
    problems: tuple[Problem, ...]
    suggested_type: str | None = None

    @property
    def ok(self) -> bool:
        """True when nothing forbids to use the number; warnings may remain."""
        return not has_error(self.problems)


def check_digit(first17: str) -> str:
    """The eighteenth character (GB 11643, ISO 7064 MOD 11-2) for the first seventeen digits."""
    return _CHECKS[sum([table[char] for table, char in zip(_PRODUCTS, first17, strict=True)]) % 11]


class _Sums(dict[str, int]):
    """What the digits of one stretch of a number add to its check sum; every stretch is added up once."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def __missing__(self, digits: str) -> int:
        tables = _PRODUCTS[self._at : self._at + len(digits)]
        found = sum([table[char] for table, char in zip(tables, digits, strict=True)])
        if len(self) < _KEPT_SUMS:
            self[digits] = found
        return found


_KEPT_SUMS = 65_536
_regions, _days, _sequences = _Sums(0), _Sums(6), _Sums(14)


def plainly_right(value: str, on: date, sex: str | None = None, birth: date | None = None) -> bool:
    """Whether `check_identity` would take this text for a resident's number as it stands and remark nothing.

    For long lists: one in a hundred needs the full check, which says why. False proves nothing.
    """
    if len(value) != 18 or not _SHAPE.fullmatch(value) or value[0] == "0":
        return False
    region, day = value[:6], value[6:14]
    if _CHECKS[(_regions[region] + _days[day] + _sequences[value[14:17]]) % 11] != value[17]:
        return False
    born = _calendar(day)
    if born is None or born > on or born.year < 1900 or (birth is not None and birth != born):
        return False
    if sex in SEX_WORDS and sex != ("1" if value[16] in "13579" else "2"):
        return False
    return divisions.status_since(region, born.year) == "valid"


def normalise_identity(raw: object) -> str:
    """The number as stored: full-width forms narrowed, blanks dropped, letters in upper case."""
    text = compact(raw)
    while (
        upper := compact(text.upper())
    ) != text:  # odd letters change once more when they are made upper case
        text = upper
    return text


@lru_cache(maxsize=65536)
def _calendar(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def check_identity(
    id_type_code: str,
    raw: object,
    *,
    on: date,
    sex: str | None = None,
    birth: date | None = None,
    allow_legacy: bool = False,
) -> IdCheck:
    """Check the number `raw` of a paper of type `id_type_code` (see `idtypes`) as of the day `on`.

    `sex` ("1"/"2") and `birth` are what the form says and must agree with the number. `allow_legacy`
    accepts the 15-digit number of old papers (guardians only) and upgrades it. Never raises for any text;
    raises `codes.UnknownCode` for an unknown type.
    """
    paper = id_types().get(id_type_code) or id_type(id_type_code)
    value = normalise_identity(raw)
    if not value:
        problems = (_problem_missing(paper),) if paper.number_required else ()
        return IdCheck(paper.code, "", None, None, "", "", problems)
    if paper.kind == "citizen":
        return _citizen(value, on, sex, birth, allow_legacy)
    if paper.kind == "residence_permit":
        return _permit(paper, value, on, sex, birth)
    if paper.kind == "foreigner_card":
        return _foreigner(paper, value, on, sex, birth)
    return _other(paper, value)


def _problem_missing(paper: IdType) -> Problem:
    return Problem("id.required", _("请填写%(paper)s号码") % {"paper": paper.label})


def _citizen(value: str, on: date, sex: str | None, birth: date | None, allow_legacy: bool) -> IdCheck:
    """A resident's number. The residence permits, built the same way, pass: the national template knows no
    other type for them; `suggested_type` names the better one.
    """
    found: list[Problem] = []
    if len(value) == 15 and _LEGACY.fullmatch(value):
        if not allow_legacy:
            return _wrong(
                RESIDENT, value, "id.legacy", _("这是旧的15位号码，请填写户口簿上的18位居民身份证号")
            )
        value = upgrade_legacy(value)
        found.append(Problem("id.upgraded", _("已把旧的15位号码换算成18位"), "warning"))
    shape = _shape18(value, id_types()[RESIDENT].label)
    if shape is not None:
        return IdCheck(RESIDENT, value, None, None, "", "", (shape,))
    region = value[:6]
    suggested = None
    if region in _HM_AREAS or region == _TAIWAN_AREA:
        suggested = TAIWAN_RESIDENCE if region == _TAIWAN_AREA else HM_RESIDENCE
    elif (value[0] in "09") and not divisions.history(region):
        card = value[0] == "9" and check_digit(value[:17]) == value[17]
        card = card and bool(divisions.history(f"{value[1:3]}0000"))
        text = _("居民身份证号不会以%(digit)s开头，请对照户口簿再看一遍") % {"digit": value[0]}
        return IdCheck(
            RESIDENT,
            value,
            None,
            None,
            region,
            "",
            (Problem("id.region_impossible", text),),
            FOREIGN_CARD if card else None,
        )
    return _eighteen(RESIDENT, value, on, sex, birth, found, suggested)


def _eighteen(
    code: str,
    value: str,
    on: date,
    sex: str | None,
    birth: date | None,
    found: list[Problem],
    suggested: str | None = None,
) -> IdCheck:
    region = value[:6]
    born = _birth(value[6:14], on, found)
    if born is not None:
        status = divisions.status_since(region, born.year)
        if status != "valid" and region != _TAIWAN_AREA and region not in _HM_AREAS:
            found.append(_region_problem(status, region))
        name = divisions.full_name(region, born.year)
    else:
        name = divisions.full_name(region)
    if check_digit(value[:17]) != value[17]:
        text = _("证件号最后一位不对，请对照户口簿再看一遍（末位可能是字母X）")
        found.append(Problem("id.check_digit", text))
    own_sex = "1" if value[16] in "13579" else "2"
    _agree(found, own_sex, sex, born, birth)
    return IdCheck(code, value, born, own_sex, region, name, tuple(found), suggested)


def _birth(digits: str, on: date, found: list[Problem]) -> date | None:
    born = _calendar(digits)
    shown = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    if born is None:
        found.append(Problem("id.birth_impossible", _("证件号中的出生日期 %(day)s 不存在") % {"day": shown}))
    elif born > on:
        found.append(Problem("id.birth_future", _("证件号中的出生日期 %(day)s 还没有到") % {"day": shown}))
    elif born.year < 1900:
        # The standard's own example was born in 1880: unlikely, not impossible.
        text = _("证件号中的出生日期是 %(day)s，早于1900年，请核对") % {"day": shown}
        found.append(Problem("id.birth_early", text, "warning"))
    return born


def _region_problem(status: str, region: str) -> Problem:
    if status == "withdrawn":
        text = _("证件号前6位 %(region)s 在出生以前已经撤销，请核对户口簿")
        return Problem("id.region_withdrawn", text % {"region": region}, "warning")
    text = _("证件号前6位 %(region)s 不在行政区划代码表中，请核对户口簿")
    return Problem("id.region_unknown", text % {"region": region}, "warning")


def _agree(
    found: list[Problem], own_sex: str, sex: str | None, own_birth: date | None, birth: date | None
) -> None:
    if sex in SEX_WORDS and sex != own_sex:
        text = _("证件号显示为%(number)s，填写的是%(form)s，请核对")
        found.append(Problem("id.sex_differs", text % {"number": SEX_WORDS[own_sex], "form": SEX_WORDS[sex]}))
    if birth is not None and own_birth is not None and birth != own_birth:
        text = _("证件号中的出生日期是 %(number)s，填写的是 %(form)s，请核对")
        params = {"number": own_birth.isoformat(), "form": birth.isoformat()}
        found.append(Problem("id.birth_differs", text % params))


def _shape18(value: str, paper: str) -> Problem | None:
    if len(value) == 18 and _SHAPE.fullmatch(value):
        return None
    if len(value) != 18:
        text = _("%(paper)s号应为18位，现在是%(count)d位") % {"paper": paper, "count": len(value)}
        return Problem("id.length", text)
    if "X" in value[:17]:
        return Problem("id.characters", _("证件号中的字母X只能在最后一位"))
    return Problem("id.characters", _("%(paper)s号只能是数字，最后一位可以是字母X") % {"paper": paper})


def _wrong(code: str, value: str, problem: str, text: str) -> IdCheck:
    return IdCheck(code, value, None, None, "", "", (Problem(problem, text),))


def upgrade_legacy(value: str) -> str:
    """The 18-digit form of a 15-digit number (given before October 1999): 19 put in, the check added."""
    body = f"{value[:6]}19{value[6:]}"
    return body + check_digit(body)


def _permit(paper: IdType, value: str, on: date, sex: str | None, birth: date | None) -> IdCheck:
    """Residence permits of people from Hong Kong (810000), Macao (820000) and Taiwan (830000)."""
    shape = _shape18(value, paper.label)
    if shape is not None:
        return IdCheck(paper.code, value, None, None, "", "", (shape,))
    allowed = (_TAIWAN_AREA,) if paper.code == TAIWAN_RESIDENCE else _HM_AREAS
    found: list[Problem] = []
    suggested = None
    if value[:6] not in allowed:
        text = _("%(paper)s的号码应以%(areas)s开头，请核对证件类型")
        params = {"paper": paper.label, "areas": _("或").join(allowed)}
        found.append(Problem("id.region_impossible", text % params))
        others = {**dict.fromkeys(_HM_AREAS, HM_RESIDENCE), _TAIWAN_AREA: TAIWAN_RESIDENCE}
        suggested = others.get(value[:6], RESIDENT)
    return _eighteen(paper.code, value, on, sex, birth, found, suggested)


def _foreigner(paper: IdType, value: str, on: date, sex: str | None, birth: date | None) -> IdCheck:
    """Permanent residence card of foreigners: 18 places since December 2023, 15 before; both may be shown."""
    if len(value) == 15:
        return _old_card(paper, value, on, birth)
    shape = _shape18(value, paper.label)
    if shape is not None:
        return IdCheck(paper.code, value, None, None, "", "", (shape,))
    found: list[Problem] = []
    province = f"{value[1:3]}0000"
    if value[0] != "9":
        found.append(Problem("id.card_start", _("新版外国人永久居留身份证号以9开头，请核对证件类型")))
    elif not divisions.history(province):
        text = _("证件号第2至3位 %(area)s 不是省级代码，请核对") % {"area": value[1:3]}
        found.append(Problem("id.region_impossible", text))
    checked = _eighteen(paper.code, value, on, sex, birth, found)
    # Places 2 to 6 are province and country here, not a county.
    kept = tuple(p for p in checked.problems if p.code not in ("id.region_unknown", "id.region_withdrawn"))
    return checked._replace(problems=kept, region_code=province, region_name=divisions.full_name(province))


def _old_card(paper: IdType, value: str, on: date, birth: date | None) -> IdCheck:
    matched = _OLD_CARD.fullmatch(value)
    if matched is None:
        text = _("旧版外国人永久居留身份证号应为3个字母加12位数字")
        return _wrong(paper.code, value, "id.characters", text)
    found: list[Problem] = []
    if _icao_check(value[:14]) != value[14]:
        found.append(Problem("id.check_digit", _("证件号最后一位不对，请对照证件再看一遍")))
    # Two digits of the year: the latest century that is not in the future.
    century = "20" if int(matched[3][:2]) <= on.year % 100 else "19"
    born = _birth(century + matched[3], on, found)
    if birth is not None and born is not None and born.strftime("%y%m%d") != birth.strftime("%y%m%d"):
        _agree(found, "", None, born, birth)
    province = f"{matched[2][:2]}0000"
    return IdCheck(paper.code, value, born, None, province, divisions.full_name(province), tuple(found))


def _icao_check(text: str) -> str:
    """ICAO 9303 check digit: weights 7 3 1, letters count from A = 10."""
    return str(sum(int(char, 36) * (7, 3, 1)[place % 3] for place, char in enumerate(text)) % 10)


def _other(paper: IdType, value: str) -> IdCheck:
    """Papers without a published rule of numbers: an unusual shape is worth a look, no more."""
    problems: tuple[Problem, ...] = ()
    if len(value) > 30 or not value.isprintable():
        problems = (Problem("id.characters", _("证件号码太长或含有不能显示的字符，请核对")),)
    elif paper.pattern is not None and not paper.pattern.fullmatch(value):
        text = _("%(paper)s号码的格式不常见，请对照证件再看一遍") % {"paper": paper.label}
        problems = (Problem("id.unusual", text, "warning"),)
    return IdCheck(paper.code, value, None, None, "", "", problems)
