"""A package goes out, both sides work on, it comes back: what is safe is written, what clashes is decided, all is told."""

from __future__ import annotations

import io
import uuid
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.children import enrol
from tests.helpers import Place, act_as, login, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.files.models import StoredFile
from xueji.registry.intake.models import ImportBatch
from xueji.registry.offline import commands
from xueji.registry.offline.errors import OfflineError
from xueji.registry.offline.models import BackState, HandBack, OfflineItem, OfflinePackage, PackageState
from xueji.registry.people import commands as people
from xueji.registry.people import locks
from xueji.registry.people.models import Person, PersonProfile

KEY = "系统编号(勿改)"
OFFICE = ("registrar", "a1")


def text(response: Any) -> str:
    import re

    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def children(place: Place, n: int, start: int = 0) -> list[uuid.UUID]:
    return [enrol(place, name=f"离线{'甲乙丙丁戊己庚辛壬癸'[start + i]}") for i in range(n)]


def give(place: Place, person: uuid.UUID, **values: str) -> None:
    with act_as(place.user(*OFFICE)) as actor:
        people.set_profiles(actor, {person: values}, source="test")


def pack(place: Place, klass: bool = True) -> tuple[OfflinePackage, bytes]:
    with act_as(place.user(*OFFICE)) as actor:
        made = commands.make(actor, place.klass().pk if klass else None)
        return commands.take_book(actor, made.pk)


def filled(data: bytes, changes: dict[str, dict[str, Any]], *, without: str = "") -> bytes:
    """The workbook with cells changed: name of the pupil -> heading -> value; a name that is not there is a new row."""
    found = openpyxl.load_workbook(io.BytesIO(data))
    sheet = found.worksheets[0]
    head = {str(c.value).removesuffix(" *"): c.column for c in sheet[1]}
    rows = {str(sheet.cell(r, head["姓名"]).value): r for r in range(2, sheet.max_row + 1)}
    for name, values in changes.items():
        row = rows.get(name) or sheet.max_row + 1
        for label, value in values.items():
            sheet.cell(row, head[label], value)
    if without:
        sheet.delete_rows(rows[without])
    out = io.BytesIO()
    found.save(out)
    return out.getvalue()


def back_of(place: Place, package: OfflinePackage, data: bytes, name: str = "离线.xlsx") -> HandBack:
    with act_as(place.user(*OFFICE)) as actor:
        return commands.hand_back(actor, package.pk, data, name)


def found_in(back: HandBack) -> dict[tuple[str, str], OfflineItem]:
    with seeing_all():
        return {(i.name, i.field): i for i in OfflineItem.objects.filter(handback=back)}


def data_of(person: uuid.UUID) -> dict[str, Any]:
    with seeing_all():
        return PersonProfile.objects.get(pk=person).data


