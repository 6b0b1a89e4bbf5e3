"""What the printed papers say, hide and look like."""

from __future__ import annotations

import dataclasses
import io
import random
import threading
from datetime import date, datetime

import pypdf
import pypdfium2
import pytest
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont

from xueji.ground.paper import fonts
from xueji.ground.paper.card_sheet import CardSheet, PupilCard, render_cards
from xueji.ground.paper.case_sheet import CaseSheet, Difference, Fact, Material, Opinion, render_case_sheet
from xueji.ground.paper.certificate import (
    EnrolmentCertificate,
    SuspensionNotice,
    render_enrolment_certificate,
    render_suspension_notice,
)
from xueji.ground.paper.collection_form import CollectionBatch, CollectionForm, render_collection_forms
from xueji.ground.paper.photo import draw_portrait
from xueji.ground.paper.roster import (
    ClassRoster,
    ListColumn,
    PaperList,
    RosterRow,
    render_class_roster,
    render_list,
)

NOW = datetime(2026, 11, 22, 11, 5)
IDENTITY = "990101201601010021"
BEYOND_FONTS = "\U00030000"

CERTIFICATE = EnrolmentCertificate(
    number="ZM-990101-2026-000123",
    school_name="云川县第一实验小学",
    school_code="3199000001",
    school_phone="0999-1234567",
    issued_on=date(2026, 11, 22),
    valid_until=date(2027, 2, 22),
    purpose="办理居住证",
    verify_url="https://xueji.example/verify?c=7KQ2M9XDTR4HW8PF",
    verify_code="7KQ2M9XDTR4HW8PF",
    student_name="欧阳𬱖玥",
    sex="女",
    birth_date=date(2016, 1, 1),
    student_number="G" + IDENTITY,
    identity_number=IDENTITY,
    grade_name="五年级",
    class_name="（3）班",
    entered_on=date(2022, 9, 1),
)


