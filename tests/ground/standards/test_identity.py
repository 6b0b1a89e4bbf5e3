"""Identity numbers: the standard's rules, its relatives, and what a text may never do to the check."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xueji.ground.standards import divisions
from xueji.ground.standards.codes import UnknownCode
from xueji.ground.standards.identity import check_digit, check_identity, normalise_identity
from xueji.ground.standards.idtypes import id_type, id_types

TODAY = date(2026, 11, 22)
TYPE_OF_KIND = {"18": "1", "15": "1", "HMT-HK": "H", "HMT-MO": "H", "HMT-TW": "I", "FPR18": "J", "FPR15": "J"}
VECTORS = list(csv.DictReader((Path(__file__).parent / "id_number_vectors.csv").open(encoding="utf-8")))
AREAS = ["110101", "110105", "330103", "530103", "441900", "659012", "510221", "152921"]


@pytest.fixture(autouse=True)
def _real_divisions_only():
    with divisions.demo(False):
        yield


def codes(check) -> set[str]:
    return {problem.code for problem in check.problems}


def number(area: str, born: date, sequence: int) -> str:
    body = f"{area}{born:%Y%m%d}{sequence:03d}"
    return body + check_digit(body)


@pytest.mark.capability("C-DUP-01")
@pytest.mark.parametrize("vector", VECTORS, ids=[v["code"] for v in VECTORS])
def test_published_numbers_are_judged_as_expected(vector):
    check = check_identity(
        TYPE_OF_KIND[vector["kind"]], vector["name"], on=TODAY, allow_legacy=vector["kind"] == "15"
    )
    assert check.ok is (vector["valid"] != "0"), check.problems
    if vector["valid"] == "W":
        assert codes(check) == {"id.region_withdrawn"}


@pytest.mark.parametrize(("raw", "count"), [("11010120150101999", 17), ("1101012015010199990", 19)])
def test_a_wrong_length_says_how_many_places_there_are(raw, count):
    check = check_identity("1", raw, on=TODAY)
    assert [p.message for p in check.problems] == [f"居民身份证号应为18位，现在是{count}位"]


def test_the_check_digit_message_tells_where_to_look():
    check = check_identity("1", "110105194912310021", on=TODAY)
    assert check.problems[0].message == "证件号最后一位不对，请对照户口簿再看一遍（末位可能是字母X）"


def test_an_impossible_birthday_is_named():
    check = check_identity("1", "110101201502309998", on=TODAY)
    assert "证件号中的出生日期 2015-02-30 不存在" in [p.message for p in check.problems]


def test_birth_sex_and_region_are_read_from_the_number():
    check = check_identity("1", " １１０１０１２０１５０１０１９９９９ ", on=TODAY)
    assert (check.value, check.birth, check.sex) == ("110101201501019999", date(2015, 1, 1), "1")
    assert (check.region_code, check.region_name) == ("110101", "北京市东城区")


@pytest.mark.capability("C-DUP-01")
def test_sex_and_birth_on_the_form_must_agree_with_the_number():
    check = check_identity("1", "110101201501010003", on=TODAY, sex="1", birth=date(2015, 1, 2))
    assert [p.message for p in check.problems] == [
        "证件号显示为女，填写的是男，请核对",
        "证件号中的出生日期是 2015-01-01，填写的是 2015-01-02，请核对",
    ]
    assert check_identity("1", "110101201501010003", on=TODAY, sex="2", birth=date(2015, 1, 1)).problems == ()


def test_a_birthday_after_the_day_of_the_check_is_refused():
    born = number("110101", date(2020, 5, 5), 997)
    assert "id.birth_future" in codes(check_identity("1", born, on=date(2020, 5, 4)))
    assert check_identity("1", born, on=date(2020, 5, 5)).ok


def test_a_region_withdrawn_after_the_birth_is_fine():
    old_chongwen = number("110103", date(2008, 3, 3), 998)
    check = check_identity("1", old_chongwen, on=TODAY)
    assert check.problems == ()
    assert check.region_name == "北京市崇文区"


def test_an_unknown_region_is_only_a_warning():
    check = check_identity("1", number("110199", date(2020, 3, 3), 998), on=TODAY)
    assert check.ok
    assert codes(check) == {"id.region_unknown"}


def test_the_invented_province_counts_only_when_switched_on():
    made_up = number("990101", date(2016, 9, 1), 998)
    assert not check_identity("1", made_up, on=TODAY).ok
    with divisions.demo(True):
        check = check_identity("1", made_up, on=TODAY)
        assert check.problems == ()
        assert check.region_name == "云岭省青川市松溪县"
    assert not check_identity("1", made_up, on=TODAY).ok


def test_fifteen_digits_are_for_old_papers_of_guardians_only():
    assert codes(check_identity("1", "110105491231002", on=TODAY)) == {"id.legacy"}
    check = check_identity("1", "110105491231002", on=TODAY, allow_legacy=True)
    assert check.ok
    assert check.value == "11010519491231002X"


def test_a_residence_permit_filed_as_resident_card_names_the_better_type():
    assert check_identity("1", "810000201501019992", on=TODAY).suggested_type == "H"
    assert check_identity("1", "83000020150101997X", on=TODAY).suggested_type == "I"
    assert check_identity("1", "911124198108030024", on=TODAY).suggested_type == "J"


def test_a_permit_of_the_wrong_place_is_refused():
    check = check_identity("H", "83000020150101997X", on=TODAY)
    assert codes(check) == {"id.region_impossible"}
    assert check.suggested_type == "I"


@pytest.mark.parametrize(
    ("paper", "raw", "usual"),
    [
        ("C", "H12345678", True),
        ("C", "12345678", False),
        ("8", "12345678", True),
        ("A", "EA1234567", True),
        ("A", "护照", False),
        ("6", "A123456(7)", True),
        ("K", "T123456789", True),
    ],
)
def test_papers_without_published_rules_are_never_refused(paper, raw, usual):
    check = check_identity(paper, raw, on=TODAY)
    assert check.ok
    assert (check.problems == ()) is usual


def test_only_other_papers_may_lack_a_number():
    assert check_identity("Z", "", on=TODAY).problems == ()
    assert check_identity("1", None, on=TODAY).problems[0].message == "请填写居民身份证号码"


def test_every_type_has_a_label_and_an_export_code_of_the_national_list():
    national = set("123456789ABZ")
    for code, paper in id_types().items():
        assert paper.code == code
        assert paper.label
        assert paper.national in national
    assert {code for code, paper in id_types().items() if paper.derives} == {"1", "9", "H", "I", "J"}
    assert id_type("身份证").code == "1"
    with pytest.raises(UnknownCode):
        id_type("驾驶证")


valid_numbers = st.builds(
    number,
    st.sampled_from(AREAS),
    st.dates(date(1985, 1, 1), TODAY),
    st.integers(0, 999),
)


@given(valid_numbers)
def test_a_number_made_by_the_rule_passes(value):
    assert check_identity("1", value, on=TODAY).ok


@given(valid_numbers, st.integers(0, 17), st.integers(1, 9))
def test_any_single_wrong_digit_is_caught(value, place, shift):
    old = 10 if value[place] == "X" else int(value[place])
    new = (old + shift) % (11 if place == 17 else 10)
    changed = value[:place] + ("X" if new == 10 else str(new)) + value[place + 1 :]
    if changed != value:
        assert not check_identity("1", changed, on=TODAY).ok


@given(valid_numbers, st.integers(0, 15))
def test_two_swapped_neighbours_are_caught(value, place):
    swapped = value[:place] + value[place + 1] + value[place] + value[place + 2 :]
    if swapped != value:
        assert not check_identity("1", swapped, on=TODAY).ok


@example("1", "A´")  # an accent that joins its letter once the blank is gone
@given(st.sampled_from(sorted(id_types())), st.text() | st.integers() | st.floats() | st.none())
def test_no_text_makes_the_check_fail(paper, raw):
    check = check_identity(paper, raw, on=TODAY, allow_legacy=True)
    assert normalise_identity(check.value) == check.value


@given(st.sampled_from(sorted(id_types())), st.text(alphabet="0123456789X９８１CAN -", max_size=20))
def test_no_nearly_right_text_makes_the_check_fail(paper, raw):
    check = check_identity(paper, raw, on=TODAY, sex="1", birth=date(2015, 1, 1), allow_legacy=True)
    assert all(problem.message for problem in check.problems)
