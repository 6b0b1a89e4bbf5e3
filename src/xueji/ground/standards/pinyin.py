"""Pinyin of names for sorting and searching, with the readings that surnames have (单 is Shàn, not Dān).

One reading per character is looked up once and kept, so that a million names cost no more than a million
joins. The result is a proposal: the official form has a field for the pinyin, and people may correct it.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from pypinyin.constants import PINYIN_DICT

from xueji.ground.standards.names import DOT, is_han

# Surnames whose first character has another reading than elsewhere.
_SURNAMES = {
    "单": "shàn", "單": "shàn", "曾": "zēng", "仇": "qiú", "解": "xiè", "查": "zhā", "区": "ōu", "區": "ōu",
    "朴": "piáo", "盖": "gě", "蓋": "gě", "翟": "zhái", "缪": "miào", "繆": "miào", "乐": "yuè", "樂": "yuè",
    "覃": "qín", "员": "yùn", "貟": "yùn", "贠": "yùn", "尉": "wèi", "任": "rén", "宁": "nìng", "甯": "nìng",
    "过": "guō", "過": "guō", "繁": "pó", "黑": "hè", "燕": "yān", "秘": "bì", "种": "chóng", "洗": "xiǎn",
    "冼": "xiǎn", "折": "shé", "祭": "zhài", "召": "shào", "隗": "wěi", "逄": "páng", "晁": "cháo",
    "褚": "chǔ", "那": "nā", "么": "yāo", "哈": "hǎ", "撒": "sǎ", "麻": "má", "不": "fōu", "重": "chóng",
    "应": "yīng", "句": "gōu", "车": "chē", "牟": "mù", "纪": "jǐ", "华": "huà", "華": "huà", "石": "shí",
    "都": "dū", "能": "nài", "贾": "jiǎ", "卜": "bǔ", "藏": "zāng", "郗": "xī", "郇": "xún", "葛": "gě",
    "盛": "shèng", "曲": "qū", "沈": "shěn", "令": "lìng", "柏": "bǎi", "夏": "xià", "佴": "nài",
    "钭": "tǒu", "訾": "zī", "乜": "niè", "适": "kuò", "费": "fèi", "贲": "bēn", "长": "cháng", "朝": "cháo",
    "谌": "chén", "教": "jiào", "相": "xiàng", "万": "wàn", "呙": "guō", "芮": "ruì", "艾": "ài", "阚": "kàn",
    "臧": "zāng", "璩": "qú", "会": "guì", "阿": "ā", "於": "yū", "俞": "yú", "余": "yú", "曹": "cáo",
    "庞": "páng", "郄": "qiè", "仝": "tóng", "戚": "qī", "瞿": "qú", "莘": "shēn", "鲜": "xiān", "祝": "zhù",
    "禚": "zhuó", "靳": "jìn", "幺": "yāo", "粘": "nián", "占": "zhān", "谯": "qiáo",
}  # fmt: skip
# Names of two characters whose reading is their own: surnames, and beginnings of Tibetan names.
_COMPOUND = {
    "尉迟": "yù chí", "尉遲": "yù chí", "万俟": "mò qí", "令狐": "líng hú", "长孙": "zhǎng sūn",
    "長孫": "zhǎng sūn", "澹台": "tán tái", "澹臺": "tán tái", "宰父": "zǎi fǔ", "亓官": "qí guān",
    "濮阳": "pú yáng", "单于": "chán yú", "鲜于": "xiān yú", "呼延": "hū yán", "乐正": "yuè zhèng",
    "皇甫": "huáng fǔ", "夏侯": "xià hóu", "百里": "bǎi lǐ", "贺兰": "hè lán", "宗政": "zōng zhèng",
    "漆雕": "qī diāo", "壤驷": "rǎng sì", "公良": "gōng liáng", "夹谷": "jiá gǔ", "谷梁": "gǔ liáng",
    "赫连": "hè lián", "完颜": "wán yán", "单增": "dān zēng", "哈斯": "hā sī",
}  # fmt: skip
# Readings usual in names where the dictionary puts another one first.
_NAMES = {
    "都": "dū", "地": "dì", "得": "dé", "的": "dí", "了": "liǎo", "什": "shí", "长": "cháng", "長": "cháng",
    "晟": "shèng", "隽": "jùn", "雋": "jùn", "伽": "jiā", "著": "zhù", "么": "me", "娜": "nà", "茜": "qiàn",
    "卜": "bǔ", "曲": "qǔ", "和": "hé", "行": "xíng", "乐": "lè", "樂": "lè", "重": "chóng", "藏": "zàng",
    "圳": "zhèn", "廷": "tíng", "祭": "jì", "蕃": "fān", "番": "fān", "约": "yuē", "露": "lù",
    "率": "shuài", "调": "tiáo", "还": "huán", "吐": "tǔ", "卡": "kǎ", "朝": "cháo", "姗": "shān",
    "瑱": "zhèn", "谞": "xū", "乾": "qián", "仔": "zǎi", "崽": "zǎi", "几": "jǐ", "干": "gàn", "正": "zhèng",
    "为": "wéi", "為": "wéi", "兴": "xīng", "興": "xīng",
}  # fmt: skip

_TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}


class PinyinKeys(NamedTuple):
    """zhangjianguo · zjg · "zhang1 jian4 guo2" · "zhang jian guo"; ü is written yu after l and n (lyu,
    nyu).
    """

    full: str
    initials: str
    sort: str
    spaced: str


class _Reading(NamedTuple):
    plain: str
    initial: str
    sort: str


def _reading(accented: str) -> _Reading:
    """Take one accented syllable apart: dān gives dan, d, dan1."""
    tone = "5"
    letters: list[str] = []
    for char in unicodedata.normalize("NFD", accented.strip()):
        if char in _TONES:
            tone = _TONES[char]
        elif char == "\u0308":
            letters[-1] = "ü"
        elif unicodedata.category(char) != "Mn":
            letters.append(char)
    plain = "".join(letters)
    if plain.startswith(("lü", "nü")):
        plain = plain.replace("ü", "yu", 1)
    plain = plain.replace("ü", "u").replace("ê", "e")
    return _Reading(plain, plain[:1], plain + tone)


class _Readings(dict[str, _Reading | None]):
    """Reading of a character in a name; None when no dictionary has one. Fills itself character by
    character.
    """

    def __missing__(self, char: str) -> _Reading | None:
        accented = _NAMES.get(char) or PINYIN_DICT.get(ord(char), "").split(",")[0]
        found = _reading(accented) if accented and is_han(char) else None
        self[char] = found
        return found


_readings = _Readings()
_surnames = {char: _reading(accented) for char, accented in _SURNAMES.items()}
_compounds = {
    pair: tuple(_reading(accented) for accented in both.split()) for pair, both in _COMPOUND.items()
}


def pinyin_of(name: str) -> PinyinKeys:
    """The keys of a normalised name.

    The readings of surnames hold at the beginning of a Han name only: a name with a dot is a transcription,
    every part of which is read character by character. Latin names keep their letters, in lower case and
    without accents.
    """
    found: list[_Reading] = []
    rest = name
    if DOT not in name and len(name) > 1:
        compound = _compounds.get(name[:2])
        surname = _surnames.get(name[0])
        if compound is not None:
            found.extend(compound)
            rest = name[2:]
        elif surname is not None:
            found.append(surname)
            rest = name[1:]
    word = ""
    for char in rest:
        reading = _readings[char]
        if reading is None:
            word += " " if char in (DOT, " ") else char
            continue
        if word:
            found.extend(_words(word))
            word = ""
        found.append(reading)
    if word:
        found.extend(_words(word))
    return PinyinKeys(
        "".join([r.plain for r in found]),
        "".join([r.initial for r in found]),
        " ".join([r.sort for r in found]),
        " ".join([r.plain for r in found if r.plain]),
    )


def _words(text: str) -> list[_Reading]:
    """Letters without a reading: Latin words become keys of their own, other signs only sort (after the
    letters).
    """
    found = []
    for part in text.split():
        decomposed = unicodedata.normalize("NFKD", part.casefold())
        plain = "".join(char for char in decomposed if char.isascii() and char.isalnum())
        found.append(_Reading(plain, plain[:1], plain or "~" + part))
    return found
