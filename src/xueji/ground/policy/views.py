"""Pages on which rules are read: in force, compared, tried out. They store nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from xueji.ground.orgs.models import Org
from xueji.ground.paths import data_dir
from xueji.ground.policy import places, queries, reading, trying
from xueji.ground.policy.catalogue import dispositions, read_conflicts
from xueji.ground.policy.compare import Difference, between, topic_of
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.library import NATIONAL, PolicyLibrary, library, shipped
from xueji.ground.policy.values import FactError

_EARLIEST, _LATEST = date(1986, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True)
class Place:
    """Whose rules are shown, and as of when."""

    id: str
    title: str
    day: date
    policy: PolicySet
    own: bool


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages about rules that the actor may open."""
    actor = request.actor  # type: ignore[attr-defined]
    found = [
        ("/rules/", _("规则"), "policy.view"),
        ("/rules/values/", _("数值和期限"), "policy.view"),
        ("/rules/businesses/", _("流程、材料、办理时间"), "policy.view"),
        ("/rules/try/", _("试一试"), "policy.view"),
        ("/rules/compare/", _("比较"), "policy.view"),
        ("/rules/differences/", _("各地差异"), "policy.view"),
        ("/rules/versions/", _("版本"), "policy.stage"),
    ]
    path = request.path.replace("/rules/stages/", "/rules/versions/")  # a proposal belongs to the versions
    here = max((url for url, _label, _what in found if path.startswith(url)), key=len, default="")
    return [
        {"label": label, "url": url, "active": url == here} for url, label, what in found if actor.can(what)
    ]


def _day(text: str) -> date:
    """A day asked for; today when it is none."""
    try:
        day = parse_date(text.strip())
    except ValueError:
        day = None
    return day if day and _EARLIEST <= day <= _LATEST else timezone.localdate()


