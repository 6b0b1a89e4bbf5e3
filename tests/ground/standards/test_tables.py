"""Code tables, divisions, fields, other numbers, masks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueji.ground import paths
from xueji.ground.standards import codes, divisions
from xueji.ground.standards.codes import UnknownCode, UnknownTable, table
from xueji.ground.standards.fields import field, field_by_header, fields, key_fields
from xueji.ground.standards.masking import mask_identity, mask_name, mask_phone, mask_student_number
from xueji.ground.standards.numbers import (
    check_credit_code,
    check_phone,
    check_postcode,
    check_school_code,
    check_student_number,
    credit_check_digit,
)


def test_data_folders_are_found_and_others_refused():
    assert (paths.data_dir("standards") / "gender.csv").is_file()
    with pytest.raises(ValueError, match="secrets"):
        paths.data_dir("secrets")


@pytest.mark.capability("C-INT-05")
@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("ethnicity", "01", "01"),
        ("ethnicity", "1", "01"),
        ("ethnicity", 1.0, "01"),
        ("ethnicity", "０１", "01"),
        ("ethnicity", "汉", "01"),
        ("ethnicity", " 汉 族 ", "01"),
        ("ethnicity", "01-汉族", "01"),
        ("ethnicity", "毛难族", "36"),
        ("gender", "男", "1"),
        ("gender", "女生", "2"),
        ("yes_no", "是", "1"),
        ("yes_no", "n", "0"),
        ("gatqw", "0", "00"),
        ("id_type", "a", "A"),
        ("id_type", "居民身份证", "1"),
        ("id_type", "港澳居民居住证", "H"),
        ("country_gb2659", "中国", "CHN"),
        ("country_gb2659", "156", "CHN"),
        ("country_gb2659", "香港", "HKG"),
        ("health_k12_template", "健康", "10"),
        ("commute_mode", "自行车", "2"),
        ("guardian_relation_template", "妈妈", "2"),
        ("divisions", "530103", "530103"),
        ("divisions", "530103000000", "530103"),
        ("divisions", "云南省昆明市盘龙区", "530103"),
    ],
)
def test_a_cell_is_understood_in_any_usual_writing(name, raw, code):
    assert table(name).code_of(raw) == code


@pytest.mark.parametrize(
    ("name", "raw"),
    [("ethnicity", "汗族"), ("gender", ""), ("ethnicity", "01-回族"), ("divisions", "城关区")],
)
def test_what_a_table_does_not_know_is_refused(name, raw):
    assert table(name).find(raw) is None
    with pytest.raises(UnknownCode):
        table(name).code_of(raw)


def test_a_name_of_several_codes_needs_its_circumstances():
    modes = table("enrol_mode_k12")
    with pytest.raises(UnknownCode, match="多项"):
        modes.code_of("其他")
    assert modes.code_of("其他", {"stage": "高中"}) == "99"
    assert modes.code_of("其他", {"stage": "义务教育"}) == "12"


def test_unknown_tables_and_codes_say_what_is_missing():
    with pytest.raises(UnknownTable, match="ethnicty"):
        table("ethnicty")
    with pytest.raises(UnknownCode, match="民族中没有代码“99”"):
        table("ethnicity").label("99")


@pytest.mark.capability("C-INT-05")
@pytest.mark.parametrize("name", [name for name in codes.names() if name != "divisions"])
def test_every_table_knows_its_own_codes_and_names(name):
    codeset = table(name)
    choices = codeset.choices()
    assert choices
    assert codeset.title
    labels = [label for _, label in choices]
    for code, label in choices:
        assert codeset.find(code) == code
        assert codeset.label(code) == label
        if labels.count(label) == 1:
            assert codeset.find(label) == code


def test_every_alias_points_to_a_code_that_exists():
    for row in codes.read_rows("code_aliases.csv"):
        assert row["code"] in table(row["table"]), row


def test_every_code_table_of_the_folder_is_listed():
    listed = {row["code"] for row in codes.read_rows("tables.csv")}
    files = {path.stem for path in Path(paths.data_dir("standards")).glob("*.csv")}
    assert listed <= files


@given(st.sampled_from(codes.names()), st.text() | st.integers() | st.floats() | st.none())
def test_nothing_makes_a_table_fail(name, raw):
    code = table(name).find(raw)
    assert code is None or code in table(name)


def test_a_division_has_the_name_of_its_time():
    assert divisions.full_name("500101", 1997) == "重庆市万县区"
    assert divisions.full_name("500101") == "重庆市万州区"
    assert divisions.status_since("110103", 2005) == "valid"
    assert divisions.status_since("110103", 2015) == "withdrawn"
    assert divisions.status_since("110199", 2015) == "unknown"


def test_divisions_are_offered_level_by_level():
    with divisions.demo(False):
        assert len(divisions.provinces()) == 34
        assert "盘龙区" in [d.name for d in divisions.children("530100")]
        assert not divisions.is_current("110103")
        assert divisions.code_of("990101") is None
    with divisions.demo(True):
        assert [d.name for d in divisions.children("990000")] == ["青川市", "澜江市"]
        assert divisions.code_of("云岭省青川市松溪县") == "990101"


def test_the_parent_of_every_division_exists():
    for row in codes.read_rows("divisions.csv"):
        if row["parent"]:
            assert divisions.history(row["parent"]), row


def test_the_template_has_its_73_columns_in_order():
    columns = fields()
    assert [column.index for column in columns] == list(range(73))
    assert len({column.key for column in columns}) == 73
    assert (columns[0].name, columns[1].name, columns[72].name) == ("学校标识码", "姓名", "成员2职务")
    for column in columns:
        assert column.purpose
        assert column.key.isidentifier()
        assert column.type != "code" or column.table is not None


def test_every_accepted_heading_leads_to_its_field():
    for column in fields():
        assert field_by_header(column.name) is column
        assert field_by_header(f" * {column.name}（必填）") is column
        for header in column.headers:
            assert field_by_header(header) is column, header
    assert field_by_header("备注") is None


def test_key_information_is_marked():
    assert {column.name for column in key_fields()} == {
        "姓名",
        "性别",
        "出生日期",
        "身份证件类型",
        "身份证件号",
    }
    assert field("id_number").sensitive == "identity"
    assert field("member2_phone").member == 2
    assert field("ethnicity").table is table("ethnicity")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("G110101201501019999", ""),
        ("g110101201501019999", ""),
        ("G110101201501019998", "sn.check_digit"),
        ("J990101201501019992", ""),
        ("L110101201501010000", ""),
        ("X110101201501019999", "sn.format"),
        ("110101201501019999", "sn.format"),
        ("", "sn.required"),
    ],
)
def test_student_numbers_are_checked_by_their_letter(raw, problem):
    check = check_student_number(raw)
    assert [p.code for p in check.problems] == ([problem] if problem else [])


def test_a_number_older_than_the_identity_number_is_only_a_warning():
    check = check_student_number("G110101201501019999", identity="110101201501010003")
    assert check.ok
    assert [p.code for p in check.problems] == ["sn.differs"]


def test_school_codes():
    assert check_school_code("2153000001").label == "小学"
    assert check_school_code(3111000001.0).ok
    assert not check_school_code("215300001").ok
    assert [p.code for p in check_school_code("8853000001").problems] == ["school.category"]
    assert [p.code for p in check_school_code("2197000001").problems] == ["school.province"]


def test_credit_codes_of_letter_led_bodies_are_accepted():
    for body in ("12110000400000000", "N2110000400000000", "91350100M000100Y4"):
        assert check_credit_code(body + credit_check_digit(body)).ok
    assert check_credit_code("91350100M000100Y43").ok
    assert [p.code for p in check_credit_code("91350100M000100Y44").problems] == ["credit.check_digit"]
    assert [p.code for p in check_credit_code("91350100M000100I43").problems] == ["credit.characters"]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("13812345678", "13812345678"),
        (13812345678.0, "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("０１０－６２３４５６７８", "010-62345678"),
        ("(0871)6312345", "0871-6312345"),
        ("087163123456-801", "0871-63123456-801"),
        ("+852 6123 4567", "+85261234567"),
        ("853-66123456", "+85366123456"),
        ("+1 202 555 0100", "+12025550100"),
    ],
)
def test_telephone_numbers_get_one_form(raw, value):
    assert check_phone(raw) == (value, check_phone(raw).label, ())
    assert check_phone(value).value == value


@pytest.mark.parametrize("raw", ["", "1381234567", "12345678901", "62345678", "无", "138123456789"])
def test_wrong_telephone_numbers_are_refused(raw):
    assert not check_phone(raw).ok


def test_postcodes():
    assert check_postcode("100083").problems == ()
    assert check_postcode(10083).value == "010083"
    assert not check_postcode("10083").ok


@given(st.text() | st.integers() | st.floats())
def test_nothing_makes_the_other_checks_fail(raw):
    for check in (check_student_number, check_school_code, check_credit_code, check_phone, check_postcode):
        assert isinstance(check(raw).ok, bool)


@pytest.mark.capability("C-SEC-02")
def test_masks_show_what_the_screens_promise():
    assert mask_identity("110101201501011234") == "110***********1234"
    assert mask_phone("13812345678") == "138****5678"
    assert mask_phone("010-62345678") == "010-****5678"
    assert mask_name("张三") == "张*"
    assert mask_name("欧阳建国") == "欧***"
    assert mask_student_number("G110101201501011234") == "G110***********1234"
    assert mask_identity(None) == mask_phone("") == mask_name(None) == mask_student_number("") == ""


@pytest.mark.capability("C-SEC-02")
@given(st.text(alphabet="0123456789ABCX", min_size=1, max_size=40))
def test_masks_never_show_more_than_half_of_an_identity_number(value):
    assert len(mask_identity(value)) == len(value)
    assert len(mask_identity(value).replace("*", "")) <= len(value) // 2
    assert set(mask_name(value)[1:]) == {"*"}