@pytest.mark.capability("C-SUB-09", page="/offline/")
def test_a_package_comes_back_and_is_merged_with_what_was_done_here(place: Place, client: Client) -> None:
    """The registrar of a school without network takes a class along, fills in the workbook and hands it back.
    She sees what only the sheet changed, what both changed side by side, and what needs a case; she decides.
    She ends with both copies at one and a report of every item, on paper and as a workbook.
    """
    a, b, c, d = children(place, 4)
    for person in (a, b, c, d):
        give(place, person, talents="象棋")
    office = login(client, place.user(*OFFICE))
    page = office.post("/offline/", {"class": place.klass().pk}, follow=True)
    assert "离线包已做好" in text(page)
    address = page.request["PATH_INFO"]
    out = office.get(address + "package.xlsx")
    assert out["Content-Disposition"].startswith("attachment")
    sheet = openpyxl.load_workbook(io.BytesIO(out.content)).worksheets[0]
    head = [str(x.value) for x in sheet[1]]
    assert "*" in str(sheet.cell(2, head.index("身份证件号") + 1).value)
    assert sheet.cell(2, 1).protection.locked
    # Meanwhile the platform goes on: b and d are changed here.
    give(place, b, talents="围棋")
    give(place, d, talents="武术")
    data = filled(
        out.content,
        {
            "离线甲": {"特长": "书法", "联系电话": "13800001234"},
            "离线乙": {"特长": "绘画"},
            "离线丙": {"姓名": "离线炳", "学籍状态": "休学", "联系电话": "12"},
            "新来生": {"姓名": "新来生", "性别": "女", "出生日期": "2020-05-06", "班级": "一年级(1)班"},
        },
    )
    page = office.post(address + "return/", {"file": SimpleUploadedFile("离线.xlsx", data)}, follow=True)
    told = text(page)
    assert "只有离线表改了: 2" in told, told[:3000]
    assert "两边都改了: 1" in told
    assert "要办业务才能改: 2" in told
    assert "只在离线表: 1" in told
    assert "不能采用: 1" in told
    assert "只有平台改了: 1" in told
    here = page.request["PATH_INFO"]
    # Nothing is written before somebody says so, and what is secret is never shown.
    assert data_of(a)["talents"] == "象棋"
    assert "13800001234" not in page.content.decode()
    done = office.post(here + "apply/", follow=True)
    assert "已处理 2 项" in text(done)
    assert data_of(a)["talents"] == "书法"
    assert data_of(b)["talents"] == "围棋"
    assert data_of(d)["talents"] == "武术"
    # Both values stand side by side; the clash is decided for the sheet.
    clash = text(office.get(here + "?kind=clash&decision=open"))
    for value in ("象棋", "围棋", "绘画"):
        assert value in clash
    with seeing_all():
        back = HandBack.objects.get()
    items = found_in(back)
    office.post(here + "settle/", {"take": items[("离线乙", "talents")].pk}, follow=True)
    assert data_of(b)["talents"] == "绘画"
    # State and name go through their businesses.
    page = office.post(here + "settle/", {"take": items[("离线丙", "status")].pk}, follow=True)
    assert page.redirect_chain[-1][0].startswith("/cases/"), text(page)[:1500]
    assert "休学" in text(page)
    page = office.post(here + "settle/", {"take": items[("离线丙", "name")].pk}, follow=True)
    assert "离线炳" in page.content.decode()
    with seeing_all():
        assert Person.objects.get(pk=c).name == "离线丙"
    # Who came meanwhile becomes a batch of the import; what cannot be used is put aside with a reason.
    page = office.post(
        here + "settle/", {"how": "import", "pick": items[("新来生", "")].pk, "kind": "there"}, follow=True
    )
    assert page.redirect_chain[-1][0].startswith("/import/"), text(page)[:1500]
    with seeing_all():
        batch = ImportBatch.objects.get()
        assert batch.problem == ""
        assert sum(batch.counts[k] for k in ("ok", "warning", "error")) == 1
    fault = items[("离线丙", "phone")]
    assert "请写明原因" in text(office.post(here + "settle/", {"how": "keep", "pick": fault.pk}, follow=True))
    page = office.post(here + "settle/", {"how": "keep", "pick": fault.pk, "reason": "号码抄错"}, follow=True)
    assert "两边已经一致" in text(page)
    with seeing_all():
        assert OfflinePackage.objects.get().state == PackageState.DONE
    # The report is kept and can be had at any time.
    pdf = office.get(here + "report.pdf")
    assert pdf.content.startswith(b"%PDF")
    book = openpyxl.load_workbook(io.BytesIO(office.get(here + "report.xlsx").content)).worksheets[0]
    lines = ["|".join(str(x.value or "") for x in row) for row in book.iter_rows()]
    assert any("两边都改了" in x and "绘画" in x and "采用离线表" in x for x in lines)
    assert any("只有平台改了" in x and "武术" in x for x in lines)
    assert any("号码抄错" in x for x in lines)
    assert not any("13800001234" in x for x in lines)
    with transaction.atomic(), acting("audit"):
        deeds = set(AuditEntry.objects.filter(action__startswith="offline.").values_list("action", flat=True))
        assert deeds == {
            "offline.make", "offline.download", "offline.hand_back", "offline.apply", "offline.settle", "offline.report",
        }  # fmt: skip
        assert AuditEntry.objects.get(action="offline.make").row_count == 4


