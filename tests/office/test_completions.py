"""Certificates of the compulsory stages: who gets one, under which number, and that the county sealed them."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from tests.helpers import act_as, login, make_county
from tests.registry.yearly.world import begin, graduated, graduates, pass_all, send

from xueji.office.certificates import commands, completions
from xueji.office.certificates.errors import CertificateRefused
from xueji.registry.yearly import commands as yearly
from xueji.registry.yearly.errors import YearlyError
from xueji.registry.yearly.queries import Filters

pytestmark = pytest.mark.django_db


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages))


def cells(data: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    return [[c.value for c in row] for row in sheet.iter_rows()]


@pytest.mark.capability("C-GRA-04", page="/yearly/lists/")
def test_the_list_of_certificates_names_all_with_numbers_given_out_and_room_for_seal_and_signature(
    client: Client,
) -> None:
    place = make_county()
    row, people = graduated(place, 3)
    with act_as(place.user("registrar", "a1")) as actor:
        proof = commands.issue(actor, people[1], kind="graduation", purpose="升学")
        revoked = commands.issue(actor, people[2], kind="graduation", purpose="升学")
        commands.revoke(actor, revoked.pk, reason="打印有误, 重新开具")
    who = login(client, place.user("registrar", "a1"))
    assert row.number is not None
    page = who.get(f"/yearly/lists/{row.list_id}/").content.decode()
    found = re.search(r'href="([^"]+/completion\.pdf[^"]*)"', page)
    assert found is not None
    text = text_of(who.get(found[1].replace("&amp;", "&")).content)
    for words in (
        "小学毕业证书发放名册", "安然", "白露", "领取人签字", "县级教育行政部门验印", "毕业", proof.number, row.number, "未验印",
    ):  # fmt: skip
        assert words in text, words
    assert revoked.number not in text
    lines = cells(who.get(f"/yearly/lists/{row.list_id}/completion.xlsx").content)
    numbers = {line[3]: line[1] for line in lines if line[3]}
    assert numbers["白露"] == proof.number
    assert not numbers["安然"]
    with act_as(place.user("county_clerk", "a")) as actor:
        copy = completions.gather(actor, row.list_id, Filters())
    # What a school gives out is its own paper: the county's copy says where the numbers stand, and counts none.
    assert [r[1] for r in copy.rows] == ["", "", ""]
    assert ("已编号", "见学校打印的名册") in copy.facts


@pytest.mark.capability("C-CER-03")
@pytest.mark.capability("C-GRA-04")
def test_the_county_confirms_the_seal_once_and_the_list_says_who_and_when(client: Client) -> None:
    place = make_county()
    row, _people = graduated(place, 2)
    address = f"/yearly/lists/{row.list_id}/"
    school = login(Client(), place.user("registrar", "a1"))
    assert "/seal/" not in school.get(address).content.decode()
    assert school.post(address + "seal/").status_code == 403
    clerk = place.user("county_clerk", "a")
    county = login(client, clerk)
    assert "确认验印" in county.get(address).content.decode()
    assert county.post(address + "seal/").status_code == 303
    page = county.get(address).content.decode()
    assert "确认验印" not in page
    assert "证书已验印" in page
    with act_as(clerk) as actor:
        assert actor.user_name in completions.gather(actor, row.list_id, Filters()).seal
        assert len(completions.gather(actor, row.list_id, Filters()).rows) == 2
        with pytest.raises(YearlyError, match="已经验印"):
            yearly.confirm_seal(actor, list_id=row.list_id)
    with act_as(place.user("county_clerk", "b")) as actor, pytest.raises(Http404):
        yearly.confirm_seal(actor, list_id=row.list_id)
    with act_as(place.user("city_clerk", "city1")) as actor, pytest.raises(PermissionDenied):
        yearly.confirm_seal(actor, list_id=row.list_id)


def test_before_the_list_is_approved_nobody_gets_a_certificate() -> None:
    place = make_county()
    graduates(place, 2)
    row = begin(place)
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CertificateRefused, match="生效"):
        completions.gather(actor, row.list_id, Filters())


def test_a_child_whose_graduation_was_rolled_back_is_no_longer_on_it() -> None:
    place = make_county()
    row, people = graduated(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        back = yearly.create_undo(actor, list_id=row.list_id, person_ids=[people[0]], reason="成绩登记有误")
    send(place, back)
    pass_all(place, back)
    with act_as(place.user("registrar", "a1")) as actor:
        assert [r[3] for r in completions.gather(actor, row.list_id, Filters()).rows] == ["白露"]
