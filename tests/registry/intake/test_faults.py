"""Every planted fault is found in its cell and told in words that a registrar understands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.children import enrol
from tests.helpers import Place, act_as

from bench import sheets
from xueji.ground.db.scope import acting
from xueji.registry.intake import commands, repair, staging
from xueji.registry.intake.checker import Checker
from xueji.registry.intake.columns import Mapping
from xueji.registry.intake.packing import pack, unpack
from xueji.registry.intake.places import SchoolFacts, read_class, read_grade
from xueji.registry.intake.reports import CheckReport

from .sheets_for_tests import body, book, names, put, told

#: field, what is typed, what is said
FAULTS = [
    ("name", "", "请填写姓名"),
    ("name", "张" * 101, "姓名最多100个字符，现在是101个"),
    ("name", "张3", "姓名中不能有数字"),
    ("sex", "不详", "性别中没有“不详”，请从下拉选项中选择"),
    ("birth_date", "2020-02-30", "日期 2020-02-30 不存在"),
    ("birth_date", "20991231", "出生日期 2099-12-31 还没有到, 请核对"),
    ("ethnicity", "火星族", "民族中没有“火星族”，请从下拉选项中选择"),
    ("id_number", "99010120190910000", "居民身份证号应为18位，现在是17位"),
    ("id_number", "", "请填写身份证件号; 确实没有证件号的, 身份证件类型请选“其他”"),
    ("phone", "1390000", "手机号应为11位，现在是7位"),
    ("postcode", "99000A", "邮政编码应为6位数字，现在是“99000A”"),
    ("class_no", "甲班", "班号“甲班”看不懂, 请填写1至99的数字, 或三年级(2)班这样的班级名称"),
    ("entry_month", "201309", "按入学年月, 该生是小学2013级, 现在不在本校任何年级, 请核对入学年月(填进入现在学段的年月)"),
    ("entry_month", "202613", "月份 202613 不存在"),
    ("entry_mode", "21", "义务教育阶段的入学方式只能是就近入学或其他(11、12)"),
    ("student_source", "2", "义务教育阶段的学生来源只能是正常入学或其他, 借读学生请办理借读"),
    ("political_status", "04", "学生的政治面貌只能是中共党员、预备党员、共青团员或群众"),
    ("id_type", "2", "军官证不能用来登记学生, 请改填学生本人的证件类型"),
    ("school_code", "3199999999", None),
    ("rural_left_behind", "是", "是否留守儿童为否, 是否农村留守儿童不能为是"),
    ("member1_relation_note", "", "成员1关系为其他时, 请填写关系说明"),
    ("commute_distance", "很远", "上下学距离应为数字, 单位千米, 如 1.5"),
    ("email", "无", "电子信箱的写法不对, 应为 名字@网站 的形式"),
    ("home_address", "长" * 181, "家庭地址最多180个字, 现在是181个"),
    ("class_serial", "A1", "班内学号应为1至9999的数字, 可以不填由系统编排"),
    ("member1_id_number", "990101198501010019", "证件号最后一位不对，请对照户口簿再看一遍（末位可能是字母X）"),
]  # fmt: skip


def check(place: Place, tmp_path: Path, rows: list[list[object]], school: str = "a1") -> CheckReport:
    path = tmp_path / "名单.xlsx"
    path.write_bytes(book(rows))
    with act_as(place.user("registrar", school)) as actor:
        return commands.check_file(actor, path)


@pytest.mark.capability("C-COL-06")
@pytest.mark.capability("C-DUP-01")
def test_every_planted_fault_is_named_in_its_cell(place: Place, tmp_path: Path) -> None:
    rows = body(len(FAULTS) + 2, place.org("a1").code)
    for at, (key, typed, _message) in enumerate(FAULTS):
        put(rows, at, **{key: typed})
        if key == "member1_relation_note":
            put(rows, at, member1_relation="9")
    report = check(place, tmp_path, rows)
    messages = told(report)
    for at, (key, _typed, message) in enumerate(FAULTS):
        said = messages.pop((at + 2, key), None)
        assert said, f"row {at + 2}: nothing said of {key}; {[m for m in messages if m[0] == at + 2]}"
        if message is not None:
            assert message in said, (key, said)
    assert report.counts["error"] == len(FAULTS)
    assert report.counts["ok"] == 2
    # What else is said follows from the fault (a wrong birth date also differs from the number).
    assert all(row - 2 < len(FAULTS) for row, _key in messages)


@pytest.mark.capability("C-DUP-01")
def test_number_sex_and_birth_date_must_agree(place: Place, tmp_path: Path) -> None:
    rows = body(2, place.org("a1").code)
    index = names()
    put(rows, 0, sex="男" if rows[0][index["sex"]] == "女" else "女")
    put(rows, 1, birth_date="20200101")
    messages = told(check(place, tmp_path, rows))
    assert messages[(2, "id_number")][0].startswith("证件号显示为")
    assert messages[(3, "id_number")][0].startswith("证件号中的出生日期是")


def test_messy_but_clear_cells_are_understood_and_shown(place: Place, tmp_path: Path) -> None:
    rows = body(6, place.org("a1").code)
    index = names()
    number = str(rows[0][index["id_number"]])
    put(rows, 0, id_number="".join(chr(ord(c) + 0xFEE0) for c in number))
    put(rows, 1, birth_date=date.fromisoformat(iso(rows[1][index["birth_date"]])))
    put(rows, 2, birthplace="990101000000", household_division="云岭省青川市松溪县")
    put(rows, 3, birth_date=dotted(rows[3][index["birth_date"]]), entry_month="2023年9月")
    put(rows, 4, phone="139-0000-0001")
    report = check(place, tmp_path, rows)
    assert report.counts["error"] == 0, told(report)
    notes = {
        (f["row"], f["field"]): (f["original"], f["understood"])
        for f in report.faults
        if f["severity"] == "note"
    }
    assert notes[(2, "id_number")][1] == number[:3] + "*" * 11 + number[-4:]
    assert notes[(4, "birthplace")] == ("990101000000", "990101 云岭省青川市松溪县")
    assert notes[(4, "household_division")][1] == "990101 云岭省青川市松溪县"
    assert (3, "birth_date") not in notes
    assert notes[(5, "entry_month")] == ("2023年9月", "2023年09月")
    assert notes[(6, "phone")][1] == "139****0001"


def test_lower_case_x_is_understood(place: Place, tmp_path: Path) -> None:
    rows = body(120, place.org("a1").code)
    index = names()
    row = next(r for r in rows if str(r[index["id_number"]]).endswith("X"))
    row[index["id_number"]] = str(row[index["id_number"]]).lower()
    report = check(place, tmp_path, [row])
    assert report.counts["error"] == 0
    assert any(f["field"] == "id_number" and f["understood"].endswith("X") for f in report.faults)


def test_numbers_rounded_by_the_spreadsheet_are_refused_with_the_reason(place: Place, tmp_path: Path) -> None:
    rows = body(1, place.org("a1").code)
    put(rows, 0, id_number=990101201909100021)
    said = told(check(place, tmp_path, rows))[(2, "id_number")][0]
    assert "后面几位已经丢失" in said


def test_formulas_count_by_their_result_and_never_run(place: Place, tmp_path: Path) -> None:
    rows = body(2, place.org("a1").code)
    put(rows, 0, name="=CONCATENATE(A1)")
    assert told(check(place, tmp_path, rows))[(2, "name")]


def test_blank_rows_are_passed_over_and_counted(place: Place, tmp_path: Path) -> None:
    rows = body(3, place.org("a1").code)
    rows[1:1] = [[""] * len(rows[0])] * 4
    report = check(place, tmp_path, rows)
    assert report.counts["blank"] == 4
    assert report.counts["ok"] == 3


@pytest.mark.capability("C-COL-16")
def test_a_child_without_a_number_needs_a_family_member_with_one(place: Place, tmp_path: Path) -> None:
    rows = body(2, place.org("a1").code)
    nobody = {"member1_id_type": "", "member1_id_number": "", "member2_id_type": "", "member2_id_number": ""}
    put(rows, 0, id_type="其他", id_number="", **nobody)
    put(rows, 1, id_type="Z", id_number="")
    report = check(place, tmp_path, rows)
    assert told(report) == {
        (2, "member1_id_number"): ["学生没有证件号时, 请填写一名家庭成员的证件类型和证件号"]
    }
    assert report.counts["ok"] == 1


def test_family_rules(place: Place, tmp_path: Path) -> None:
    rows = body(2, place.org("a1").code)
    second = {f"member2_{k.removeprefix('member2_')}": "" for k in names() if k.startswith("member2_")}
    put(rows, 0, **second)
    put(rows, 1, member1_is_guardian="否", member2_is_guardian="否")
    report = check(place, tmp_path, rows)
    messages = told(report)
    assert messages[(2, "member2_name")] == ["一般要登记两名家庭成员, 单亲等情况可以只填一名"]
    assert messages[(3, "member1_is_guardian")] == ["至少要有一名家庭成员是监护人"]
    assert (report.counts["warning"], report.counts["error"]) == (1, 1)


@pytest.mark.capability("C-DUP-02")
@pytest.mark.capability("C-NUM-13")
def test_duplicates_in_the_sheet_at_the_school_and_elsewhere(place: Place, tmp_path: Path) -> None:
    rows = body(8, place.org("a1").code)
    index = names()
    put(rows, 1, **{k: rows[0][index[k]] for k in ("id_number", "birth_date", "sex")})
    for at, school in ((2, "a1"), (3, "b1")):
        number = str(rows[at][index["id_number"]])
        born = date.fromisoformat(iso(number[6:14]))
        sex = "1" if int(number[16]) % 2 else "2"
        enrol(place, school, name="李在册", identity=number, birth=born, sex=sex)
    report = check(place, tmp_path, rows)
    messages = told(report)
    assert messages[(2, "id_number")] == ["与第 3 行的证件号相同, 请核对后删去一行"]
    assert messages[(3, "id_number")] == ["与第 2 行的证件号相同, 请核对后删去一行"]
    assert messages[(4, "id_number")] == ["本校已有同一证件号的学生: 一年级(1)班 李在册"]
    elsewhere = messages[(5, "id_number")][0]
    assert elsewhere.startswith("该证件号在 临川县九年制学校 已有学籍。")
    assert "李在册" not in elsewhere
    assert report.counts["duplicate"] == 4
    assert report.counts["ok"] == 4


@pytest.mark.capability("C-DUP-02")
def test_name_sex_and_birth_date_decide_where_there_is_no_number(place: Place, tmp_path: Path) -> None:
    rows = body(3, place.org("a1").code)
    index = names()
    born = date.fromisoformat(iso(rows[0][index["birth_date"]]))
    sex = "1" if rows[0][index["sex"]] == "男" else "2"
    enrol(place, "b1", name=str(rows[0][index["name"]]), birth=born, sex=sex)
    put(rows, 0, id_type="Z", id_number="")
    put(rows, 1, id_type="Z", id_number="")
    put(rows, 2, **{k: rows[1][index[k]] for k in ("name", "sex", "birth_date")})
    put(rows, 2, id_type="Z", id_number="")
    messages = told(check(place, tmp_path, rows))
    assert messages[(2, "name")][0].startswith("临川县九年制学校 有姓名、性别、出生日期相同的学生")
    assert messages[(3, "name")][0].startswith("与第 4 行姓名、性别、出生日期都相同")


def test_checking_leaves_nothing_behind(place: Place, tmp_path: Path) -> None:
    from xueji.registry.intake.models import ImportBatch

    check(place, tmp_path, body(3, place.org("a1").code))
    with act_as(place.user("registrar", "a1")):
        assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("1", ("", 1)), ("03", ("", 3)), ("(2)班", ("", 2)), ("十二班", ("", 12)), ("三年级(2)班", ("三年级", 2)),
     ("2024级5班", ("2024级", 5)), ("202403", ("2024级", 3)), ("初一（4）班", ("初一", 4)), ("一(2)班", ("一年级", 2)),
     ("七（1）班", ("七年级", 1)), ("甲", None), ("", None)],
)  # fmt: skip
def test_class_names_are_read_as_schools_write_them(typed: str, expected: tuple[str, int] | None) -> None:
    assert read_class(typed) == expected


def test_a_school_of_two_stages_is_understood_by_age_mode_and_grade(place: Place, tmp_path: Path) -> None:
    rows = body(3, place.org("b1").code)
    index = names()
    # A child of twelve who enters in 2026 enters the junior stage.
    put(rows, 0, id_type="Z", id_number="", birth_date="20140301", entry_month="202609")
    head = [*sheets.header(), "年级"]
    for at, grade in enumerate(["", "二年级", "初三"]):
        rows[at].append(grade)
    put(rows, 1, entry_month="202509")
    put(rows, 2, entry_month="202409", id_type="Z", id_number="", birth_date="20120301")
    path = tmp_path / "九年制.xlsx"
    path.write_bytes(book(rows, head))
    with act_as(place.user("registrar", "b1")) as actor:
        batch = commands.upload(actor, path.read_bytes(), path.name)
        with acting("intake"):
            from xueji.registry.intake.models import StagedRow

            seats = list(
                StagedRow.objects.filter(batch_id=batch.id)
                .order_by("row_no")
                .values_list("stage", "cohort_year", "class_number")
            )
    assert seats == [("J", 2026, 1), ("P", 2025, 1), ("J", 2024, 1)]
    assert index


def iso(digits: object) -> str:
    text = str(digits)
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}"


def dotted(digits: object) -> str:
    text = str(digits)
    return f"{text[:4]}.{int(text[4:6])}.{int(text[6:8])}"


CELLS = st.one_of(
    st.text(max_size=40),
    st.dates(),
    st.booleans(),
    st.just(""),
    st.sampled_from(["1", "男", "20190910", "\x1f", "[\\n\t"]),
)


# Long lists of cells take long to draw on a busy machine; that says nothing about what is tested.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@example(["", "["])
@given(st.lists(CELLS, min_size=1, max_size=80))
def test_what_was_typed_comes_back_as_it_was(cells: list[object]) -> None:
    found = unpack(pack(cells))
    while found and found[-1] == "":
        found.pop()
    wanted = list(cells)
    while wanted and wanted[-1] == "":
        wanted.pop()
    assert found == wanted or found == list(cells)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=73, max_size=73), min_size=1, max_size=3))
def test_no_cell_whatever_breaks_the_checks(db: None, rows: list[list[object]]) -> None:
    school = SchoolFacts(1, 2, "2199000001", "某校", "990101", ("P", "J"), "6-3-3", date(2026, 11, 22))
    mapping = Mapping(1, names(), sheets.header())
    lines = Checker(school, mapping).check([(n + 2, row) for n, row in enumerate(rows)])
    assert [line.row_no for line in lines] == list(range(2, len(rows) + 2))
    with transaction.atomic(), acting("intake"):
        staging.load(staging.encode(7, lines))
        assert sorted(repair.raw_rows(7, [line.row_no for line in lines])) == [line.row_no for line in lines]
        staging.drop(7)


@pytest.mark.parametrize(
    ("stages", "system", "typed", "expected"),
    [(("S",), "6-3-3", "一年级", ("S", 2026)), (("J",), "6-3-3", "二年级", ("J", 2025)), (("J",), "6-3-3", "八年级", ("J", 2025)),
     (("P", "J"), "6-3-3", "一年级", ("P", 2026)), (("S",), "6-3-3", "五年级", None)],
)  # fmt: skip
def test_a_school_of_one_stage_counts_from_its_own_first_year(
    stages: tuple[str, ...], system: str, typed: str, expected: tuple[str, int] | None
) -> None:
    school = SchoolFacts(1, 2, "2199000001", "某校", "990101", stages, system, date(2026, 11, 22))
    assert read_grade(typed, school) == expected
