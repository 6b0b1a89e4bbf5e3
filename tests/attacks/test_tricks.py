"""Tricks: sessions, redirects, foreign ids in forms, formulas, file names, values that nobody would type."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import QueryDict
from django.test import Client
from tests.attacks.addresses import ADDRESSES, PUBLIC, Address, objects
from tests.attacks.test_site import ask, fill
from tests.attacks.world import World
from tests.helpers import PASSWORD, login, seeing_all
from tests.registry.changes.world import picture

from xueji.ground.accounts.http import ASSIGNMENT_KEY

COOKIE = settings.SESSION_COOKIE_NAME


def of(world: World, role: str, where: str = "") -> Client:
    return login(Client(raise_request_exception=False), world.place.user(role, where))


def sign_in(client: Client, username: str, **more: str) -> Any:
    return client.post("/login/", {"username": username, "password": PASSWORD} | more)


# --- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["parent", "registrar", ""])
def test_an_address_that_no_text_can_hold_is_nobodys(site: World, role: str) -> None:
    client = of(site, role, "a1" if role == "registrar" else "") if role else Client()
    key = "79348cc3-2315-4c11-a949-7d60c736a22f"
    for address in (f"/privacy/office/incidents/{key}/%00/", "/students/%00/", "/%00"):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404


# --- sessions and redirects ----------------------------------------------------------------------------------------


@pytest.mark.capability("C-SEC-01")
def test_a_planted_session_does_not_become_signed_in(site: World) -> None:
    victim, attacker = Client(), Client()
    for planted in ("a" * 32, of(site, "parent").cookies[COOKIE].value):
        victim.cookies[COOKIE] = planted
        assert sign_in(victim, "registrar.a1").status_code == 302
        assert victim.cookies[COOKIE].value != planted
        attacker.cookies[COOKIE] = planted
        html = attacker.get("/me/").content.decode()
        assert "registrar.a1" not in html


def test_signing_out_kills_the_session_and_not_only_the_cookie(site: World) -> None:
    client = Client()
    sign_in(client, "registrar.a1")
    key = client.cookies[COOKIE].value
    client.post("/logout/")
    thief = Client()
    thief.cookies[COOKIE] = key
    assert thief.get("/students/").status_code == 302


ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "http:evil.example",
    "javascript:alert(1)", " //evil.example", "/\t/evil.example", "///evil.example", "/%09/evil.example/\n",
    "https:///evil.example", "/login/?next=//evil.example", "ftp://evil.example", "/\r\nX: y",
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_elsewhere_after_signing_in(site: World, target: str) -> None:
    for answer in (
        sign_in(Client(raise_request_exception=False), "registrar.a1", next=target),
        of(site, "registrar", "a1").get("/login/", {"next": target}),
        of(site, "registrar", "a1").post("/students/export.xlsx", {"next": target}),
    ):
        assert answer.status_code == 302, answer.status_code
        where = answer["Location"]
        assert where.startswith("/")
        assert not where.startswith(("//", "/\\"))
        assert "\n" not in where
        assert where.lstrip("/\\").find("evil") != 0


def test_a_forged_referer_does_not_lead_away(site: World) -> None:
    answer = Client().post("/cases/new/transfer/", HTTP_REFERER="https://evil.example/x")
    assert answer.status_code == 302
    assert "evil" not in answer["Location"]


@pytest.mark.capability("C-ROL-02")
def test_nobody_switches_to_a_role_of_somebody_else(site: World) -> None:
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select id from role_assignment where user_id = %s",
            [site.place.user("province_head", "province").pk],
        )
        foreign = c.fetchone()[0]
        c.execute("select id from role_assignment where user_id = %s order by id", [site.many])
        first, second = (r[0] for r in c.fetchall())
    client = login(Client(raise_request_exception=False), site.many)
    one, far = site.name("one"), site.name("c1")
    assert one in client.get("/students/").content.decode()
    for wrong in (str(foreign), "", "0", "-1", "x", "9" * 30, "²", f"{second}.0"):
        assert client.post("/role/", {"role": wrong}).status_code == 404
        html = client.get("/students/").content.decode()
        assert one in html
        assert far not in html
    assert client.post("/role/", {"role": str(second)}).status_code == 302
    html = client.get("/students/").content.decode()
    assert far in html
    assert one not in html
    planted = login(Client(), site.place.user("registrar", "a1"), assignment=foreign)
    html = planted.get("/students/").content.decode()
    assert one in html
    assert far not in html
    assert planted.session[ASSIGNMENT_KEY] == foreign
    assert first != second


# --- ids and fields that the form did not offer --------------------------------------------------------------------


def case_row(world: World, key: str) -> dict[str, Any]:
    with seeing_all(), connection.cursor() as c:
        c.execute("select * from case_ where case_id = %s", [world.cases[key]])
        names = [d.name for d in c.description]
        return dict(zip(names, c.fetchone(), strict=True))


def test_a_form_takes_no_class_of_another_school_and_no_field_that_it_does_not_have(site: World) -> None:
    client, place = of(site, "registrar", "b1"), site.place
    before = case_row(site, "wanted")
    for klass in (place.klass("c1").pk, place.klass("a1").pk, 99999999, "x"):
        client.post(
            f"/cases/{site.cases['wanted']}/save/",
            {"reason": "家庭住址变动", "to_class_id": str(klass), "effective_on": "2026-12-01"},
        )
        assert case_row(site, "wanted")["to_class_id"] == before["to_class_id"]
    extra = {
        "status": "done", "org_id": place.org("c1").pk, "parties": str(place.org("c1").pk), "person_id": str(site.persons["c1"]),
        "case_id": str(site.cases["senior"]), "from_school_id": place.org("c1").pk, "number": "X", "creator_id": 1,
    }  # fmt: skip
    client.post(
        f"/cases/{site.cases['wanted']}/save/",
        {"reason": "家庭住址变动", "to_class_id": place.klass("b1").pk, "effective_on": "2026-12-01"} | extra,
    )
    after = case_row(site, "wanted")
    for name in (
        "status",
        "org_id",
        "parties",
        "person_id",
        "from_school_id",
        "number",
        "creator_id",
        "to_school_id",
    ):
        assert after[name] == before[name], name
    assert "status" not in (json.loads(after["form"]) if isinstance(after["form"], str) else after["form"])


def test_an_account_is_made_only_where_and_as_what_its_maker_may(site: World) -> None:
    place = site.place
    client = of(site, "registrar", "a1")
    base = {"username": "eve.new", "display_name": "伊娃", "phone": ""}
    for org, role, klass in (
        ("c1", "registrar", ""),
        ("a1", "province_head", ""),
        ("province", "province_head", ""),
        ("a1", "security_admin", ""),
        ("a1", "class_teacher", place.klass("c1").pk),
        ("a1", "parent", ""),
    ):
        answer = client.post(
            "/accounts/new/",
            base | {"org": place.org(org).pk, "role": role, "school_class": klass, "is_active": "1"},
        )
        assert answer.status_code == 422, (org, role)
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from account_user where username = 'eve.new'")
        assert c.fetchone() == (0,)
    for who in (("registrar", "c1"), ("province_head", "province"), ("security_admin", "province")):
        victim = place.user(*who).pk
        for what in ("disable", "reset", "end-role", "role", "unlock"):
            assert client.post(f"/accounts/{victim}/{what}/", {"assignment": "1"}).status_code in (
                403,
                404,
                422,
            )


def test_ids_of_other_schools_in_addresses_and_filters_open_nothing(site: World) -> None:
    client, place = of(site, "registrar", "a1"), site.place
    far = site.name("c1")
    for query in (
        {"class": place.klass("c1").pk}, {"school": place.org("c1").pk}, {"org": place.org("c1").pk}, {"q": far},
        {"q": site.numbers["c1"]}, {"q": site.numbers["c1"][-6:]}, {"after": f"a|{site.persons['c1']}"},
    ):  # fmt: skip
        assert far not in client.get("/students/", query).content.decode().replace(f'value="{far}"', "")
    export = client.post(
        "/students/export.xlsx", {"purpose": "核对名单", "q": far, "school": place.org("c1").pk}
    )
    assert far not in words(export.content) if export.status_code == 200 else True


# --- exports -------------------------------------------------------------------------------------------------------

FORMULAS = ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1+1")
BOOKS = [name for name, a in ADDRESSES.items() if "xlsx" in a.path]


def words(book: bytes) -> str:
    """All text of a workbook's parts."""
    with zipfile.ZipFile(io.BytesIO(book)) as z:
        return "".join(z.read(n).decode("utf-8", "replace") for n in z.namelist() if n.endswith(".xml"))


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_no_workbook_runs_what_somebody_typed_as_a_name(site: World, name: str, formula: str) -> None:
    address = ADDRESSES[name]
    with seeing_all(), connection.cursor() as c:
        c.execute("update roster set name = %s where school_id = %s", [formula, site.place.org("a1").pk])
        c.execute(
            "update person set name = %s where person_id = any(%s)", [formula, list(site.persons.values())]
        )
        c.execute("update org set name = %s, short_name = %s where kind = 'school'", [formula, formula])
    client = of(site, "audit_admin", "province") if name.startswith("audit:") else of(site, "registrar", "a1")
    values = next(v for v, k in objects(site, address) if k in ("a1", ""))
    path = fill(address, values)
    answer = client.post(path, {"purpose": "核对名单"}) if address.post else client.get(path)
    if answer.status_code != 200:
        # Led back because there is nothing to write, or nobody has the thing of this address.
        assert answer.status_code in {302, 303} | {404}.intersection(address.answers), answer.status_code
        return
    with zipfile.ZipFile(io.BytesIO(answer.content)) as z:
        sheets = [n for n in z.namelist() if n.startswith("xl/worksheets/sheet")]
        assert sheets
        for sheet in sheets:
            xml = z.read(sheet).decode()
            assert f"<f>{formula.lstrip('=')}" not in xml
            assert "<f>1+1" not in xml
            assert (
                "calc" not in xml.replace("<c r", "").split("<sheetData", 1)[1].split("<v>")[0]
                or "<f>" not in xml
            )
        strings = z.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in z.namelist() else ""
        for text in strings.split("<t"):
            value = text.partition(">")[2].partition("<")[0]
            assert not value.startswith(("=", "@", "+", "\t")), value


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd.jpg", "..\\..\\boot.jpg", "a\r\nSet-Cookie: x=1.jpg", 'x"; filename="y.html.jpg', "/etc/x.jpg",
     "长" * 300 + ".jpg", "x\u202egpj.exe.jpg", ".jpg", "a\x00b.jpg"],
)  # fmt: skip
def test_a_file_name_leads_nowhere(site: World, name: str) -> None:
    client, case = of(site, "registrar", "b1"), site.cases["wanted"]
    answer = client.post(
        f"/cases/{case}/files/", {"转学原因证明": SimpleUploadedFile(name or "x", picture(), "image/jpeg")}
    )
    assert answer.status_code == 303
    with seeing_all(), connection.cursor() as c:
        c.execute(
            "select s.id, s.name from case_file f join stored_file s on s.id = f.file_id where f.case_id = %s",
            [case],
        )
        rows = c.fetchall()
    assert rows
    for key, stored in rows:
        assert not set(stored) & set('/\\\r\n\x00"\u202e'), stored
        assert ".." not in stored
        assert len(stored) <= 200
        header = client.get(f"/files/{key}/")["Content-Disposition"]
        assert header.startswith("attachment")
        assert "\n" not in header


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<script>alert(1)</script>", "x.jpg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "x.svg"),
        (b"MZ\x90\x00", "x.pdf"),
        (b"", "x.jpg"),
        (b"GIF89a<script>", "x.gif"),
        (b"\xff\xd8\xff\xe0" + b"x" * 100, "x.jpg"),
    ],
)
def test_what_only_pretends_to_be_a_picture_is_not_kept(site: World, data: bytes, name: str) -> None:
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from stored_file")
        before = c.fetchone()
    client = of(site, "registrar", "b1")
    answer = client.post(
        f"/cases/{site.cases['wanted']}/files/", {"转学原因证明": SimpleUploadedFile(name, data)}
    )
    assert answer.status_code == 303
    with seeing_all(), connection.cursor() as c:
        c.execute("select count(*) from stored_file")
        assert c.fetchone() == before