@pytest.mark.capability("C-SUB-09")
def test_handing_the_same_sheet_back_again_is_harmless(place: Place) -> None:
    a, b = children(place, 2)
    give(place, a, talents="象棋")
    give(place, b, talents="象棋")
    package, data = pack(place)
    sheet = filled(data, {"离线甲": {"特长": "书法"}, "离线乙": {"特长": "绘画"}})
    give(place, b, talents="围棋")
    first = back_of(place, package, sheet)
    assert back_of(place, package, sheet).pk == first.pk
    with act_as(place.user(*OFFICE)) as actor:
        commands.apply(actor, first.pk)
        kept = found_in(first)[("离线乙", "talents")]
        assert commands.settle(actor, first.pk, [kept.pk], "keep").finished
        assert commands.hand_back(actor, package.pk, sheet, "again.xlsx").pk == first.pk
    # The platform goes on; the old sheet saved anew must not bring the old values back.
    give(place, a, talents="游泳")
    again = back_of(place, package, filled(sheet, {"离线甲": {"邮政编码": ""}}))
    assert again.pk != first.pk
    assert again.state == BackState.DONE
    assert {i.decision for i in found_in(again).values()} == {"noted"}
    assert data_of(a)["talents"] == "游泳"
    assert data_of(b)["talents"] == "围棋"
    # A later change in the copy is told from what was decided before.
    later = back_of(place, package, filled(sheet, {"离线乙": {"特长": "跳绳"}}))
    assert {(i.kind, i.there) for i in found_in(later).values() if i.decision == "open"} == {
        ("clash", "跳绳")
    }


def test_what_the_platform_changes_after_the_comparison_is_not_overwritten(place: Place) -> None:
    a, b = children(place, 2)
    give(place, a, talents="象棋")
    package, data = pack(place)
    back = back_of(place, package, filled(data, {"离线甲": {"特长": "书法"}, "离线乙": {"特长": "绘画"}}))
    give(place, a, talents="围棋")
    with act_as(place.user(*OFFICE)) as actor:
        done = commands.apply(actor, back.pk)
        assert (done.done, done.stale, done.finished) == (1, 1, False)
        one = found_in(back)[("离线甲", "talents")]
        assert (one.kind, one.here, one.there) == ("clash", "围棋", "书法")
        assert data_of(a)["talents"] == "围棋"
        assert data_of(b)["talents"] == "绘画"
        assert commands.settle(actor, back.pk, [one.pk], "take").finished
    assert data_of(a)["talents"] == "书法"


def test_a_clash_that_moved_on_is_shown_again_before_it_is_taken(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, phone="13800000001")
    package, data = pack(place)
    give(place, a, phone="13800000002")
    back = back_of(place, package, filled(data, {"离线甲": {"联系电话": "13900000003"}}))
    one = found_in(back)[("离线甲", "phone")]
    assert one.kind == "clash"
    # The masked value looks the same: only the version tells.
    give(place, a, phone="13855550002")
    with act_as(place.user(*OFFICE)) as actor:
        done = commands.settle(actor, back.pk, [one.pk], "take")
        assert (done.done, done.stale) == (0, 1)
        assert commands.settle(actor, back.pk, [one.pk], "take").done == 1


def test_who_left_is_removed_or_stands_twice_is_told_and_nothing_is_guessed(place: Place) -> None:
    a, _b, _c = children(place, 3)
    package, data = pack(place)
    late = enrol(place, name="后来生")
    sheet = filled(
        data, {"离线乙": {"特长": "绘画"}, "坏行": {KEY: "1234", "姓名": "坏行"}}, without="离线丙"
    )
    with seeing_all(), connection.cursor() as c:
        c.execute("update roster set reason = 'former' where person_id = %s", [a])
    back = back_of(place, package, sheet)
    items = found_in(back)
    assert items[("坏行", "")].kind == "fault"
    assert items[("离线丙", "")].kind == "gone"
    assert items[("离线乙", "talents")].kind == "safe"
    assert items[("离线甲", "status")].kind == "ahead"
    assert back.counts["arrived_names"] == ["后来生"]
    with act_as(place.user(*OFFICE)) as actor:
        with pytest.raises(OfflineError, match="不能采用离线表"):
            commands.settle(actor, back.pk, [items[("离线丙", "")].pk], "take")
        with pytest.raises(OfflineError, match="写明原因"):
            commands.settle(actor, back.pk, [items[("离线丙", "")].pk], "keep")
    assert late


