"""Names of people as they are kept: one spelling of the dot, no stray blanks, rare characters untouched.

A name is the key by which people are found again, so two ways of typing the same name must give one value.
Nothing is cut off and no character is replaced by a look-alike, except the private-use codes that older
fonts needed for characters which have a real code today.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from django.utils.translation import gettext as _

from xueji.ground.paths import data_dir
from xueji.ground.standards.problems import Problem, has_error

DOT = "·"
MAX_LENGTH = 100

# The usual case, which needs no work: such text is its own NFC.
_PLAIN = re.compile(f"[一-鿿]{{2,{MAX_LENGTH}}}")
# U+0387 is turned into U+00B7 by NFC already. The full stops count only between Han characters.
_DOTS = dict.fromkeys(map(ord, "•‧∙⋅・･ᐧꞏㆍ⸰⸱᛫●⚫◦▪"), DOT)
_STOPS = dict.fromkeys(map(ord, "。．.｡﹒․"), DOT)
# What a program puts in place of a character it could not show.
_LOST = frozenset("?？\ufffd□■▯○〓*＊")
_LATIN_SIGNS = frozenset("-'’.,")
# GB 18030-2022: characters that the edition of 2000 had only in the private-use area.
_PRIVATE = {
    0xE81E: 0x9FB4,
    0xE826: 0x9FB5,
    0xE82B: 0x9FB6,
    0xE82C: 0x9FB7,
    0xE832: 0x9FB8,
    0xE843: 0x9FB9,
    0xE854: 0x9FBA,
    0xE864: 0x9FBB,
    0xE816: 0x20087,
    0xE817: 0x20089,
    0xE818: 0x200CC,
    0xE831: 0x215D7,
    0xE83B: 0x2298F,
    0xE855: 0x241FE,
}


class NameResult(NamedTuple):
    """`value` is the name to keep; `notes` tell in Chinese what was changed; `problems` what cannot be
    accepted.
    """

    value: str
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True when the name may be kept; warnings may remain."""
        return not has_error(self.problems)


@lru_cache(maxsize=1)
def _wrong_codes() -> dict[int, int]:
    """Codes that never belong into a name, with the character meant.

    In the GBK age the row FE50 of the code page lay at U+E815 and following, without FE7F.
    """
    found = dict(_PRIVATE)
    trail = [byte for byte in range(0x50, 0xA1) if byte != 0x7F]
    for offset, byte in enumerate(trail):
        char = bytes((0xFE, byte)).decode("gb18030")
        if not 0xE000 <= ord(char) <= 0xF8FF:
            found.setdefault(0xE815 + offset, ord(char))
    # Kangxi radicals come from copied PDF text: signs for dictionaries that look like the characters meant.
    for code in range(0x2F00, 0x2FD6):
        found[code] = ord(unicodedata.normalize("NFKC", chr(code)))
    return found


def is_han(char: str) -> bool:
    """True for a Chinese character of any plane, and for 〇."""
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x3FFFD
        or code == 0x3007
        or 0xFA0E <= code <= 0xFA29
        or 0x2E80 <= code <= 0x2EFF
    )


def normalise_name(raw: object) -> NameResult:
    """Bring a name as typed into the form that is kept (12-ministry notice on names with a dot: U+00B7).

    Never raises. Running it again on its own value changes nothing. A name with invisible or lost characters,
    digits or signs is refused by a problem, not silently repaired.
    """
    text = raw if isinstance(raw, str) else "" if raw is None else str(raw)
    if _PLAIN.fullmatch(text):
        return NameResult(text, (), ())
    notes: list[str] = []
    text = _narrow(text)
    mapped = text.translate(_wrong_codes())
    if mapped != text:
        notes.append(_("已把姓名中的旧编码字换成标准汉字"))
    mapped = _strip(unicodedata.normalize("NFC", mapped))
    dotted = _dots(mapped)
    spaced = _strip(_spaces(dotted))
    if dotted != mapped:
        notes.append(_("已把姓名中的点统一为“·”"))
    if spaced != dotted:
        notes.append(_("已去掉姓名中多余的空格"))
    value = unicodedata.normalize("NFC", spaced)
    return NameResult(value, tuple(notes), tuple(_problems(value)))


