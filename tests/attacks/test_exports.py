"""Files that leave: no text becomes a formula, none is shown inside the site, names of files are names only.

Asked of every address that answers with a file, with names that somebody might have typed to do harm.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from tests.attacks import uploads
from tests.attacks.addresses import ADDRESSES, PUBLIC, Address, objects
from tests.attacks.test_site import PERSONAS, ask, fill
from tests.attacks.test_tricks import of
from tests.attacks.world import World
from tests.helpers import act_as, login, seeing_all
from tests.registry.intake.sheets_for_tests import body, book, put

from xueji.registry.intake import commands as intake
from xueji.web.layout.headers import FILE_POLICY

PLANTED = (
    "=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=HYPERLINK(1)",
    '=1+1";x="', "＝1+1", "=../..\\x",
)  # fmt: skip
FORMS = ("", "form=xlsx", "form=pdf", "form=csv")
FILES = [n for n, a in ADDRESSES.items() if re.search(r"\.(xlsx|pdf|csv|zip|toml|json)|/file/", a.path)]
START = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plant(world: World, text: str) -> None:
    """Give every child, relative, school, account and case a name that a spreadsheet could take for a formula."""
    with seeing_all(), connection.cursor() as c:
        for statement in (
            "update roster set name = %s",
            "update person set name = %s",
            "update guardian set name = %s",
            "update org set name = %s, short_name = %s where kind = 'school'",
            "update account_user set display_name = %s",
        ):
            c.execute(statement, [text] * statement.count("%s"))


def answers(world: World, name: str, address: Address) -> list[tuple[str, Any]]:
    """The files that anybody gets from an address, in every form that it may have."""
    out = []
    for persona in (p for p in PERSONAS if address.permission == PUBLIC or address.may(p[0])):
        client = login(Client(raise_request_exception=False), world.place.user(*persona))
        for values, key in objects(world, address)[: -1 if address.about else None]:
            for form in FORMS if "file" in name or "form=" in address.path else FORMS[:1]:
                path = fill(address, values)
                path = (
                    re.sub(r"form=\w+", form, path)
                    if "form=" in path
                    else path + (f"?{form}" if form else "")
                )
                data = {"purpose": "核对名单用"} | dict(address.data)
                answer = ask(client, "POST" if address.post else "GET", path, data)
                if answer.status_code == 200 and not answer["Content-Type"].startswith("text/html"):
                    out.append((f"{name} {persona[0]} {key} {form}", answer))
            if out:
                return out
    return out


def faults_of(where: str, answer: Any, formula: str) -> list[str]:
    """What is wrong with a file that leaves."""
    out = []
    data, disposition = answer.content, answer.headers.get("Content-Disposition", "")
    if (
        not disposition.startswith("attachment")
        or answer.headers.get("Content-Security-Policy") != FILE_POLICY
    ):
        out.append("may be opened inside the site")
    if set("\r\n\x00") & set(disposition) or disposition.count("filename") > 1:
        out.append(f"name of the file {disposition!r}")
    called = unquote(disposition.partition("filename")[2].lstrip("*=utfUTF8-'").strip('"'))
    if set("/\\\r\n\t") & set(called) or called.startswith((".", "=", "+", "-", "@")):
        out.append(f"name of the file {called!r}")
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            odd = [
                n
                for n in z.namelist()
                if re.search(r"externalLink|vbaProject|activeX|embeddings|connections", n)
            ]
            links = [
                n
                for n in z.namelist()
                if n.endswith(".xml") and re.search(rb"<hyperlink |<f>|<f |DDE", z.read(n))
            ]
        if odd or [n for n in links if "worksheets" in n or "externalLink" in n]:
            out.append(f"carries {odd or links}")
        if "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(data)).namelist():
            for row in (
                r for s in openpyxl.load_workbook(io.BytesIO(data)).worksheets for r in s.iter_rows()
            ):
                for cell in row:
                    text = cell.value
                    if cell.data_type == "f":
                        out.append(f"{cell.coordinate} is a formula")
                    elif (
                        isinstance(text, str)
                        and text.startswith(START[:7])
                        and not cell.quotePrefix
                        and cell.row > 1
                    ):
                        out.append(f"{cell.coordinate} {text[:20]!r} becomes a formula when it is edited")
    elif answer["Content-Type"].startswith("text/csv"):
        for line in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
            out += [f"cell {c[:20]!r}" for c in line if c.startswith(START)]
    return [f"{where}: {x}" for x in dict.fromkeys(out)]


@pytest.mark.capability("C-SEC-02")
@pytest.mark.parametrize("formula", PLANTED)
def test_no_file_runs_what_somebody_typed_as_a_name(site: World, formula: str) -> None:
    plant(site, formula)
    found, faults = set(), []
    for name in FILES:
        if "pdf" in ADDRESSES[name].path and formula != PLANTED[0]:
            continue
        for where, answer in answers(site, name, ADDRESSES[name]):
            found.add(name)
            faults += faults_of(where, answer, formula)
    assert len(found) > 8
    assert not faults, "\n" + "\n".join(faults)


def test_a_book_of_errors_and_what_was_sent_back_stay_text(site: World) -> None:
    """An upload whose names are formulas comes back for correction, as text, with its notes."""
    rows = body(4, site.place.org("a1").code)
    for i, formula in enumerate(PLANTED[1:5]):
        put(rows, i, name=formula, phone="12", current_address=formula)
    with act_as(site.place.user("registrar", "a1")) as actor:
        batch = intake.upload(actor, book(rows), "=1+1.xlsx")
    client = of(site, "registrar", "a1")
    answer = client.get(f"/import/{batch.id}/errors.xlsx")
    assert answer.status_code == 200
    cells = [
        c.value for r in openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows() for c in r
    ]
    assert any(c == "+1+1" for c in cells), "what was sent is not lost"
    assert not faults_of("errors", answer, PLANTED[0])
    html = client.get(f"/import/{batch.id}/").content.decode()
    assert "<script>" not in html.partition("<main")[2].partition("</main")[0]


def test_a_sheet_with_links_to_elsewhere_and_macros_is_read_for_its_values_alone(site: World) -> None:
    data = uploads.book(
        "张三",
        extra={
            "xl/externalLinks/externalLink1.xml": b"<externalLink><ddeLink ddeService='cmd' ddeTopic='/C calc'/></externalLink>",
            "xl/vbaProject.bin": b"macro",
        },
    )
    client = of(site, "registrar", "a1")
    answer = client.post("/import/", {"file": SimpleUploadedFile("x.xlsx", data)})
    assert answer.status_code in (200, 302, 303, 422)
