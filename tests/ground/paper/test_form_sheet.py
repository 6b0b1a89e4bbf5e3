"""Forms of old: copies, opinions, places for seals, and names that are never markup."""

from __future__ import annotations

import io
import re
from datetime import datetime

import pypdf
import pytest

from xueji.ground.paper.case_sheet import Difference, Fact, Opinion
from xueji.ground.paper.fonts import MissingGlyphs
from xueji.ground.paper.form_sheet import FormSheet, OpinionBox, render_form

AT = datetime(2026, 11, 22, 9, 5)


def form(**changes: object) -> FormSheet:
    values: dict[str, object] = {
        "title": "学生转学申请表",
        "number": "ZX-2026-990101-000001",
        "org_name": "青禾县第一小学",
        "copies": ("第一联　转出学校存", "第二联　转入学校存"),
        "student": [Fact(label="姓名", value="赵小满"), Fact(label="性别", value="男")],
        "asked": [Fact(label="原因", value="家庭住址变动", wide=True)],
        "differences": [Difference(label="姓名", before="赵小满", after="赵大满")],
        "materials": ["学生基本信息表"],
        "statement": "所填内容真实有效。",
        "boxes": [
            OpinionBox(
                name="学校意见",
                org_name="学校负责人",
                opinions=[
                    Opinion(step="负责人", org_name="", decision="核办通过", text="同意", by="钱某", at=AT)
                ],
            ),
            OpinionBox(name="主管部门意见", org_name="主管部门经办"),
        ],
        "url": "https://xueji.example/cases/1/",
        "printed_by": "青禾县第一小学 李某",
        "printed_at": AT,
    }
    return FormSheet(**(values | changes))  # type: ignore[arg-type]


def words(pdf: bytes) -> str:
    return re.sub(r"\s+", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages))


@pytest.mark.capability("C-CHG-05")
def test_each_copy_is_a_page_with_all_that_was_said_and_room_for_what_was_not() -> None:
    pdf = render_form(form())
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 2
    text = words(pdf)
    for word in (
        "第一联",
        "第二联",
        "赵大满",
        "核办通过，同意",
        "钱某",
        "2026-11-2209:05",
        "经办人：",
        "（盖章）",
    ):
        assert word in text
    assert render_form(form()) == pdf


def test_a_proof_is_a_letter_with_its_issuer_and_day() -> None:
    text = words(
        render_form(
            form(
                title="同意接收证明",
                copies=("存根", "正本"),
                paragraphs=["我校同意接收。", "特此证明。"],
                issuer="临川县小学",
                issued_on="2026年11月22日",
            )
        )
    )
    assert "我校同意接收" in text
    assert "临川县小学（盖章）" in text
    assert "监护人（签字）" not in text


def test_names_are_printed_never_run_and_missing_glyphs_are_told() -> None:
    assert '#panic("x")' in words(render_form(form(org_name='#panic("x")')))
    rare = render_form(form(student=[Fact(label="姓名", value="王㙓䶮")]))
    assert "王" in words(rare)
    with pytest.raises(MissingGlyphs):
        render_form(form(student=[Fact(label="姓名", value="王\U000e0fff")]))
    with pytest.raises(ValueError, match="copies"):
        render_form(form(copies=()))
