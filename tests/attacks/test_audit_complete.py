"""The audit is complete: whatever an address shows of pupils, hands out or does stands in the audit afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import messages
from django.db import connection, transaction
from django.test import Client
from tests.attacks.addresses import ADDRESSES, PUBLIC, Address, names, objects
from tests.attacks.test_site import PERSONAS, fill
from tests.attacks.world import World
from tests.helpers import login

from xueji.ground.audit import words
from xueji.ground.db.scope import acting

#: One of each role that does something; others differ in scope alone.
ASKING = [p for p in PERSONAS if p[1] not in ("c1", "c")]

#: Answers that name a pupil, are a file or follow a form, and leave no entry of their own; each with its reason.
QUIET: dict[str, str] = {
    "accounts:extend": "keeps the session of somebody at work open; nothing is shown",
    "accounts:session_end": "no session is named in this empty form, so none ends",
    "accounts:factor_app": "shows the page on which a second factor is made; making it is entered",
    "changes:upload": "no file comes with this empty form, so nothing is kept",
    "photos:apply": "no picture waits in this batch, so none comes into force",
}


def _kept(c: Any) -> int:
    with transaction.atomic(), acting("audit"):
        c.execute("select coalesce(max(id), 0) from audit_entry")
        return int(c.fetchone()[0])


def _left(since: int, queued: int) -> list[dict[str, Any]]:
    """Entries and queued views that came since."""
    columns = "user_id, role, org_id, address, action, at"
    with transaction.atomic(), acting("audit"), connection.cursor() as c:
        c.execute(
            f"select {columns} from audit_entry where id > %s union all"
            f" select {columns} from audit_queued where id > %s",
            [since, queued],
        )
        return [dict(zip(columns.split(", "), r, strict=True)) for r in c.fetchall()]


def _queued(c: Any) -> int:
    with transaction.atomic(), acting("audit"):
        c.execute("select coalesce(max(id), 0) from audit_queued")
        return int(c.fetchone()[0])


def _must(address: Address, method: str, answer: Any) -> str:
    """Why this answer has to stand in the audit; empty when it need not."""
    if method == "POST":
        told = getattr(getattr(answer.wsgi_request, "_messages", None), "_queued_messages", [])
        turned_down = any(m.level >= messages.WARNING for m in told)
        return "a deed" if answer.status_code in (204, 302, 303) and not turned_down else ""
    if answer.status_code != 200:
        return ""
    if answer.headers.get("Content-Disposition", "").startswith("attachment"):
        return "a file"
    text = answer.content.decode("utf-8", "replace")
    shown = [n for n in names().values() if n in text]
    return f"names {len(shown)} pupils" if shown else ""


@pytest.mark.capability("C-SEC-03")
@pytest.mark.capability("C-SEC-04")
@pytest.mark.parametrize("persona", ASKING, ids=[f"{r}-{w or 'x'}" for r, w in ASKING])
def test_what_an_address_shows_hands_out_or_does_stands_in_the_audit(
    site: World, persona: tuple[str, str]
) -> None:
    """The officer for data protection asks of any page, file or button who used it: the audit answers with who, in
    which role and unit, from where, when, and in words what."""
    user = site.place.user(*persona)
    client = login(Client(raise_request_exception=False), user)
    faults: list[str] = []
    for name, address in ADDRESSES.items():
        if address.permission == PUBLIC or not address.may(persona[0]):
            continue
        methods = ["POST"] if address.post else ["GET", "POST"] if address.both else ["GET"]
        samples = objects(site, address)
        for values, key in samples[: -1 if address.about else None]:
            for method in methods:
                faults += _ask(client, name, address, method, fill(address, values), key, user.pk)
    assert not faults, "\n" + "\n".join(sorted(set(faults)))


def _ask(
    client: Client, name: str, address: Address, method: str, path: str, key: str, user: int
) -> list[str]:
    point = transaction.savepoint()
    cookies = {k: m.value for k, m in client.cookies.items()}
    where = f"{method} {name} {key or '-'}"
    try:
        with connection.cursor() as c:
            since, queued = _kept(c), _queued(c)
        answer = client.get(path) if method == "GET" else client.post(path, address.body())
        if answer.streaming:
            answer.content  # noqa: B018
        why = _must(address, method, answer)
        entries = _left(since, queued)
        if not why or name in QUIET:
            return []
        if not entries:
            return [f"{where}: {answer.status_code}, {why}, but nothing in the audit"]
        out = []
        for e in entries:
            if not words.known(e["action"]):
                out.append(f"{where}: {e['action']} has no words")
            if e["user_id"] not in (user, None) or not e["address"] or not e["at"] or not e["role"]:
                out.append(f"{where}: {e['action']} does not say who or from where: {e}")
        return out
    finally:
        transaction.savepoint_rollback(point)
        client.cookies.load(cookies)
