"""Random requests against every address, and what must hold for each answer: it breaks nothing and tells nothing foreign.

Each request is drawn from its own seed (`seed:persona:number`), so any one of them can be sent again by itself;
`shrink` takes a failing one apart until only what breaks is left.
"""

from __future__ import annotations

import html
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

from django.db import transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from tests.attacks import uploads
from tests.attacks.addresses import ADDRESSES, PUBLIC, Address, names, objects
from tests.attacks.judges import REVEALING, words_of
from tests.attacks.oracle import Facts
from tests.attacks.test_site import (
    ask,
    facts_of_record,
    faults_of_headers,
    fill,
    known_names,
)
from tests.attacks.test_tricks import BAD, noting
from tests.attacks.world import CHILDREN, World, kin

#: The four roles of the issue, and a visitor whom nobody knows.
PERSONAS: tuple[tuple[str, str], ...] = (
    ("registrar", "a1"), ("class_teacher", "a1"), ("parent", ""), ("county_clerk", "a"), ("", ""),
)  # fmt: skip
FORM = "application/x-www-form-urlencoded"
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shot:
    """One request. `files` are names of `uploads.FILES`; `raw` a body that is no form."""

    name: str
    method: str
    path: str
    query: Pairs = ()
    form: Pairs = ()
    files: tuple[tuple[str, str], ...] = ()
    headers: Pairs = ()
    raw: tuple[str, str] | None = None

    def told(self) -> str:
        """As somebody would repeat it."""
        rest = {k: v for k, v in vars(self).items() if v and k not in ("name", "method", "path")}
        return f"{self.method} {self.path[:200]!r} [{self.name}] " + " ".join(
            f"{k}={str(v)[:300]}" for k, v in rest.items()
        )


HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("HTTP_HX_REQUEST", ("true", "false", "\x7f")),
    ("HTTP_HX_TARGET", ("main", "xj-list", "#'\"><script>alert(1)</script>", "")),
    ("HTTP_HX_BOOSTED", ("true",)),
    ("HTTP_HX_CURRENT_URL", ("https://evil.example/", "http://testserver/students/?q=%00", "http://[::1")),
    ("HTTP_HX_TRIGGER_NAME", ("q", "a" * 5000)),
    ("HTTP_HX_PROMPT", ("\\x00", "%E4%B8")),
    ("HTTP_REFERER", ("https://evil.example/x", "http://testserver/students/", "//[", "javascript:alert(1)")),
    ("HTTP_ORIGIN", ("https://evil.example", "null", "http://testserver")),
    ("HTTP_X_FORWARDED_FOR", ("1.2.3.4", "1.2.3.4, ::1", "x" * 3000, "'; drop table person; --", "\x00")),
    ("HTTP_X_FORWARDED_HOST", ("evil.example",)),
    ("HTTP_X_FORWARDED_PROTO", ("https", "x")),
    ("HTTP_HOST", ("evil.example", "testserver", "testserver:99999", "a b", "[::1", "")),
    ("HTTP_ACCEPT", ("application/json", "*/*;q=9", "text/html", "\x7f")),
    ("HTTP_ACCEPT_LANGUAGE", ("en", "zh-Hans", "xx-XX;q=9", "a" * 900, "../../etc")),
    ("HTTP_ACCEPT_ENCODING", ("gzip", "br;q=x")),
    ("HTTP_RANGE", ("bytes=0-1", "bytes=9-1,-", "x")),
    ("HTTP_IF_MODIFIED_SINCE", ("Thu, 01 Jan 1970 00:00:00 GMT", "x", "99999999999")),
    ("HTTP_IF_NONE_MATCH", ("*", '"x"')),
    ("HTTP_X_HTTP_METHOD_OVERRIDE", ("DELETE",)),
    ("HTTP_USER_AGENT", ("", "\x7f" * 40, "长" * 300, "a" * 9000)),
    ("HTTP_COOKIE", ("xueji=../../x", "xueji=" + "a" * 5000, "xueji-form=\x00; face=<script>", ";;;=")),
    ("REMOTE_ADDR", ("", "x", "::ffff:1.2.3.4", "999.1.1.1")),
)  # fmt: skip
RAW: tuple[tuple[str, str], ...] = (
    ("application/json", '{"person": "\\ud800", "x": 1e400}'),
    ("application/json", "[" * 4000),
    ("text/xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx"),
    ("multipart/form-data", "nothing"),
    ("multipart/form-data; boundary=\u00e9", "--\u00e9--"),
    (FORM, "a=%ff%fe&b=%00&c=%ed%a0%80&d=%u4e2d&=&&&;"),
    (FORM + "; charset=utf-7", "q=+ADw-script+AD4-"),
    (FORM + "; charset=nonsense", "q=x"),
    (FORM, "&".join(f"f{i}=1" for i in range(6000))),
    ("text/plain", "\x00\x01\x02"),
    ("", "q=1"),
)  # fmt: skip
ODD_PATHS = (
    "%00",
    "%ff",
    "%ED%A0%80",
    "..%2f..%2fetc",
    "%E2%80%AE",
    "a" * 3000,
    "0",
    "-1",
    "²",
    "%0d%0aX:y",
    "%2e",
)
WORDS = (
    "1", "2", "0", "true", "on", "P", "J", "S", "PJ", "pass", "reject", "agree", "stop", "return", "class", "grade", "school",
    "xlsx", "pdf", "csv", "json", "record", "family", "numbers", "profile", "running", "done", "mine", "2026", "2026-11-22",
    "2026-09-01", "1900-01-01", "2026-W47", "2026-11", "identity", "phone", "number", "guardian:2", "guardian:2:address",
    "document:1", "field:phone", "suspend", "transfer", "核对名单", "家庭住址变动", "核对证件用途", "材料齐全", "情况属实", "阮",
)  # fmt: skip


