"""What may be uploaded, what becomes of it, who may open it."""

from __future__ import annotations

import io
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from PIL import Image
from tests.helpers import Place, act_as, login, make_county
from tests.registry.changes.world import PDF, picture

from xueji.ground.audit.models import AuditEntry
from xueji.ground.db.scope import acting
from xueji.ground.files import commands, queries, storage
from xueji.ground.files.content import LIMIT, FileRefused, clean, safe_name
from xueji.ground.files.models import StoredFile


def keep(place: Place, data: bytes, name: str = "证明.jpg") -> StoredFile:
    """A file of school a1."""
    with act_as(place.user("registrar", "a1")) as actor:
        return commands.store(actor, data, name=name, purpose="evidence", readers=[place.org("a1").pk])


def test_a_picture_is_drawn_anew_without_place_and_device() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    Image.new("RGB", (400, 300), "red").save(buffer, "JPEG", exif=exif, comment=b"hidden")
    found = clean(buffer.getvalue(), "a.png")
    assert (found.mime, found.name) == ("image/jpeg", "a.jpg")
    assert b"SecretPhone" not in found.data
    assert b"hidden" not in found.data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00 program", "type"),
        (b"<html><script>alert(1)</script>", "type"),
        (b"PK\x03\x04 archive", "type"),
        (b"%PDF-1.7\n cut off", "broken"),
        (b"%PDF-1.4\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj\n%%EOF", "active"),
        (b"%PDF-1.4\n<</Type/EmbeddedFile>>\n%%EOF", "active"),
        (b"\xff\xd8\xff\xe0 not a picture", "broken"),
        (picture(100, 100), "too_small"),
        (b"%PDF-" + b"0" * LIMIT, "too_large"),
    ],
)
def test_what_is_not_a_picture_or_a_plain_pdf_is_refused_with_words(data: bytes, code: str) -> None:
    with pytest.raises(FileRefused) as error:
        clean(data, "evil.jpg")
    assert error.value.code == code
    assert len(error.value.message) > 5


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\temp\\户口簿.exe", "户口簿.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie  x.pdf"),
        ("\u202efdp.exe", "fdp.pdf"),
        ("", "材料.pdf"),
        ("长" * 300 + ".pdf", "长" * 120 + ".pdf"),
    ],
)
def test_names_lose_paths_and_tricks(name: str, kept: str) -> None:
    assert safe_name(name, "application/pdf") == kept


@pytest.mark.django_db
def test_the_same_content_is_kept_once_and_goes_with_its_last_row(
    django_capture_on_commit_callbacks: object,
) -> None:
    place = make_county()
    data = PDF + uuid.uuid4().bytes.hex().encode() + b"\n%%EOF"
    one, two = keep(place, data, "a.pdf"), keep(place, data, "b.pdf")
    assert one.sha256 == two.sha256
    path = storage.path_of(one.sha256)
    for file, left in ((one, True), (two, False)):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            with act_as(place.user("registrar", "a1")) as actor:
                commands.discard(actor, file.pk)
        assert path.exists() is left


@pytest.mark.django_db
def test_bytes_that_no_row_names_go_after_two_days(tmp_path: Path, settings: Any) -> None:
    """An upload whose transaction was undone leaves a child's papers on the disk: they must not stay there."""
    settings.FILES_DIR = tmp_path
    place = make_county()
    kept = keep(place, PDF + b"kept\n%%EOF")
    orphan, fresh = storage.write(b"undone"), storage.write(b"under way")
    part = storage.path_of(orphan).with_name(storage.PART + "x")
    part.write_bytes(b"half")
    for path in (storage.path_of(kept.sha256), storage.path_of(orphan), part):
        os.utime(path, (time.time() - 3 * 86400,) * 2)
    assert commands.sweep() == 1
    assert [storage.path_of(d).exists() for d in (kept.sha256, orphan, fresh)] == [True, False, True]
    assert not part.exists()
    assert commands.sweep() == 0


def test_bytes_stay_for_whoever_stores_them_while_another_row_goes(
    own_database: str, tmp_path: Path, settings: Any
) -> None:
    settings.FILES_DIR = tmp_path
    place = make_county()
    data = PDF + b"same\n%%EOF"
    first = keep(place, data)
    stored, gone = threading.Event(), threading.Event()

    def again() -> None:
        try:
            with act_as(place.user("registrar", "a1")) as actor:
                commands.store(actor, data, name="b.pdf", purpose="evidence", readers=[place.org("a1").pk])
                stored.set()
                gone.wait(0.5)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(again)
        assert stored.wait(10)
        with act_as(place.user("registrar", "a1")) as actor:
            commands.discard(actor, first.pk)
        gone.set()
        second.result(10)
    assert storage.path_of(first.sha256).exists()


@pytest.mark.django_db
def test_the_audit_does_not_repeat_what_a_file_is_called() -> None:
    """People name files after children and their numbers; administrators who read the audit see no student data."""
    place = make_county()
    file = keep(place, picture(), "张三110101201903070011.jpg")
    with act_as(place.user("registrar", "a1")) as actor:
        commands.discard(actor, file.pk)
    with act_as(place.user("registrar", "a1")), acting("audit"):
        for entry in AuditEntry.objects.filter(object_id=str(file.pk)):
            assert "张三" not in repr((entry.before, entry.after))


def test_only_a_digest_leads_to_the_disk() -> None:
    for wrong in ("../../etc/passwd", "", "A" * 64, "0" * 63):
        with pytest.raises(ValueError):
            storage.path_of(wrong)


@pytest.mark.django_db
def test_a_file_leaves_as_an_attachment_and_leaves_a_trace(client: Client) -> None:
    place = make_county()
    file = keep(place, picture())
    login(client, place.user("registrar", "a1"))
    answer = client.get(f"/files/{file.pk}/")
    assert answer.status_code == 200
    assert answer.content == queries.read(file)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    with act_as(place.user("registrar", "a1")), acting("audit"):
        assert AuditEntry.objects.filter(action="files.open", object_id=str(file.pk)).count() == 1
    thumb = client.get(f"/files/{file.pk}/thumb/")
    with Image.open(io.BytesIO(thumb.content)) as image:
        assert max(image.size) <= 240
    assert client.post(f"/files/{file.pk}/").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize(
    "who", [("registrar", "b1"), ("county_clerk", "b"), ("system_admin", "province"), ("parent", "")]
)
def test_strangers_find_no_file(client: Client, who: tuple[str, str]) -> None:
    place = make_county()
    file = keep(place, picture())
    login(client, place.user(*who))
    assert client.get(f"/files/{file.pk}/").status_code == 404
    assert client.get(f"/files/{file.pk}/thumb/").status_code == 404
    assert client.get(f"/files/{uuid.uuid4()}/").status_code == 404


@pytest.mark.django_db
def test_a_pdf_has_no_thumbnail(client: Client) -> None:
    place = make_county()
    file = keep(place, PDF, "a.pdf")
    login(client, place.user("registrar", "a1"))
    assert client.get(f"/files/{file.pk}/thumb/").status_code == 404
    answer = client.get(f"/files/{file.pk}/")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content == PDF  # as somebody brought it: not signed as a paper of ours


@pytest.mark.django_db
def test_nobody_is_served_without_signing_in(client: Client) -> None:
    place = make_county()
    file = keep(place, picture())
    assert client.get(f"/files/{file.pk}/").status_code == 302
