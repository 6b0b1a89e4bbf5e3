"""Names: one way of writing each, nothing lost, and the pinyin of surnames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground.standards.names import MAX_LENGTH, grams, normalise_name, rare_characters
from xueji.ground.standards.pinyin import pinyin_of

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
LOOK_ALIKES = "•‧∙⋅・･·\u0387.．。᛫⸱"


@pytest.mark.parametrize("dot", LOOK_ALIKES)
def test_every_dot_becomes_the_middle_dot(dot):
    result = normalise_name(f"阿不都{dot}热合曼")
    assert result.value == "阿不都·热合曼"
    assert result.ok


def test_the_change_of_a_dot_is_told():
    assert normalise_name("阿不都•热合曼").notes == ("已把姓名中的点统一为“·”",)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (" 张 三 ", "张三"),
        ("李　四", "李四"),
        ("李 · 四", "李·四"),
        ("John  Smith", "John Smith"),
        ("Ｊｏｈｎ　Ｓｍｉｔｈ", "John Smith"),
        ("J. O’Neill-Smith", "J. O’Neill-Smith"),
        ("Jose\u0301", "José"),
        ("张\ue81e", "张\u9fb4"),
        ("张\ue816", "张\U00020087"),
        ("\u2f42一", "文一"),
        ("丁𬱖㛃䶮", "丁𬱖㛃䶮"),
    ],
)
def test_names_are_brought_into_one_form(raw, value):
    result = normalise_name(raw)
    assert (result.value, result.problems) == (value, ())


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "name.required"),
        ("张\u200b三", "name.invisible"),
        ("张\u202e三", "name.invisible"),
        ("张\x00三", "name.invisible"),
        ("张\ufe00三", "name.invisible"),
        ("张\ue000", "name.private"),
        ("张?", "name.lost"),
        ("张\ufffd", "name.lost"),
        ("张3", "name.digit"),
        ("张<b>", "name.sign"),
        ("张" * (MAX_LENGTH + 1), "name.length"),
    ],
)
def test_what_cannot_be_a_name_is_refused_with_a_reason(raw, problem):
    result = normalise_name(raw)
    assert not result.ok
    assert [p.code for p in result.problems] == [problem]


def test_a_name_of_one_character_is_asked_about_but_accepted():
    result = normalise_name("张")
    assert result.ok
    assert [p.code for p in result.problems] == ["name.short"]


def test_characters_outside_the_common_list_are_reported():
    assert rare_characters("张𬱖龘建") == ("龘",)


@given(st.text() | st.none() | st.integers())
def test_normalising_twice_changes_nothing_more(raw):
    once = normalise_name(raw)
    twice = normalise_name(once.value)
    assert twice.value == once.value
    assert twice.notes == ()


@given(st.text(alphabet=" ·•.张李aBé\u0301\u3000\u200b𬱖\ue816\u2f42-'", max_size=12))
def test_normalising_difficult_mixtures_twice_changes_nothing_more(raw):
    once = normalise_name(raw)
    assert normalise_name(once.value).value == once.value


@given(st.text(alphabet=HAN, min_size=2, max_size=6), st.sampled_from(["", " ", "　"]))
def test_blanks_in_a_han_name_never_matter(name, blank):
    assert normalise_name(blank.join(name)).value == name


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("单雄信", "shanxiongxin"),
        ("曾国藩", "zengguofan"),
        ("仇英", "qiuying"),
        ("解缙", "xiejin"),
        ("查良镛", "zhaliangyong"),
        ("区寄", "ouji"),
        ("朴智星", "piaozhixing"),
        ("盖聂", "genie"),
        ("翟志刚", "zhaizhigang"),
        ("缪斯", "miaosi"),
        ("乐嘉", "yuejia"),
        ("覃辉", "qinhui"),
        ("员半千", "yunbanqian"),
        ("尉迟恭", "yuchigong"),
        ("万俟卨", "moqixie"),
        ("万里", "wanli"),
        ("吕绿", "lyulyu"),
        ("女娲", "nyuwa"),
        ("王曾", "wangceng"),
        ("阿不都·热合曼", "abudureheman"),
        ("单增曲珍", "danzengquzhen"),
        ("单增·曲珍", "danzengquzhen"),
        ("Müller José", "mullerjose"),
    ],
)
def test_pinyin_reads_surnames_as_surnames(name, full):
    assert pinyin_of(name).full == full


def test_pinyin_gives_all_keys():
    assert pinyin_of("张建国") == ("zhangjianguo", "zjg", "zhang1 jian4 guo2", "zhang jian guo")
    assert pinyin_of("阿不都·热合曼").initials == "abdrhm"


def test_the_sort_key_orders_by_syllable_then_tone():
    names = ["张三", "赵六", "单雄信", "查理", "李四", "欧阳锋"]
    ordered = sorted(names, key=lambda name: pinyin_of(name).sort)
    assert ordered == ["李四", "欧阳锋", "单雄信", "查理", "张三", "赵六"]


@given(st.text(max_size=20))
def test_pinyin_takes_any_text_and_gives_ascii(text):
    keys = pinyin_of(text)
    assert keys.full.isascii()
    assert keys.initials.isascii()
    assert keys.spaced.replace(" ", "") == keys.full


def test_grams_are_characters_and_pairs_without_the_dot():
    assert grams("张建国") == ("张", "建", "国", "张建", "建国")
    assert grams("阿·布") == ("阿", "布", "阿布")
    assert grams("") == ()
