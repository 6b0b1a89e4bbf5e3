"""The net under the pages: what an answer shows of pupils, or hands out, is entered even where its view says nothing.

Views that know more (a purpose, what was searched for) enter it themselves; then nothing is added. Whom a page showed is
read from the page: its links to records. One pupil is a look and is queued; several are a list and are entered at once,
as is every file. A look that was refused is entered, too.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from xueji.ground.accounts.roles import ADMINS

from .commands import MOST_PERSONS, deeds, note

_RECORD = re.compile(
    rb"(?:/students/|/my/|/people/)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/"
)
#: Pages about pupils without a link to a record, by the first part of their name: where nothing can be read, a look at
#: the page itself is entered.
_ABOUT_PUPILS = frozenset(
    {
        "admission", "cards", "certificates", "changes", "charge", "collect", "creation", "dropout", "duplicates",
        "enrolment", "exams", "exports", "family", "handover", "home", "intake", "offline", "photos", "placement",
        "population", "portal", "problems", "relay", "statistics", "submission", "takeover", "yearly",
    }
)  # fmt: skip
#: Pages of those rooms that tell nothing of pupils.
_PLAIN = frozenset({"home:help"})
#: Kinds of answers that are pages.
_PAGE = "text/html"


def shown(request: HttpRequest, actor: Any, response: HttpResponse, before: int) -> None:
    """After a view, inside the request's transaction: enter what it left out. `before` is `commands.deeds()` then."""
    match = request.resolver_match
    if deeds() != before or match is None or response.status_code != 200 or response.streaming:
        return
    if response.headers.get("Content-Disposition", "").startswith("attachment"):
        if response.headers.get("Content-Type", "").startswith("image/"):
            note(actor, f"{_room(match)}.view", object_type="page", object_id=_what(request))
        else:
            _enter(request, actor, f"{_room(match)}.download", [], 1)
        return
    if request.method != "GET" or not response.headers.get("Content-Type", "").startswith(_PAGE):
        return
    people = _people(response.content)
    if len(people) > 1:
        _enter(request, actor, f"{_room(match)}.list", people, len(people))
    elif people or (
        match.namespace in _ABOUT_PUPILS and actor.role not in ADMINS and match.view_name not in _PLAIN
    ):
        person = people[0] if people else match.kwargs.get("person_id")
        note(
            actor,
            f"{_room(match)}.view",
            object_type="page",
            object_id=_what(request),
            person_id=person if isinstance(person, uuid.UUID) else None,
        )


def refused(request: HttpRequest, actor: Any, response: HttpResponse) -> None:
    """After the request's transaction: a page that the role may not open, an object that is not in its sight."""
    match = request.resolver_match
    if match is None or response.status_code not in (403, 404):
        return
    if response.status_code == 404 and not match.kwargs:
        return
    person = match.kwargs.get("person_id")
    note(
        actor,
        f"{_room(match)}.refused",
        object_type="page",
        object_id=_what(request),
        person_id=person if isinstance(person, uuid.UUID) else None,
    )


def _room(match: Any) -> str:
    return match.namespace or "home"


def _what(request: HttpRequest) -> str:
    return request.path[:64]


def _people(content: bytes) -> list[uuid.UUID]:
    found = dict.fromkeys(_RECORD.findall(content))
    return [uuid.UUID(text.decode()) for text in list(found)[:MOST_PERSONS]]


def _enter(request: HttpRequest, actor: Any, action: str, people: list[uuid.UUID], many: int) -> None:
    with connection.cursor() as c:
        c.execute(
            "select xueji_audit_shown(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[], %s)",
            [
                actor.user_id,
                actor.user_name,
                actor.role,
                actor.org_id,
                actor.address,
                action,
                "page",
                _what(request),
                None,
                people or None,
                many,
            ],
        )