# --- values that nobody would type ---------------------------------------------------------------------------------

BAD = (
    "\x00", "a\x00b", "²", "١٢٣", "9" * 10, "9" * 30, "-1", "1e9", "a" * 20000, "\r\nX: y", "2026-02-30", "9999-99-99",
    "0000-00-00", "'\"><script>alert(1)</script>", "%00", "|", "a|b", "2026-01-01T00:00:00|x", "\u202e\u200b", "\\", "%",
)  # fmt: skip
#: How many of them each field is given in `make test`; `make test-full` gives it all.
SOME = 4
FULL = bool(os.environ.get("XUEJI_TEST_FULL"))
READERS = (
    ("registrar", "a1"), ("county_clerk", "a"), ("security_admin", "province"), ("audit_admin", "province"),
    ("system_admin", "province"), ("parent", ""), ("registrar", "b1"),
)  # fmt: skip


@contextmanager
def noting(keys: set[str]) -> Iterator[None]:
    """Note which fields of address and form a page reads."""
    get, getlist, item = QueryDict.get, QueryDict.getlist, QueryDict.__getitem__

    def noted(real: Any) -> Any:
        def read(self: QueryDict, key: str, *more: Any, **named: Any) -> Any:
            keys.add(key)
            return real(self, key, *more, **named)

        return read

    with (
        mock.patch.object(QueryDict, "get", noted(get)),
        mock.patch.object(QueryDict, "getlist", noted(getlist)),
        mock.patch.object(QueryDict, "__getitem__", noted(item)),
    ):
        yield