def test_pupils_under_review_wait_and_the_rest_is_written(place: Place, monkeypatch: Any) -> None:
    a, b = children(place, 2)
    package, data = pack(place)
    back = back_of(place, package, filled(data, {"离线甲": {"特长": "书法"}, "离线乙": {"特长": "绘画"}}))
    monkeypatch.setattr(
        locks, "_locks", [lambda ids: {a: "已随 SB-1 上报, 现由青禾县教育局审核"} if a in ids else {}]
    )
    with act_as(place.user(*OFFICE)) as actor:
        done = commands.apply(actor, back.pk)
        assert (done.done, done.held, done.finished) == (1, 1, False)
    assert data_of(b)["talents"] == "绘画"
    monkeypatch.setattr(locks, "_locks", [])
    with act_as(place.user(*OFFICE)) as actor:
        assert commands.apply(actor, back.pk).finished
    assert data_of(a)["talents"] == "书法"


def test_without_its_base_everything_that_differs_is_for_a_person_to_decide(place: Place) -> None:
    (a,) = children(place, 1)
    give(place, a, talents="象棋")
    package, data = pack(place)
    with transaction.atomic(), acting("writer"):
        OfflinePackage.objects.filter(pk=package.pk).update(base_file=None)
    back = back_of(place, package, filled(data, {"离线甲": {"特长": "书法"}}))
    assert found_in(back)[("离线甲", "talents")].kind == "clash"
    with act_as(place.user(*OFFICE)) as actor, pytest.raises(OfflineError, match="请重新制作"):
        commands.take_book(actor, package.pk)


def test_another_package_an_ended_one_and_another_school_are_refused(place: Place, client: Client) -> None:
    children(place, 1)
    package, data = pack(place)
    other, _data = pack(place, klass=False)
    with act_as(place.user(*OFFICE)) as actor:
        with pytest.raises(OfflineError, match=f"这是离线包 {package.pk} 的表"):
            commands.hand_back(actor, other.pk, data, "x.xlsx")
        commands.end(actor, other.pk, "电脑遗失")
        with pytest.raises(OfflineError, match="已作废"):
            commands.hand_back(actor, other.pk, data, "x.xlsx")
    back = back_of(place, package, data)
    assert back.state == BackState.DONE
    stranger = login(client, place.user("registrar", "b1"))
    for path in (
        f"/offline/{package.pk}/",
        f"/offline/returns/{back.pk}/",
        f"/offline/returns/{back.pk}/report.pdf",
    ):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"/offline/{package.pk}/end/", {"why": "不用了"}).status_code == 404
    county = login(Client(), place.user("county_clerk", "a"))
    assert county.get(f"/offline/returns/{back.pk}/").status_code == 200
    assert county.post(f"/offline/{package.pk}/end/", {"why": "不用了"}).status_code == 403
    assert login(Client(), place.user("class_teacher", "a1")).get("/offline/").status_code == 403


def test_statements_do_not_grow_and_what_is_kept_is_sealed(place: Place) -> None:
    counts = []
    for n, start in ((2, 0), (6, 2)):
        children(place, n, start)
        with act_as(place.user(*OFFICE)) as actor, CaptureQueriesContext(connection) as seen:
            made = commands.make(actor, place.klass().pk)
            _package, data = commands.take_book(actor, made.pk)
            names = [f"离线{x}" for x in "甲乙丙丁戊己庚辛壬癸"[: start + n]]
            sheet = filled(data, {name: {"特长": f"书法{n}"} for name in names})
            back = commands.hand_back(actor, made.pk, sheet, "离线.xlsx")
            assert commands.apply(actor, back.pk).finished
        counts.append(len(seen))
    assert counts[0] == counts[1], counts
    assert counts[0] <= 120
    from xueji.ground.files import storage

    with seeing_all():
        for file in StoredFile.objects.filter(purpose="import"):
            assert "离线甲".encode() not in storage.read(file.sha256)
            assert file.readers == []
