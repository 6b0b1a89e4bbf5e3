"""What a graduate takes along: the proof with its code, the register and the form of the school."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from tests.helpers import act_as, make_county
from tests.registry.yearly.world import graduated

from xueji.office.certificates import commands, paper, queries
from xueji.office.certificates.errors import CertificateRefused
from xueji.registry.yearly import books
from xueji.registry.yearly import queries as yearly

pytestmark = pytest.mark.django_db


def words(pdf: bytes) -> str:
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.mark.capability("C-CER-02")
def test_a_graduate_gets_a_proof_that_can_be_verified() -> None:
    place = make_county()
    row, people = graduated(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        with pytest.raises(CertificateRefused, match="毕业"):
            commands.issue(actor, people[0], purpose="升学")
        proof = commands.issue(actor, people[0], kind="graduation", purpose="升学")
        text = words(paper.render(proof))
    assert "毕业证明" in text
    assert "准予毕业" in text
    assert "2020" in text
    assert row.number in text
    assert queries.state_of(proof) == "valid"


@pytest.mark.capability("C-GRA-08")
def test_the_register_and_the_forms_of_a_list_are_printed_by_school_and_county() -> None:
    place = make_county()
    row, people = graduated(place, 3)
    for who in (("registrar", "a1"), ("school_head", "a1"), ("county_clerk", "a")):
        with act_as(place.user(*who)) as actor:
            data, name = books.register_pdf(actor, row.list_id, yearly.Filters())
            text = words(data)
            assert name.endswith(".pdf")
            assert "毕业名册" in text
            assert "安然" in text
            sheet, _name = books.register_xlsx(actor, row.list_id, yearly.Filters())
            assert sheet[:2] == b"PK"
            one, _name = books.forms_pdf(actor, row.list_id, yearly.Filters(), people[1])
            assert len(PdfReader(io.BytesIO(one)).pages) == 1
            assert "小学毕业生登记表" in words(one)
            assert "白露" in words(one)
            everybody, _name = books.forms_pdf(actor, row.list_id, yearly.Filters(), None)
            assert len(PdfReader(io.BytesIO(everybody)).pages) == 3


@pytest.mark.capability("C-GRA-06")
def test_the_sheet_of_destinations_names_everybody() -> None:
    import openpyxl

    place = make_county()
    row, _people = graduated(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        data, name = books.destinations_xlsx(actor, row.list_id)
    assert "升学情况名册" in name
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    cells = [str(c.value) for line in sheet.iter_rows() for c in line if c.value]
    assert cells.count("未登记") == 2
