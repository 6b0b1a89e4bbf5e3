"""Believable sheets of the national template, made up: names from short lists, division codes 99xxxx.

Rows are deterministic in their number, so that benches and tests of any size can be repeated. The writer makes
what Excel makes (shared strings), a good deal faster than a general library.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from xueji.ground.sheets.guard import column_letters
from xueji.ground.standards.fields import fields
from xueji.ground.standards.identity import check_digit

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈单仇解查区"
GIVEN = "子轩梓涵雨欣浩然诗琪俊杰思远一诺明哲佳怡欣妍宇航博文静怡晨曦若溪天佑雅婷志强建国海燕春梅立新国庆小满清扬知行书瑶"
STREETS = ("学府路", "人民路", "建设街", "解放路", "文昌巷", "青川大道", "松溪街", "白鹿路")
MINORITY = ("阿依古丽·买买提", "迪丽努尔·艾力", "扎西·多吉", "巴特尔·苏和")
DAYS = 330


def identity(region: str, born: date, sequence: int) -> str:
    """A well-formed number; `sequence` is 0 to 999, odd for boys."""
    body = f"{region}{born:%Y%m%d}{sequence:03d}"
    return body + check_digit(body)


_COHORTS = {"P": 6, "J": 3, "S": 3}
_AGE = {"P": 7, "J": 13, "S": 16}
_MODE = {"P": "就近入学", "J": "就近入学", "S": "21"}


def child(
    i: int, region: str, *, year: int = 2026, stages: str = "P"
) -> tuple[str, str, date, str, int, int, str]:
    """Name, sex, birth date, stage, entry year, turn in the cohort and identity number of child `i`."""
    slots = [(stage, back) for stage in stages for back in range(_COHORTS[stage])]
    stage, back = slots[i % len(slots)]
    cohort = year - back
    turn = i // len(slots)
    born = date(cohort - _AGE[stage], 9, 10) + timedelta(days=turn % DAYS)
    sequence = (turn // DAYS) % 1000
    sex = "1" if sequence % 2 else "2"
    if i % 211 == 0:
        name = MINORITY[i // 211 % len(MINORITY)]
    else:
        name = SURNAMES[i % 53] + GIVEN[i * 7 % 56] + (GIVEN[(i // 53) % 56] if i % 9 else "")
    return name, sex, born, stage, cohort, turn, identity(region, born, sequence)


def rows(
    count: int,
    school_code: str,
    *,
    region: str = "990101",
    start: int = 0,
    class_size: int = 50,
    stages: str = "P",
) -> Iterator[list[str]]:
    """`count` rows of the full template, in its order of columns."""
    index = {field.key: field.index for field in fields()}
    width = len(fields())
    for i in range(start, start + count):
        name, sex, born, stage, cohort, place, number = child(i, region, stages=stages)
        address = f"云岭省青川市松溪县{STREETS[i % 8]}{i % 997 + 1}号{i % 31 + 1}栋{i % 12 + 1}02室"
        surname = name[0]
        values = {
            "school_code": school_code, "name": name, "sex": "男" if sex == "1" else "女",
            "birth_date": f"{born:%Y%m%d}", "birthplace": region, "native_place": "云岭省松溪县",
            "ethnicity": "01-汉族" if i % 11 else "土家族",
            "nationality": "CHN", "id_type": "居民身份证", "id_number": number, "overseas_status": "否",
            "health": "健康或良好", "political_status": "13", "household_nature": "1" if i % 3 else "2",
            "household_division": region, "campus_no": "1", "class_no": str(place // class_size % 99 + 1),
            "entry_month": f"{cohort}09", "entry_mode": _MODE[stage], "attendance_mode": "走读" if i % 5 else "住校",
            "current_address": address, "postal_address": address, "home_address": address,
            "phone": f"139{i * 7919 % 100000000:08d}", "postcode": "990001", "only_child": "是" if i % 2 else "否",
            "preschool": "是", "left_behind": "0", "rural_left_behind": "否", "disabled": "否", "aid_requested": "否",
            "boarding_subsidy": "否", "orphan": "否", "martyr_child": "否", "migrant_child": "否",
            "migrant_worker_child": "否", "commute_distance": f"{i % 60 / 10:.1f}", "commute_mode": "步行",
            "school_bus": "否", "blood_type": "", "student_source": "正常入学", "government_place": "否",
        }  # fmt: skip
        for n, (relation, given, born_year, odd) in enumerate(
            (("父亲", GIVEN[i % 56], 1985, 1), ("母亲", GIVEN[(i + 5) % 56], 1987, 0)), start=1
        ):
            day = date(born_year, 1, 1) + timedelta(days=i % 360)
            values |= {
                f"member{n}_name": (surname if n == 1 else SURNAMES[(i + 3) % 53]) + given, f"member{n}_relation": relation,
                f"member{n}_address": address, f"member{n}_household_division": region,
                f"member{n}_phone": f"13{n}{i * 104729 % 100000000:08d}", f"member{n}_is_guardian": "是",
                f"member{n}_id_type": "居民身份证",
                f"member{n}_id_number": identity(region, day, (i // 360 * 2 + odd) % 1000),
                f"member{n}_ethnicity": "汉族", f"member{n}_employer": "松溪县第一机械厂" if i % 4 else "务农",
                f"member{n}_position": "职工",
            }  # fmt: skip
        row = [""] * width
        for key, value in values.items():
            row[index[key]] = value
        yield row


def header() -> list[str]:
    """The template's headings."""
    return [field.name for field in fields()]


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def workbook(
    head: Sequence[str], body: Iterable[Sequence[str]], *, declared_rows: int | None = None
) -> bytes:
    """An xlsx file with these texts; `declared_rows` lies about the size, as broken programs do."""
    strings: dict[str, int] = {}
    letters = [column_letters(n + 1) for n in range(len(head))]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, text in _PARTS.items():
            package.writestr(name, text)
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            last = f"{letters[-1]}{declared_rows}" if declared_rows else ""
            dimension = f'<dimension ref="A1:{last}"/>' if last else ""
            sheet.write(f"{_HEAD}<worksheet {_MAIN}>{dimension}<sheetData>".encode())
            for number, cells in enumerate(
                (head, *body) if not isinstance(body, Iterator) else _chain(head, body), start=1
            ):
                parts = [
                    f'<c r="{letters[at]}{number}" t="s"><v>{strings.setdefault(text, len(strings))}</v></c>'
                    for at, text in enumerate(cells)
                    if text
                ]
                sheet.write(f'<row r="{number}">{"".join(parts)}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with package.open("xl/sharedStrings.xml", "w", force_zip64=True) as table:
            table.write(f'{_HEAD}<sst {_MAIN} uniqueCount="{len(strings)}">'.encode())
            for text in strings:
                table.write(f"<si><t>{_escape(text)}</t></si>".encode())
            table.write(b"</sst>")
    return out.getvalue()


def _chain(head: Sequence[str], body: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield head
    yield from body


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PKG = "http://schemas.openxmlformats.org/package/2006"
_SML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'{_HEAD}<Types xmlns="{_PKG}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
        f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{_SML}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SML}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_SML}.sharedStrings+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_HEAD}<Relationships xmlns="{_PKG}/relationships"><Relationship Id="rId1" Type="{_REL}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_HEAD}<workbook {_MAIN} xmlns:r="{_REL}"><sheets><sheet name="学生信息" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_HEAD}<Relationships xmlns="{_PKG}/relationships"><Relationship Id="rId1" Type="{_REL}/worksheet"'
        f' Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_REL}/sharedStrings"'
        ' Target="sharedStrings.xml"/></Relationships>'
    ),
}