def text_of(pdf: bytes) -> str:
    """All text of a PDF, without line breaks and spaces, as a person who copies it gets it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "".join("".join(page.get_textpage().get_text_bounded().split()) for page in document)
    finally:
        document.close()


def pages_of(pdf: bytes) -> int:
    return len(pypdf.PdfReader(io.BytesIO(pdf)).pages)


def roster(count: int, **changes: object) -> ClassRoster:
    rnd = random.Random(7)
    names = ["王小明", "欧阳𬱖玥", "阿依古丽·买买提", "李一诺"]
    rows = [
        RosterRow(
            student_number=f"G99010120160101{i:04d}",
            name=names[i % 4],
            sex="男女"[i % 2],
            birth_date=date(2016, 1 + i % 12, 1 + i % 28),
            ethnicity=rnd.choice(["汉族", "维吾尔族"]),
            household="云川县城关街道",
            guardian="王建国",
            phone=f"138****{i:04d}",
            address=f"云川县青山路{i}号3栋2单元",
        )
        for i in range(count)
    ]
    base = ClassRoster(
        school_name="云川县第一实验小学",
        class_name="五年级（3）班",
        head_teacher="张丽华",
        term_name="2026-2027学年第一学期",
        rows=rows,
        printed_by="陈晓",
        printed_at=NOW,
        watermark="陈晓 2026-11-22",
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_enrolment_certificate_says_what_it_proves_on_one_page() -> None:
    pdf = render_enrolment_certificate(CERTIFICATE)
    text = text_of(pdf)
    assert pages_of(pdf) == 1
    for part in (
        "在籍证明",
        "编号：ZM-990101-2026-000123",
        "欧阳𬱖玥",
        "性别女",
        "2016年1月1日出生",
        "五年级（3）班",
        "2022年9月入学",
        "办理居住证",
        "2026年11月22日至2027年2月22日",
        "0999-1234567",
        "7KQ2M9XD",
        "TR4HW8PF",
    ):
        assert part in text


def test_certificate_never_shows_more_of_a_number_than_its_tail() -> None:
    pdf = render_enrolment_certificate(CERTIFICATE)
    text = text_of(pdf)
    assert IDENTITY not in text
    assert IDENTITY[:14] not in text
    assert IDENTITY.encode() not in pdf
    assert text.count("**0021") == 2


def test_certificate_is_tagged_archival_pdf_with_embedded_fonts() -> None:
    reader = pypdf.PdfReader(io.BytesIO(render_enrolment_certificate(CERTIFICATE)))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "pdfaid:part" in reader.trailer["/Root"]["/Metadata"].get_data().decode()
    embedded = 0
    for font in reader.pages[0]["/Resources"]["/Font"].values():
        descendant = font.get_object()["/DescendantFonts"][0].get_object()
        descriptor = descendant["/FontDescriptor"]
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
        assert "Noto" in str(descriptor["/FontName"])
        embedded += 1
    assert embedded >= 2


def test_the_same_paper_is_the_same_bytes() -> None:
    photo = draw_portrait(1, "欧阳𬱖玥", "女")
    data = dataclasses.replace(CERTIFICATE, photo=photo)
    assert render_enrolment_certificate(data) == render_enrolment_certificate(data)


def test_photo_and_seal_are_drawn() -> None:
    with_photo = render_enrolment_certificate(
        dataclasses.replace(CERTIFICATE, photo=draw_portrait(1, "x", "女"))
    )
    assert len(pypdf.PdfReader(io.BytesIO(with_photo)).pages[0].images) == 1
    page = pypdfium2.PdfDocument(with_photo)[0].render(scale=1).to_pil()
    corner = page.crop((330, 580, 480, 720))
    red = sum(1 for r, g, b in corner.get_flattened_data() if r > 160 and g < 80 and b < 80)
    assert red > 500
    plain = pypdfium2.PdfDocument(
        render_enrolment_certificate(dataclasses.replace(CERTIFICATE, seal_purpose=""))
    )[0]
    corner = plain.render(scale=1).to_pil().crop((330, 580, 480, 720))
    assert not any(r > 160 and g < 80 and b < 80 for r, g, b in corner.get_flattened_data())


def test_longest_content_still_fits_one_page() -> None:
    data = dataclasses.replace(
        CERTIFICATE,
        school_name="新疆生产建设兵团云川师范大学附属实验九年一贯制民族中心学校东校区",
        student_name="阿卜杜热西提·阿卜杜克热木·吐尔逊买买提江",
        expected_graduation=date(2028, 7, 1),
        purpose="办理跨省务工人员随迁子女居住登记、义务教育阶段转学及参加市级体育比赛资格审核",
        photo=draw_portrait(2, "x", "男"),
    )
    assert pages_of(render_enrolment_certificate(data)) == 1


def test_suspension_notice_gives_period_and_way_back_but_no_reason() -> None:
    pdf = render_suspension_notice(
        SuspensionNotice(
            number="XX-2026-7",
            school_name="云川县第一实验小学",
            issued_on=date(2026, 11, 22),
            student_name="李一诺",
            sex="男",
            birth_date=date(2016, 1, 1),
            student_number="G" + IDENTITY,
            identity_number="",
            grade_name="五年级",
            class_name="（3）班",
            suspended_from=date(2026, 11, 23),
            suspended_until=date(2027, 11, 22),
            case_number="YW-1",
            watermark="样张",
        )
    )
    text = text_of(pdf)
    for part in ("休学证明", "自2026年11月23日至2027年11月22日休学", "办理复学", "YW-1", "样张"):
        assert part in text


def test_a_name_is_printed_never_run() -> None:
    evil = '#panic("x") $1$ *b* <lbl> [y] \\ "'
    text = text_of(render_enrolment_certificate(dataclasses.replace(CERTIFICATE, student_name=evil)))
    assert "".join(evil.split()) in text


def test_a_missing_glyph_is_reported_before_printing() -> None:
    with pytest.raises(fonts.MissingGlyphs) as caught:
        render_enrolment_certificate(dataclasses.replace(CERTIFICATE, student_name="王" + BEYOND_FONTS))
    assert caught.value.chars == [BEYOND_FONTS]
    assert "U+30000" in str(caught.value)
    with pytest.raises(fonts.MissingGlyphs):
        render_class_roster(roster(1, head_teacher="\ue816"))


def test_missing_glyphs_knows_rare_names_and_ignores_what_takes_no_ink() -> None:
    assert fonts.missing_glyphs("㐱𬱖𠅤䶮𬭼𤩽㛃𬀪𬍛𣸣·ABC 123\n\u200b\ufe00") == []
    assert fonts.missing_glyphs(f"a{BEYOND_FONTS}\ue000{BEYOND_FONTS}") == [BEYOND_FONTS, "\ue000"]


def test_a_font_folder_adds_characters(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    font = TTFont(fonts.FONT_DIR / "NotoSansSC_400Regular.ttf")
    subsetter = Subsetter()
    subsetter.populate(text="王𬱖")  # a rare one keeps the table for rare ones
    subsetter.subset(font)
    for table in font["cmap"].tables:
        if table.format == 12:
            table.cmap = {ord(BEYOND_FONTS): table.cmap[ord("王")]}
    font["cmap"].tables = [table for table in font["cmap"].tables if table.format == 12]
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = "Yunchuan Rare"
    font.save(tmp_path / "rare.ttf")
    (tmp_path / "damaged.ttf").write_bytes(b"no font at all")
    monkeypatch.setenv("XUEJI_FONT_DIR", str(tmp_path))
    assert fonts.missing_glyphs(BEYOND_FONTS) == []
    assert fonts.families()[-1] == "Yunchuan Rare"
    assert f"王{BEYOND_FONTS}" in text_of(render_class_roster(roster(1, head_teacher="王" + BEYOND_FONTS)))


@pytest.mark.parametrize("orientation", ["landscape", "portrait"])
def test_roster_repeats_its_header_and_counts_pages(orientation: str) -> None:
    pdf = render_class_roster(roster(90, orientation=orientation))
    pages = pages_of(pdf)
    document = pypdfium2.PdfDocument(pdf)
    for number, page in enumerate(document, start=1):
        text = "".join(page.get_textpage().get_text_bounded().split())
        assert f"第{number}页/共{pages}页" in text
        assert "学籍号" in text
        assert "打印人：陈晓打印时间：2026-11-2211:05" in text
        assert "陈晓2026-11-22" in text
    assert "90人（男45，女45）" in text_of(pdf)
    assert "𬱖" in text_of(pdf)


def test_roster_of_four_thousand_is_whole_and_in_order() -> None:
    pdf = render_class_roster(roster(4000, orientation="portrait"))
    text = text_of(pdf)
    positions = [text.index(f"G99010120160101{i:04d}") for i in (0, 1999, 3999)]
    assert positions == sorted(positions)
    assert len(pdf) < 2_000_000


def test_cards_to_cut_out_are_whole_eight_on_a_page() -> None:
    numbers = [f"2199000001Z26{i:05d}" for i in range(1, 12)]
    cards = [
        PupilCard(
            number=n,
            name="欧阳𬱖玥",
            sex="女",
            birth_date=date(2016, 1, 1),
            class_name="三年级(1)班",
            student_number="G990***********9012",
        )
        for n in numbers
    ]
    sheet = CardSheet(
        title="学生证",
        school_name="云川县第一实验小学",
        cards=cards,
        printed_by="王小燕",
        printed_at=datetime(2026, 11, 22, 9, 5),
    )
    document = pypdfium2.PdfDocument(render_cards(sheet))
    try:
        pages = ["".join(page.get_textpage().get_text_bounded().split()) for page in document]
    finally:
        document.close()
    assert [[n for n in numbers if n in page] for page in pages] == [numbers[:8], numbers[8:]]
    assert [page.count("学校（盖章）") for page in pages] == [8, 3]


def test_list_refuses_ragged_rows_and_endless_lists() -> None:
    base = PaperList(
        title="转入学生花名册",
        org_name="云川县第一实验小学",
        columns=[ListColumn(label="序号", mm=12, centre=True), ListColumn(label="姓名")],
        rows=[("1", "王小明")],
        printed_by="陈晓",
        printed_at=NOW,
    )
    assert "转入学生花名册" in text_of(render_list(base))
    assert "本名册没有学生" in text_of(render_list(dataclasses.replace(base, rows=[])))
    with pytest.raises(ValueError, match="one text per column"):
        render_list(dataclasses.replace(base, rows=[("1",)]))
    with pytest.raises(ValueError, match="at most"):
        render_list(dataclasses.replace(base, rows=[("1", "x")] * 5001))


@pytest.mark.parametrize("steps", [4, 8])
def test_case_sheet_shows_every_opinion_with_name_and_time(steps: int) -> None:
    sheet = CaseSheet(
        title="转学办理单",
        number="ZX-990101-2026-000088",
        org_name="云川县教育局",
        status="办理中",
        student=[Fact(label="姓名", value="李一诺"), Fact(label="学籍号", value="G****0021")],
        facts=[Fact(label="申请理由", value="搬迁。" * 40, wide=True)],
        differences=[Difference(label="就读学校", before="", after="云川县第二实验小学")],
        materials=[Material(name="学生基本信息表", submitted=True), Material(name="其他", submitted=False)],
        opinions=[
            Opinion(
                step=f"第{i}步意见",
                org_name="云川县第二实验小学",
                decision="同意",
                text="经核实，学位有空余，同意接收。" * 3,
                by=f"经办{i}",
                at=NOW if i < steps else None,
            )
            for i in range(1, steps + 1)
        ],
        basis="《中小学生学籍管理办法》",
        url="https://xueji.example/cases/88",
        printed_by="赵磊",
        printed_at=NOW,
    )
    text = text_of(render_case_sheet(sheet))
    for i in range(1, steps):
        assert f"第{i}步意见" in text
        assert f"经办{i}2026-11-2211:05" in text
    assert f"经办{steps}" not in text
    assert "（盖章）" in text
    assert "（空）云川县第二实验小学" in text
    assert text.count("✓") == 1
    assert "ZX-990101-2026-000088" in text


@pytest.mark.capability("C-COL-04")
@pytest.mark.parametrize("fields", [0, 26, 40])
@pytest.mark.parametrize("filled", [True, False])
def test_collection_form_is_one_page_a_child_filled_or_blank(fields: int, filled: bool) -> None:
    value = "云川县城关街道青山社区青山路18号" if filled else ""
    form = CollectionForm(
        class_name="五年级（3）班",
        class_number="12",
        key_fields=[(f"关键{i}", "欧阳𬱖玥" if filled else "") for i in range(6)],
        fields=[(f"项目{i}", value) for i in range(fields)],
    )
    batch = CollectionBatch(
        school_name="云川县第一实验小学",
        term_name="2026-2027学年第一学期",
        forms=[form] * 3,
        printed_by="陈晓",
        printed_at=NOW,
    )
    pdf = render_collection_forms(batch)
    assert pages_of(pdf) == 3
    text = text_of(pdf)
    assert text.count("监护人签字") == 3
    assert "收集目的" in text
    assert ("欧阳𬱖玥" in text) is filled
    for i in range(fields):
        assert f"项目{i}" in text


def test_collection_form_refuses_what_one_page_cannot_hold() -> None:
    form = CollectionForm(class_name="一班", key_fields=[("姓名", "")], fields=[("x", "")] * 41)
    batch = CollectionBatch(school_name="s", term_name="t", forms=[form], printed_by="p", printed_at=NOW)
    with pytest.raises(ValueError, match="a page holds"):
        render_collection_forms(batch)
    with pytest.raises(ValueError, match="forms"):
        render_collection_forms(dataclasses.replace(batch, forms=[]))


def test_many_threads_print_the_right_person() -> None:
    results: dict[int, str] = {}

    lock = threading.Lock()  # pdfium itself is not made for threads: only the typesetting runs side by side

    def guarded(i: int) -> None:
        data = dataclasses.replace(CERTIFICATE, number=f"ZM-{i:06d}")
        pdf = render_enrolment_certificate(data)
        with lock:
            results[i] = text_of(pdf)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"ZM-{i:06d}" in results[i] for i in range(8))