@dataclass
class Quarry:
    """Somebody's world: what may be asked with what, and what must never come back."""

    world: World
    persona: tuple[str, str]
    client: Client
    hidden: dict[str, set[str]] = field(default_factory=dict)
    pool: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)

    def canaries(self, shot: Shot) -> Iterator[str]:
        """What the answer must not hold. What was sent may come back; nothing else of that child may."""
        sent = unquote(shot.told()) + "".join(v for _k, v in (*shot.query, *shot.form))
        revealing = shot.name in REVEALING and shot.method == "POST"
        for group, words in self.hidden.items():
            if group.startswith("secret ") and revealing and f"open {group[7:]}" in self.hidden:
                continue
            yield from (w for w in words if w not in sent)


def quarry(world: World, facts: Facts, persona: tuple[str, str], client: Client) -> Quarry:
    """Plant: names of children out of sight, relatives of children whose record is not open, and all plain numbers."""
    out = Quarry(world, persona, client)
    known: set[str] = set()
    if persona[0]:
        sight = facts.sight(world.place.user(*persona).pk)
        known = known_names(world, facts, sight)
        for key in CHILDREN:
            if facts_of_record(world, facts, sight, key):
                out.hidden[f"open {key}"] = set()
    for key, name in names().items():
        relative, phone, address, own = kin(key)
        if name not in known:
            out.hidden[f"name {key}"] = {name}
        if f"open {key}" not in out.hidden:
            out.hidden[f"kin {key}"] = {relative}
        out.hidden[f"secret {key}"] = {world.numbers[key], phone, address, own}
    people = [str(p) for p in world.persons.values()]
    texts = [t for k in CHILDREN for t in (CHILDREN[k][3], world.numbers[k], world.numbers[k][-6:], *kin(k))]
    ids = [
        str(x.pk)
        for group in (world.place.orgs, world.place.classes, world.place.users)
        for x in group.values()
    ]
    things = [
        str(v)
        for group in (world.cases, world.files, world.batches, world.stages, world.certificates, world.problems,
                      world.watches, world.lists, world.admissions, world.relay)
        for v in group.values()
    ]  # fmt: skip
    out.pool = [*people, *texts, *(f"G{n}" for n in world.numbers.values()), *ids, *things, *WORDS]
    _learn(out)
    return out


#: What was learned of this worker's world, by database and role.
_LEARNED: dict[tuple[str, tuple[str, str]], tuple[dict[str, list[str]], dict[str, list[str]]]] = {}


