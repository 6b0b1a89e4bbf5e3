"""The round trip of a class list: out with what is kept, back with the gaps filled, nothing else touched."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.helpers import Place, act_as, login, seeing_all

from xueji.ground.audit.models import AuditEntry
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.registry.intake import commands, updating
from xueji.registry.intake.errors import IntakeError
from xueji.registry.intake.models import BatchState
from xueji.registry.people.models import Person, PersonProfile

from .sheets_for_tests import body, book, put
from .test_pages import text


def enrolled(place: Place, count: int, *, start: int = 0) -> int:
    """A class of a1 with children of whom the talents are not known; returns its id."""
    rows = body(count, place.org("a1").code, start=start)
    for at in range(count):
        put(rows, at, talents="", entry_month="202609", class_no="1")
    with act_as(place.user("registrar", "a1")) as actor:
        batch = commands.upload(actor, book(rows), "新生.xlsx", inline=True)
        commands.publish(actor, batch.id)
    return place.klass("a1").pk


def filled(data: bytes, changes: dict[int, dict[str, Any]]) -> bytes:
    """The workbook with cells changed: line (from 0) -> heading -> value."""
    found = openpyxl.load_workbook(io.BytesIO(data))
    sheet = found.worksheets[0]
    head = {str(c.value).removesuffix(" *"): c.column for c in sheet[1]}
    for line, values in changes.items():
        for label, value in values.items():
            sheet.cell(line + 2, head[label], value)
    out = io.BytesIO()
    found.save(out)
    return out.getvalue()


@pytest.mark.capability("C-COL-05")
@pytest.mark.capability("C-COL-07")
def test_a_class_list_goes_out_and_comes_back_completed(place: Place, client: Client) -> None:
    """The registrar completes a class: she takes its list, fills the gaps and brings it back.

    She sees before and after of every field, the rows that are refused and why, and confirms.
    Matched pupils are changed with an entry each in the audit; nobody else is touched.
    """
    klass = enrolled(place, 5)
    login(client, place.user("registrar", "a1"))
    assert "2026级" in text(client.get("/import/update/")) or "一年级" in text(client.get("/import/update/"))
    out = client.get(f"/import/update/book.xlsx?class={klass}")
    assert out.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(out.content)).worksheets[0]
    head = [str(c.value) for c in sheet[1]]
    first = {h: sheet.cell(2, n).value for n, h in enumerate(head, start=1)}
    assert "*" in str(first["身份证件号"])
    assert sheet.cell(2, head.index("身份证件号") + 1).protection.locked
    assert not sheet.cell(2, head.index("联系电话") + 1).protection.locked
    assert "*" in str(first["联系电话"])
    other = str(sheet.cell(3, 1).value)
    data = filled(
        out.content,
        {
            0: {"特长": "围棋", "联系电话": "13800001234"},
            1: {"姓名": "改了名字", "特长": "武术"},
            2: {"特长": "武术", "联系电话": "12"},
            3: {"系统编号(勿改)": "00000000-0000-0000-0000-000000000000", "特长": "武术"},
        },
    )
    page = client.post("/import/update/", {"file": SimpleUploadedFile("补全表.xlsx", data)}, follow=True)
    told = text(page)
    assert "1 名学生的信息会更新, 3 行没有更新, 1 名没有改动" in told
    assert "特长: (空) → 围棋" in told
    assert "13800001234" not in told
    assert "关键信息不能用表格修改" in told
    assert f"/cases/new/?person={other}" in page.content.decode()
    assert "系统编号对不上本校在读的学生" in told
    with seeing_all():
        before = {p.person_id: (p.data, bytes(p.sealed)) for p in PersonProfile.objects.all()}
    address = page.request["PATH_INFO"]
    assert "请刷新后重新确认" in text(client.post(address + "apply/", {"expected": "4"}, follow=True))
    done = client.post(address + "apply/", {"expected": "1"}, follow=True)
    assert "已更新 1 名学生" in text(done)
    with seeing_all():
        changed = [p for p in PersonProfile.objects.all() if (p.data, bytes(p.sealed)) != before[p.person_id]]
        assert [str(p.person_id) for p in changed] == [str(first["系统编号(勿改)"])]
        assert changed[0].data["talents"] == "围棋"
        secret = vault.open_json(changed[0].sealed, f"person_profile.sealed:{changed[0].person_id}")
        assert secret["phone"] == "13800001234"
        assert secret["current_address"].startswith("云岭省")
        assert not Person.objects.filter(name="改了名字").exists()
    with transaction.atomic(), acting("audit"):
        entry = AuditEntry.objects.get(action="people.profile.set", person_id=changed[0].person_id)
        assert entry.before["talents"] == ""
        assert entry.after["talents"] == "围棋"
        assert "13800001234" not in str(entry.after)
        assert AuditEntry.objects.filter(action="intake.update_book").count() == 1


def test_a_list_that_comes_back_as_it_went_changes_nothing(place: Place) -> None:
    klass = enrolled(place, 4)
    with act_as(place.user("registrar", "a1")) as actor:
        data, _title = commands.update_book(actor, klass)
        batch = commands.bring_update(actor, data, "补全表.xlsx")
        assert (batch.kind, batch.state) == ("update", BatchState.CHECKED)
        assert (batch.counts["ok"], batch.counts["error"], batch.counts["unchanged"]) == (0, 0, 4)
        with pytest.raises(IntakeError, match="没有要更新的内容"):
            commands.apply_update(actor, batch.pk, expected=0)


def test_another_schools_pupils_and_sheets_are_refused(place: Place) -> None:
    klass = enrolled(place, 2)
    with act_as(place.user("registrar", "a1")) as actor:
        data, _title = commands.update_book(actor, klass)
    with act_as(place.user("registrar", "a2")) as actor:
        found = commands.plan_of(
            actor, commands.bring_update(actor, filled(data, {0: {"特长": "围棋"}}), "x.xlsx")
        )
        assert (len(found.good), len(found.refused)) == (0, 2)
        with pytest.raises(IntakeError, match="没有“系统编号”列|没有找到"):
            commands.bring_update(actor, book(body(2, place.org("a2").code)), "新生.xlsx")


def test_a_masked_value_is_never_written(place: Place) -> None:
    klass = enrolled(place, 1)
    with act_as(place.user("registrar", "a1")) as actor:
        data, _title = commands.update_book(actor, klass)
        batch = commands.bring_update(actor, filled(data, {0: {"联系电话": "138****9999"}}), "x.xlsx")
        found = commands.plan_of(actor, batch)
        assert (found.good, len(found.refused)) == ([], 1)


def test_statements_of_the_round_trip_do_not_grow_with_the_class(place: Place) -> None:
    counts = []
    # The class grows to 10, 100 and 1,000 pupils, who go out and come back in one sheet.
    for n, start in ((10, 0), (90, 100), (900, 1_000)):
        klass = enrolled(place, n, start=start)
        with act_as(place.user("registrar", "a1")) as actor, CaptureQueriesContext(connection) as seen:
            data, _title = commands.update_book(actor, klass)
            size = len(updating.pupils(actor, actor.org_id or 0, class_id=klass))
            batch = commands.bring_update(
                actor, filled(data, {at: {"特长": f"围棋{n}"} for at in range(size)}), "x.xlsx"
            )
            assert commands.apply_update(actor, batch.pk, expected=size) == size
        counts.append(len(seen))
    assert counts[0] == counts[1] == counts[2]