def bad_for(name: str, method: str, at: int) -> list[str]:
    """The values that the field at this place gets: another stretch of BAD for each field, begun by the address's own
    seed, so that a page with six fields has met them all and the fields of one name meet others on other pages.
    """
    if FULL:
        return list(BAD)
    begin = zlib.crc32(f"{name} {method}".encode()) + at * SOME
    return [BAD[(begin + i) % len(BAD)] for i in range(SOME)]


def reader_of(address: Address) -> tuple[str, str]:
    return next((p for p in READERS if address.may(p[0])), READERS[0])


@pytest.mark.parametrize("name", list(ADDRESSES))
def test_no_value_breaks_a_page(site: World, name: str) -> None:
    """Each field that a page reads, filled with what nobody would type: an answer in words, and nothing shown raw.

    A seeded sample of the values for each field; `make test-full` gives every field every value.
    """
    address = ADDRESSES[name]
    client = Client(raise_request_exception=False)
    if address.permission != PUBLIC or name == "accounts:login":
        role, where = reader_of(address)
        if "{case}" in address.path and address.permission == "case.start":
            role, where = "registrar", "b1"
        if name != "accounts:login":
            login(client, site.place.user(role, where))
    wanted = {"one", "a1", "moving", "wanted", "case:wanted", "photo:one"}
    values = next((v for v, k in objects(site, address) if k in wanted), objects(site, address)[0][0])
    if "{case}" in address.path:
        values = values | {"case": site.cases["wanted" if address.permission == "case.start" else "moving"]}
    path = fill(address, values)
    broken = []
    for method in ("GET", "POST"):
        if (method == "GET" and address.post) or (method == "POST" and not (address.post or address.both)):
            continue
        keys: set[str] = set()
        with noting(keys):
            ask(client, method, path, address.body())
        keys -= {"csrfmiddlewaretoken"}
        for at, key in enumerate(sorted(keys)):
            for bad in bad_for(name, method, at):
                if method == "GET":
                    bare, _mark, query = path.partition("?")
                    params = QueryDict(query, mutable=True)
                    params[key] = bad
                    answer = ask(client, "GET", f"{bare}?{params.urlencode()}")
                else:
                    answer = ask(client, "POST", path, address.body() | {key: bad})
                if answer.status_code >= 500:
                    broken.append(f"{method} {key}={bad[:20]!r}: {answer.status_code}")
                if "<script>alert(1)" in answer.content.decode("utf-8", "replace"):
                    broken.append(f"{method} {key} is shown raw")
    for kind in ("org", "klass", "user", "batch"):
        if "{" + kind + "}" in address.path:
            for huge in (2**31, 2**63, 10**40):
                answer = ask(client, "POST" if address.post else "GET", fill(address, values | {kind: huge}))
                if answer.status_code >= 500:
                    broken.append(f"{kind}={huge}: {answer.status_code}")
    assert not broken, "\n" + "\n".join(broken)