def _narrow(text: str) -> str:
    """Full-width Latin letters and blanks in their usual width; everything else as it is."""
    return "".join(
        chr(ord(char) - 0xFEE0)
        if "Ａ" <= char <= "Ｚ" or "ａ" <= char <= "ｚ"
        else " "
        if char in "\u3000\u00a0\u2002\u2003\u2009\u202f\t\r\n"
        else char
        for char in text
    )


def _strip(text: str) -> str:
    return text.strip(" " + DOT)


def _dots(text: str) -> str:
    text = text.translate(_DOTS)
    if any(is_han(char) for char in text) and not _has_latin(text):
        text = text.translate(_STOPS)
    while DOT + DOT in text:
        text = text.replace(DOT + DOT, DOT)
    return text


def _has_latin(text: str) -> bool:
    return any(char.isalpha() and ord(char) < 0x250 for char in text)


def _spaces(text: str) -> str:
    """Blanks mean nothing in a Han name, nor beside a dot; elsewhere one blank parts two words."""
    if " " not in text:
        return text
    if any(is_han(char) for char in text) and not _has_latin(text):
        text = text.replace(" ", "")
    text = " ".join(text.split(" ")) if "  " not in text else " ".join(text.split())
    text = text.replace(f" {DOT}", DOT).replace(f"{DOT} ", DOT)
    while DOT + DOT in text:
        text = text.replace(DOT + DOT, DOT)
    return text


def _problems(value: str) -> list[Problem]:
    if not value:
        return [Problem("name.required", _("请填写姓名"))]
    found: list[Problem] = []
    if len(value) > MAX_LENGTH:
        text = _("姓名最多%(limit)d个字符，现在是%(count)d个")
        found.append(Problem("name.length", text % {"limit": MAX_LENGTH, "count": len(value)}))
    latin = _has_latin(value)
    seen: set[str] = set()
    for char in value:
        problem = _char_problem(char, latin)
        if problem is not None and problem.code not in seen:
            seen.add(problem.code)
            found.append(problem)
    if not found and len(value) == 1:
        found.append(Problem("name.short", _("姓名只有一个字，请核对"), "warning"))
    return found


def _char_problem(char: str, latin: bool) -> Problem | None:
    if char in (" ", DOT) or is_han(char):
        return None
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Zl", "Zp") or _is_selector(char):
        return Problem("name.invisible", _("姓名中有看不见的字符，请删去后重新输入"))
    if category == "Co":
        text = _("姓名中有自造字（U+%(code)04X），请换成标准汉字")
        return Problem("name.private", text % {"code": ord(char)})
    if char in _LOST:
        return Problem(
            "name.lost", _("姓名中有没能显示的字（变成了%(char)s），请用生僻字输入补上") % {"char": char}
        )
    if category[0] == "N":
        return Problem("name.digit", _("姓名中不能有数字"))
    if category[0] in "LM" or (latin and char in _LATIN_SIGNS):
        return None
    return Problem("name.sign", _("姓名中不能有“%(char)s”") % {"char": char})


def _is_selector(char: str) -> bool:
    """Variation selectors: two names that differ only in one look the same and are not found together."""
    return 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF or ord(char) in (0x115F, 0x3164)


@lru_cache(maxsize=1)
def _common_characters() -> frozenset[str]:
    text = (data_dir("standards") / "tongyong_8105.txt").read_text(encoding="utf-8")
    return frozenset(text.strip())


def rare_characters(name: str) -> tuple[str, ...]:
    """The Han characters of `name` outside 通用规范汉字表, each once: they may need another font."""
    return tuple(dict.fromkeys(char for char in name if is_han(char) and char not in _common_characters()))


def grams(name: str) -> tuple[str, ...]:
    """Single characters and pairs of neighbours, each once, in order: what a search by part of a name looks
    up.
    """
    letters = [char for char in name.casefold() if not char.isspace() and char != DOT]
    pairs = (first + second for first, second in pairwise(letters))
    return tuple(dict.fromkeys((*letters, *pairs)))