def _asked(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").strip()[:60].replace("\x00", "")


def place_of(org: Org | None, pack: str, day: date) -> Place:
    """The unit's own place, or another by the name of its pack. Http404 for a pack that is not there."""
    packs = library().on(day)
    line = places.line_for(org, packs)
    if pack and pack != line[-1]:
        if pack not in packs.ids():
            raise Http404
        return Place(pack, packs.pack(pack).title, day, packs.resolve(packs.chain_of(pack), day), False)
    return Place(line[-1], packs.pack(line[-1]).title, day, packs.resolve(line, day), True)


def choices(packs: PolicyLibrary, chosen: str) -> list[dict[str, Any]]:
    """Every place with rules, those that govern first, then the texts kept for reference."""
    found = [packs.pack(name) for name in packs.ids()]
    found.sort(key=lambda pack: (pack.reference, NATIONAL not in packs.chain_of(pack.id)))
    return [{"value": pack.id, "label": pack.title, "chosen": pack.id == chosen} for pack in found]


def _context(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    return {"page_title": title, "tabs": tabs(request), **more}


def _whose(request: HttpRequest) -> tuple[Place, dict[str, Any]]:
    """The place and day that a page is asked for, and what its form needs."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("policy.view")
    place = place_of(queries.unit(actor), _asked(request, "place"), _day(_asked(request, "on")))
    return place, {
        "place": place,
        "line": place.policy.packs,
        "choices": choices(library().on(place.day), place.id),
        "today": timezone.localdate(),
    }


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """The rules in force at the actor's place (or another), by business, subject and words."""
    place, shared = _whose(request)
    asked = {name: _asked(request, name) for name in ("q", "event", "topic")}
    rows = reading.rule_rows(place.policy, event=asked["event"], topic=asked["topic"], text=asked["q"])
    labels = reading.labels_of_events(place.policy)
    before = dict.fromkeys(name.partition(".")[0] for rule in place.policy.rules for name in rule.on)
    found = {topic_of(rule.id) for rule in place.policy.rules}
    shared |= {
        "rows": rows,
        "asked": asked,
        "events": [(name, labels.get(name, name)) for name in labels if name in before],
        "topics": sorted(((name, reading.topic_words(name)) for name in found), key=lambda item: item[1]),
        "print_url": "/rules/print/?" + urlencode({"place": place.id, "on": place.day.isoformat()}),
    }
    return render(request, "policy/rules.html", _context(request, _("规则"), **shared))


@require_GET
def printed(request: HttpRequest) -> HttpResponse:
    """Everything that holds at a place on a day, on paper."""
    place, shared = _whose(request)
    shared |= {
        "rows": reading.rule_rows(place.policy),
        "values": reading.value_rows(place.policy),
        "businesses": reading.business_rows(place.policy, place.day),
        "hash": place.policy.hash,
    }
    return render(request, "policy/print.html", shared)


@require_GET
def values(request: HttpRequest) -> HttpResponse:
    """Values in force, with what each text of the line says about them."""
    place, shared = _whose(request)
    text = _asked(request, "q")
    shared |= {
        "rows": reading.value_rows(place.policy, text),
        "text": text,
        "kept": [] if text else reading.retention_rows(place.policy),
        "numbers": [] if text else reading.scheme_rows(place.policy),
    }
    return render(request, "policy/values.html", _context(request, _("数值和期限"), **shared))


@require_GET
def businesses(request: HttpRequest) -> HttpResponse:
    """Who decides, which papers, which periods, by kind of case."""
    place, shared = _whose(request)
    business = _asked(request, "business")
    shared |= {
        "rows": reading.business_rows(place.policy, place.day, business),
        "business": business,
        "kinds": [(item.id, item.label) for item in place.policy.businesses()],
    }
    return render(request, "policy/businesses.html", _context(request, _("流程、材料、办理时间"), **shared))


@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Two places, or two days, side by side: what differs, with the articles of both."""
    actor = request.actor  # type: ignore[attr-defined]
    actor.require("policy.view")
    org = queries.unit(actor)
    left = place_of(org, _asked(request, "a"), _day(_asked(request, "a_on")))
    right = place_of(org, _asked(request, "b") or NATIONAL, _day(_asked(request, "b_on")))
    rows = between(left.policy, right.policy)
    same = len({rule.id for rule in left.policy.rules} & {rule.id for rule in right.policy.rules})
    context = _context(
        request,
        _("比较"),
        left=left,
        right=right,
        choices_a=choices(library().on(left.day), left.id),
        choices_b=choices(library().on(right.day), right.id),
        groups=grouped(rows),
        count=len(rows),
        same=same - sum(row.kind == "rule" and bool(row.left and row.right) for row in rows),
    )
    return render(request, "policy/compare.html", context)


def grouped(rows: tuple[Difference, ...]) -> list[tuple[str, list[Difference]]]:
    """Differences by kind, with the words for the kind."""
    words = {"param": _("数值和期限"), "chain": _("办理流程"), "rule": _("规则")}
    return [
        (label, found)
        for kind, label in words.items()
        if (found := [row for row in rows if row.kind == kind])
    ]


@lru_cache(maxsize=2)
def _conflicts(day: date) -> list[reading.ConflictRow]:
    packs = shipped()
    return reading.conflict_rows(packs, read_conflicts(data_dir("policies")), dispositions(packs), day)


@require_GET
def differences(request: HttpRequest) -> HttpResponse:
    """The questions that the texts at hand answer differently, and what the system makes of that."""
    request.actor.require("policy.view")  # type: ignore[attr-defined]
    text = _asked(request, "q").casefold()
    rows = [row for row in _conflicts(timezone.localdate()) if not text or text in str(row).casefold()]
    return render(
        request,
        "policy/differences.html",
        _context(request, _("各地差异"), rows=rows, text=_asked(request, "q")),
    )


@require_http_methods(["GET", "POST"])
def try_out(request: HttpRequest) -> HttpResponse:
    """A made-up case: the form asks what the rules of the event ask, the answer shows the whole trace."""
    place, shared = _whose(request)
    events = trying.events(place.policy)
    event = _asked(request, "event")
    if event not in dict(events):
        event = "transfer.apply" if "transfer.apply" in dict(events) else events[0][0]
    given = {name: request.POST.getlist(name) for name in request.POST}
    shared |= {
        "events": events,
        "event": event,
        "event_label": dict(events)[event],
        "questions": trying.questions(place.policy, event, given),
        "again": request.get_full_path(),
    }
    status = 200
    if request.method == "POST":
        known, fine = trying.facts(place.policy, event, given)
        try:
            trace = trying.run(place.policy, event, known, place.day) if fine else None
        except FactError as error:
            shared["error"], trace = str(error), None
        if trace is None:
            status = 422
        else:
            shared |= {
                "trace": trace,
                "answers": trying.answers(trace),
                "silent": trying.silent(place.policy, event, trace),
                "papers": trace.missing_docs,
            }
    return render(request, "policy/try.html", _context(request, _("试一试"), **shared), status=status)
