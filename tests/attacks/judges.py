"""What is asked of every answer of the site, whoever got it: its headers, what it tells, and what the audit keeps of it.

`test_site` walks over all addresses once for each persona and lets all of these look at each answer.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from typing import Any
from urllib.parse import unquote

from django.contrib import messages
from django.db import connection, transaction
from pypdf import PdfReader
from tests.attacks.addresses import PUBLIC, Address, names
from tests.attacks.world import CHILDREN, World, kin

from xueji.ground.audit import words
from xueji.ground.db.scope import acting
from xueji.web.layout import headers
from xueji.web.layout.headers import PERMISSIONS

# --- headers -------------------------------------------------------------------------------------------------------


def missing(answer: Any, name: str = "") -> list[str]:
    """Which of the standing headers an answer lacks. Only the pages named for it may use the camera."""
    camera = name in headers.CAMERA_PAGES and answer.status_code in headers.CAMERA_ANSWERS
    wanted = {
        "Permissions-Policy": headers.WITH_CAMERA if camera else PERMISSIONS,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    wrong = [f"{k}: {answer.headers.get(k)}" for k, v in wanted.items() if answer.headers.get(k) != v]
    if answer.headers.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        wrong.append("tells other sites where it was")
    policy = answer.headers.get("Content-Security-Policy", "")
    rules = {p.split()[0]: p.split()[1:] for p in policy.split(";") if p.split()}
    if rules.get("default-src") not in (["'self'"], ["'none'"]):
        wrong.append(f"content policy {policy!r}")
    for what, sources in rules.items():
        if {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:"} & set(sources) or any(
            "//" in s for s in sources
        ):
            wrong.append(f"content policy {what} {sources}")
    return wrong


def bare(answer: Any) -> tuple[int, str, str]:
    """Status, words and headers of an answer, without ids, tokens, times and the number for support."""
    text = answer.content.decode("utf-8", "replace")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|%[0-9A-F]{2}", "#", text)
    text = re.sub(
        r'(csrf-token" content=|csrfmiddlewaretoken" value=|X-CSRFToken": ")"?[A-Za-z0-9]+', "", text
    )
    text = re.sub(r"编号 \S+ 可报给", "", text)
    text = re.sub(r"\d+", "9", text)
    kept = {
        k: re.sub(r"[0-9a-f-]{36}|\d+", "9", v) for k, v in answer.headers.items() if k != "Content-Length"
    }
    return answer.status_code, text, str(sorted(kept.items()))


def difference(there: tuple[int, str, str], none: tuple[int, str, str]) -> list[str]:
    """In what the answer about something foreign differs from the answer about nothing."""
    if there == none:
        return []
    what = next(n for n, a, b in zip(("status", "words", "headers"), there, none, strict=True) if a != b)
    return [f"{what} ({there[0]}, {none[0]} for nothing)"]


# --- plain values --------------------------------------------------------------------------------------------------

#: Where plain numbers leave on purpose, noted: one value, and the file that the head allowed.
REVEALING = ("people:reveal", "exports:file")
#: Pages where somebody sees the plain values of the own child.
OWN = ("portal:", "family:")


def plain(name: str, address: Address, persona: tuple[str, str]) -> bool:
    """Whether no plain value may stand in what this address answers this persona. Papers, which everybody gets from the
    same code, are read for one persona: taking a PDF apart is slow.
    """
    if name in REVEALING or (name.startswith(OWN) and persona[0] in ("parent", "student")):
        return False
    return "pdf" not in address.path or persona == ("registrar", "a1")


def planted(world: World) -> dict[str, str]:
    """Every plain value -> what it is."""
    out = {n: f"number of {k}" for k, n in world.numbers.items()}
    for key in CHILDREN:
        _name, phone, address, own = kin(key)
        out |= {phone: f"phone of {key}'s kin", address: f"address of {key}", own: f"phone of {key}"}
    return out


def told(text: str, values: dict[str, str]) -> list[str]:
    """Which of them stand in a text, also with gaps or dashes between the digits."""
    close = re.sub(r"(?<=\d)[ \-\u2009\u00a0](?=\d)", "", text)
    return [what for value, what in values.items() if value in text or value in close]


def words_of(answer: Any) -> str:
    """Everything that an answer tells: headers, page, and the texts inside of workbooks and papers."""
    body = answer.content
    told = unquote(" ".join(f"{k}: {v}" for k, v in answer.headers.items()))
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as z:
            return told + "".join(
                html.unescape(z.read(n).decode("utf-8", "replace"))
                for n in z.namelist()
                if n.endswith(".xml")
            )
    if body.startswith(b"%PDF-"):
        return told + "".join(p.extract_text() for p in PdfReader(io.BytesIO(body)).pages)
    text = html.unescape(body.decode("utf-8", "replace"))
    return told + re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)


# --- the audit -----------------------------------------------------------------------------------------------------

#: Answers that name a pupil, are a file or follow a form, and leave no entry of their own; each with its reason.
QUIET: dict[str, str] = {
    "accounts:extend": "keeps the session of somebody at work open; nothing is shown",
    "accounts:session_end": "no session is named in this empty form, so none ends",
    "accounts:factor_app": "shows the page on which a second factor is made; making it is entered",
    "changes:upload": "no file comes with this empty form, so nothing is kept",
    "photos:apply": "no picture waits in this batch, so none comes into force",
}


class Audit:
    """What stands in the audit of one request, asked before the request is undone."""

    def __init__(self, user: int) -> None:
        self.user = user
        with transaction.atomic(), acting("audit"), connection.cursor() as c:
            c.execute("select coalesce(max(id), 0) from audit_entry")
            self.kept = int(c.fetchone()[0])
            c.execute("select coalesce(max(id), 0) from audit_queued")
            self.queued = int(c.fetchone()[0])

    def left(self) -> list[dict[str, Any]]:
        """Entries and queued views of this request: those of the ones before are undone."""
        columns = "user_id, role, org_id, address, action, at"
        with transaction.atomic(), acting("audit"), connection.cursor() as c:
            c.execute(
                f"select {columns} from audit_entry where id > %s union all"
                f" select {columns} from audit_queued where id > %s",
                [self.kept, self.queued],
            )
            return [dict(zip(columns.split(", "), r, strict=True)) for r in c.fetchall()]

    def faults(self, name: str, method: str, answer: Any) -> list[str]:
        """What the audit does not say of this answer, though it has to."""
        why = must(method, answer)
        if not why or name in QUIET:
            return []
        entries = self.left()
        if not entries:
            return [f"{answer.status_code}, {why}, but nothing in the audit"]
        out = []
        for e in entries:
            if not words.known(e["action"]):
                out.append(f"{e['action']} has no words")
            if e["user_id"] not in (self.user, None) or not e["address"] or not e["at"] or not e["role"]:
                out.append(f"{e['action']} does not say who or from where: {e}")
        return out


def must(method: str, answer: Any) -> str:
    """Why this answer has to stand in the audit; empty when it need not."""
    if method == "POST":
        said = getattr(getattr(answer.wsgi_request, "_messages", None), "_queued_messages", [])
        turned_down = any(m.level >= messages.WARNING for m in said)
        return "a deed" if answer.status_code in (204, 302, 303) and not turned_down else ""
    if answer.status_code != 200:
        return ""
    if answer.headers.get("Content-Disposition", "").startswith("attachment"):
        return "a file"
    text = answer.content.decode("utf-8", "replace")
    shown = [n for n in names().values() if n in text]
    return f"names {len(shown)} pupils" if shown else ""


def audited(address: Address, role: str) -> bool:
    """Whether what this address does for this role has to stand in the audit."""
    return address.permission != PUBLIC and address.may(role)
