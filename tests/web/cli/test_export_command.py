"""`xueji export`: a city's file, applied for, consented to by the province's leader, made at the data centre."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.test import Client
from tests.children import enrol
from tests.helpers import Place, act_as, login, make_county
from tests.office.outgoing import ask, grant, promise, review
from tests.registry.changes.world import picture

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.office.exports import commands
from xueji.office.exports.errors import ExportRefused
from xueji.office.exports.models import ExportRequest
from xueji.web.cli import exporting
from xueji.web.cli.boot import Refused
from xueji.web.cli.main import _parser

pytestmark = pytest.mark.django_db
CENTRE = "省级数据中心"


@pytest.fixture
def place() -> Place:
    return make_county()


def city(place: Place) -> ExportRequest:
    """A city's application that its own head has granted."""
    row = ask(place, "city_clerk", "city1", fields=["name", "birth_date"], receiver="市招生考试中心")
    review(place, row, "city_clerk", "city1")
    grant(place, row, "city_head", "city1")
    promise(place, row, "city_clerk", "city1")
    return row


def run(row: ExportRequest, path: Path, user: str, where: str = CENTRE) -> int:
    return exporting.run(
        _parser().parse_args(["export", str(row.number), str(path), "--as", user, "--place", where]), print
    )


def consent(place: Place, row: ExportRequest) -> None:
    with act_as(place.user("province_head", "province")) as actor:
        commands.consent(actor, row.pk, data=picture(), name="书面同意.jpg")


@pytest.mark.rule("NAT-EXP-09")
@pytest.mark.capability("C-EXP-02", page="/exports/")
def test_a_citys_file_is_made_by_the_administrator_after_the_leader_consented(
    place: Place, tmp_path: Path
) -> None:
    """The city's clerk applies and its head allows; the province's leader reads it and uploads the signed consent; the
    database's administrator makes the file at the data centre; the audit names all of them, and how many."""
    enrol(place, "a1", name="苏晴川")
    enrol(place, "c1", name="顾长风")
    row = city(place)
    admin = place.user("system_admin", "province")
    clerk = login(Client(), place.user("city_clerk", "city1"))
    page = clerk.get(f"/exports/{row.pk}/").content.decode()
    assert "等待省级教育行政部门负责人书面同意" in page
    assert "导出 Excel" not in page
    with (
        act_as(place.user("city_clerk", "city1")) as actor,
        pytest.raises(ExportRefused, match="数据库管理员"),
    ):
        commands.make(actor, row.pk)
    with pytest.raises(Refused, match="第八条"):
        run(row, tmp_path / "a.xlsx", admin.username)
    leader = login(Client(), place.user("province_head", "province"))
    assert "待书面同意" in leader.get("/").content.decode()
    assert "书面同意后台导出" in leader.get(f"/exports/{row.pk}/").content.decode()
    leader.post(f"/exports/{row.pk}/consent/", {})
    with pytest.raises(Refused, match="第八条"):
        run(row, tmp_path / "b.xlsx", admin.username)
    consent(place, row)
    with pytest.raises(Refused, match="第八条"):
        run(row, tmp_path / "c.xlsx", admin.username, "市局机房")
    with pytest.raises(Refused, match="不是系统管理员"):
        run(row, tmp_path / "d.xlsx", place.user("city_clerk", "city1").username)
    with pytest.raises(Refused, match="不能写入"):
        run(row, tmp_path / "none" / "e.xlsx", admin.username)
    assert run(row, tmp_path / "e.xlsx", admin.username) == 0
    assert not (tmp_path / "a.xlsx").exists()
    assert (tmp_path / "e.xlsx").stat().st_mode & 0o077 == 0, "the administrator's alone"
    found = {str(c.value) for r in openpyxl.load_workbook(tmp_path / "e.xlsx").active.iter_rows() for c in r}
    assert "苏晴川" in found
    assert "顾长风" not in found, "what the city sees"
    assert any(admin.display_name in x for x in found)
    with pytest.raises(Refused, match="已有文件"):
        run(row, tmp_path / "e.xlsx", admin.username)
    with transaction.atomic(), acting("audit"):
        [noted] = AuditEntry.objects.filter(action="export.file")
    assert (noted.after["executor"], noted.after["place"], noted.row_count) == (admin.display_name, CENTRE, 1)
    assert "后台导出" in clerk.get(f"/exports/{row.pk}/").content.decode()
    assert admin.display_name in clerk.get(f"/exports/{row.pk}/").content.decode()


@pytest.mark.rule("NAT-EXP-07")
@pytest.mark.capability("C-EXP-02")
def test_schools_and_counties_have_no_back_end_export(place: Place, tmp_path: Path) -> None:
    row = ask(place, fields=["name"])
    review(place, row)
    grant(place, row)
    promise(place, row)
    with pytest.raises(Refused, match="第七条"):
        run(row, tmp_path / "a.xlsx", place.user("system_admin", "province").username)
    with pytest.raises(Refused, match="没有编号"):
        row.number = "DC2026-1-1"
        run(row, tmp_path / "a.xlsx", place.user("system_admin", "province").username)


def test_nobody_but_the_own_provinces_leader_consents(place: Place) -> None:
    row = city(place)
    with act_as(place.user("province_clerk", "province")) as actor, pytest.raises(PermissionDenied):
        commands.consent(actor, row.pk, data=picture(), name="a.jpg")
    # Heads of other levels: the same answer whether there is such an application or not.
    for who in (("city_head", "city1"), ("city_head", "city2")):
        with act_as(place.user(*who)) as actor, pytest.raises(Http404):
            commands.consent(actor, row.pk, data=picture(), name="a.jpg")
    other = make_county("x")
    with act_as(other.user("province_head", "province")) as actor, pytest.raises(Http404):
        commands.consent(actor, row.pk, data=picture(), name="a.jpg")
    consent(place, row)
    with pytest.raises(ExportRefused):
        consent(place, row)