def _learn(q: Quarry) -> None:
    """Which fields each address reads, and which values its pages offer: asked once, in a fixed order."""
    if (q.world.database, q.persona) in _LEARNED:
        q.fields, q.offered = _LEARNED[q.world.database, q.persona]
        return
    offered: dict[str, set[str]] = defaultdict(set)
    for name, address in ADDRESSES.items():
        keys: set[str] = set()
        mine = objects(q.world, address)[0][0]
        allowed = address.permission == PUBLIC or (q.persona[0] and address.may(q.persona[0]))
        for method in ("GET", "POST"):
            if (
                not allowed
                or (method == "GET" and address.post)
                or (method == "POST" and not (address.post or address.both))
            ):
                continue
            with noting(keys):
                answer = ask(q.client, method, fill(address, mine), address.body())
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                text = answer.content.decode("utf-8", "replace")
                for tag in re.findall(r"<(?:input|button|option|select|textarea)\b[^>]*>", text):
                    called, value = re.search(r'\bname="([^"]+)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
                    if called:
                        keys.add(called[1])
                    if value and len(value[1]) < 80:
                        offered[called[1] if called else ""].add(html.unescape(value[1]))
        q.fields[name] = sorted({*keys, *dict(address.data)} - {"csrfmiddlewaretoken"})
    q.offered = {k: sorted(v) for k, v in offered.items()}
    _LEARNED[q.world.database, q.persona] = q.fields, q.offered


def draw(q: Quarry, seed: str) -> Shot:
    """One random request; the same seed draws the same one."""
    r = random.Random(seed)
    name = r.choice(list(ADDRESSES))
    address = ADDRESSES[name]
    if "pdf" in address.path and r.random() < 0.7:  # typesetting is slow: asked less often
        name = r.choice(list(ADDRESSES))
        address = ADDRESSES[name]
    path, _mark, fixed = fill(address, _object(q, r, address)).partition("?")
    query = [tuple(p.partition("=")[::2]) for p in fixed.split("&") if p]
    if r.random() < 0.04:
        parts = path.strip("/").split("/")
        parts[r.randrange(len(parts))] = r.choice(ODD_PATHS)
        path = "/" + "/".join(parts) + r.choice(("/", ""))
    usual = "POST" if address.post or (address.both and r.random() < 0.6) else "GET"
    method = usual if r.random() < 0.85 else r.choice(METHODS)
    keys = q.fields.get(name) or ["q"]
    if method in ("GET", "HEAD") or r.random() < 0.2:
        query += [(_key(r, keys), _value(q, r, keys)) for _ in range(r.choice((0, 1, 1, 2, 4)))]
        query = [(k, _value(q, r, [k]) if r.random() < 0.15 else v) for k, v in query]
    form: list[tuple[str, str]] = []
    files: list[tuple[str, str]] = []
    raw = None
    if method not in ("GET", "HEAD"):
        form = list(address.data)
        asked = r.sample(keys, min(len(keys), r.randrange(0, 9)))
        form += [(k, _value(q, r, [k])) for k in asked]
        form += [(_key(r, keys), _value(q, r, keys)) for _ in range(r.choice((0, 0, 1, 2)))]
        if r.random() < 0.25:
            files = [
                (r.choice(("file", "photo", "转学原因证明", *keys)), r.choice(list(uploads.FILES)))
                for _ in range(r.choice((1, 1, 2)))
            ]
        if r.random() < 0.06:
            raw = r.choice(RAW)
    headers = [(k, r.choice(v)) for k, v in r.sample(HEADERS, r.choice((0, 0, 0, 1, 1, 3)))]
    return Shot(name, method, path, tuple(query), tuple(form), tuple(files), tuple(headers), raw)  # type: ignore[arg-type]


def _object(q: Quarry, r: random.Random, address: Address) -> dict[str, Any]:
    values = dict(r.choice(objects(q.world, address))[0])
    if r.random() < 0.1:
        for kind in values:
            if r.random() < 0.5:
                old = values[kind]
                values[kind] = r.choice(list(q.world.persons.values())) if not isinstance(old, int) else r.choice(
                    (0, 1, 2, 2**31, 2**63, 10**40, old + r.randrange(40))
                )  # fmt: skip
    return values


def _key(r: random.Random, keys: list[str]) -> str:
    return (
        r.choice(keys)
        if r.random() < 0.9
        else r.choice(("", "q", "after", "next", "x" * 300, "a\x00", "_method"))
    )


def _value(q: Quarry, r: random.Random, keys: list[str]) -> str:
    offered = q.offered.get(r.choice(keys))
    dice = r.random()
    if offered and dice < 0.5:
        return r.choice(offered)
    if dice < 0.75:
        return r.choice(q.pool)
    return r.choice(
        (
            *BAD,
            "\ud800",
            "=cmd|'/C calc'!A0",
            "\u202e" + r.choice(q.pool),
            "𠮷" * 40,
            "{{7*7}}",
            "../" * 9,
            "-9e999",
        )
    )


def send(client: Client, shot: Shot) -> Any:
    """Send it, and undo whatever it did."""
    query = urlencode([(_plain(k), _plain(v)) for k, v in shot.query], errors="replace")
    path = quote(shot.path, safe="/%") + (f"?{query}" if query else "")
    kind, body = FORM, b""
    if shot.raw is not None:
        kind, body = shot.raw[0], shot.raw[1].encode("utf-8", "replace")
    elif shot.files:
        data: dict[str, Any] = {_plain(k): _plain(v) for k, v in shot.form}
        data |= {_plain(k).replace('"', "") or "file": uploads.FILES[v]() for k, v in shot.files}
        kind, body = MULTIPART_CONTENT, encode_multipart(BOUNDARY, data)
    elif shot.form:
        body = urlencode([(k, v.encode("utf-8", "surrogatepass")) for k, v in shot.form]).encode()
    point = transaction.savepoint()
    cookies = {k: m.value for k, m in client.cookies.items()}
    extra: dict[str, Any] = dict(shot.headers)
    try:
        answer = client.generic(shot.method, path, body, content_type=kind, **extra)
        if answer.streaming:
            answer.content  # noqa: B018
        return answer
    finally:
        transaction.savepoint_rollback(point)
        client.cookies.clear()
        client.cookies.load(cookies)


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def judge(q: Quarry, shot: Shot, answer: Any) -> str:
    """What is wrong with an answer, or nothing."""
    if answer.status_code >= 500:
        error = getattr(answer, "exc_info", None)
        return f"{answer.status_code} {error[0].__name__ if error else ''}: {str(error[1])[:200] if error else ''}"
    text = words_of(answer)
    leaked = sorted({w for w in q.canaries(shot) if w in text})
    if leaked:
        return f"{answer.status_code} tells {leaked[:4]}"
    if (
        answer.headers.get("Content-Type", "").startswith("text/html")
        and b"<script>alert(1)" in answer.content
    ):
        return "shows markup as it came"
    to = answer.headers.get("Location", "")
    if to and (not to.startswith("/") or to.startswith(("//", "/\\"))):
        return f"sends elsewhere: {to[:100]}"
    signed = bool(q.persona[0]) and ADDRESSES[shot.name].permission != PUBLIC and answer.status_code == 200
    wrong = faults_of_headers(answer, signed_in=signed) if answer.status_code == 200 else []
    if shot.method in ("OPTIONS", "TRACE"):
        wrong = [w for w in wrong if "attachment" not in w]
    return "; ".join(wrong)


def shrink(shot: Shot, fails: Callable[[Shot], bool]) -> Shot:
    """The smallest request, by leaving things out, that still fails."""
    progress = True
    while progress:
        progress = False
        for part in ("headers", "files", "form", "query"):
            held = getattr(shot, part)
            for i in range(len(held) - 1, -1, -1):
                less = replace(shot, **{part: held[:i] + held[i + 1 :]})
                if fails(less):
                    shot, held, progress = less, getattr(less, part), True
        if shot.raw is not None and fails(replace(shot, raw=None)):
            shot, progress = replace(shot, raw=None), True
    return shot


def volley(q: Quarry, seed: str, numbers: range, *, most: int = 10) -> list[str]:
    """Send requests by their numbers; returns the shrunken failures, each kind once."""
    found: dict[str, str] = {}
    for n in numbers:
        shot = draw(q, f"{seed}:{q.persona[0]}:{n}")
        wrong = judge(q, shot, send(q.client, shot))
        kind = f"{shot.name} {wrong[:60]}"
        if wrong and kind not in found:
            least = shrink(shot, lambda s: judge(q, s, send(q.client, s))[:12] == wrong[:12])  # noqa: B023
            found[kind] = f"#{n} {wrong}\n    {least.told()}"
            if len(found) >= most:
                break
    return list(found.values())
