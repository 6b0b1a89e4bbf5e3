"""The working first page: what waits in each room for whoever is signed in.

Every room says what it would ask (`ground.waiting.Ask`); all of it goes to the database in one statement. Lists with rows
of their own (cases, the year's lists, batches of a sheet) are asked for only if that statement found any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor, today
from xueji.ground.accounts.roles import AUTHORITY, TEACHERS, Role
from xueji.ground.orgs import queries as orgs
from xueji.ground.orgs.queries import ClassRow
from xueji.ground.policy.engine import PolicySet
from xueji.ground.posts import queries as posts
from xueji.ground.waiting import Ask, Heap, gather
from xueji.office.cards import queries as cards
from xueji.office.exports import queries as exports
from xueji.registry.admission import queries as admission
from xueji.registry.changes import absences, handing, placing
from xueji.registry.changes import queries as changes
from xueji.registry.charge import queries as charge
from xueji.registry.collect import arrivals
from xueji.registry.collect import queries as collect
from xueji.registry.creation import queries as creation
from xueji.registry.dropout import queries as dropout
from xueji.registry.duplicates import listing as duplicates
from xueji.registry.exams import queries as exams
from xueji.registry.family import requests as family
from xueji.registry.intake import queries as intake
from xueji.registry.photos import queries as photos
from xueji.registry.placement.queries import asks as placement
from xueji.registry.placement.queries import roster, terms
from xueji.registry.population import queries as population
from xueji.registry.problems import queries as problem_records
from xueji.registry.relay import queries as relay
from xueji.registry.submission import queries as submission
from xueji.registry.submission.terms import Term
from xueji.registry.takeover import queries as takeover
from xueji.registry.yearly import queries as yearly
from xueji.registry.yearly import stamps

from . import queries


@dataclass(frozen=True)
class Row:
    """A line of the to-dos: what, how much, what is to be done, until when or since when, and where."""

    url: str
    title: str
    place: str = ""
    kind: str = ""
    due: str = ""
    over: bool = False


@dataclass(frozen=True)
class Card:
    """The to-dos of one room."""

    label: str
    icon: str
    rows: Sequence[Row]
    link: str = ""


def work(actor: Actor) -> dict[str, Any]:
    """The parts of a working first page that this role has; nine statements or so, whatever the number of rooms."""
    policy = queries.policy_for(actor)
    sits = actor.can("case.decide") or actor.can("case.start")
    term = Term(*dropout.term_now(today())) if actor.classes else Term(0, 1)
    classes = _classes(actor)
    asks = _asks(actor, policy, term, classes)
    found = gather(asks)
    out: dict[str, Any] = {
        "rooms": [card for card in _cards(actor, found) if card.rows],
        "absences": found.get("absences"),
        "problems": found.get("problems"),
        "problem_records": found.get("problem_records"),
        "dropout": found.get("dropout"),
        "enrolled": found.get("enrolled"),
        "windows": queries.windows(policy, today()),
    }
    if sits:
        load: changes.Load = found["cases"]
        todo = changes.todo(actor, limit=20, known=load)
        words = {
            "pressed": _("超期督办"),
            "overdue": _("已超时"),
            "today": _("今天到期"),
            "soon": _("3个工作日内"),
            "later": _("其他"),
        }
        out["todo"] = todo
        out["todo_count"] = todo.total  # what the top bar shows, counted once
        out["todo_groups"] = [
            (words[k], k in ("pressed", "overdue"), rows) for k, rows in todo.groups.items()
        ]
        if actor.can("case.start"):
            out["started"] = changes.started(actor, limit=10) if load.started else []
    year: yearly.Year | None = found.get("year")
    if year is not None:
        out["year_lists"] = yearly.todo(actor) if year.lists else []
        out["year_waiting"] = year.heaps
    if found.get("batches"):
        out["batches"] = intake.batches(actor, limit=10, show="open")
    if actor.role in TEACHERS:
        heads = found["heads"]
        out["class_changes"] = queries.class_changes({c.id: c.label for c in classes})
        out["my_classes"] = [{"row": c, "heads": heads.get(c.id, queries.Heads())} for c in classes]
    return out


def _classes(actor: Actor) -> list[ClassRow]:
    if actor.role not in TEACHERS or not actor.classes:
        return []
    return [c for c in orgs.classes_of(actor.org_id or 0) if c.id in actor.classes]


def _asks(
    actor: Actor, policy: PolicySet, term: Term, classes: Sequence[ClassRow]
) -> dict[str, Ask[Any] | None]:
    """What each room is asked on behalf of this role."""
    can = actor.can
    school = actor.org_kind == "school"
    start, sits = can("case.start"), can("case.decide") or can("case.start")
    teacher = actor.role in TEACHERS
    wanted: tuple[tuple[str, bool, Any], ...] = (
        ("charge", True, lambda: charge.waiting(actor)),
        ("entries", can("org.review"), lambda: orgs.entries_waiting(actor)),
        ("officers", can("officer.note"), lambda: posts.waiting(actor)),
        ("cases", sits, lambda: changes.load(actor)),
        ("strikes", sits, lambda: handing.waiting(actor)),
        ("stamps", can("stamp.give") or can("stamp.ask"), lambda: stamps.waiting(actor)),
        ("exams", can("exam.enter") and school and not teacher, lambda: exams.waiting(actor)),
        ("placing", can("placing.view"), lambda: placing.waiting(actor)),
        ("relay", sits, lambda: relay.waiting(actor)),
        ("absences", start, lambda: absences.waiting(actor)),
        ("collect", can("collect.check") or can("collect.confirm"), lambda: collect.waiting(actor)),
        (
            "keys",
            (can("collect.check") or can("collect.confirm")) and start,
            lambda: collect.keys_ask(actor),
        ),
        ("arrivals", can("collect.open") and school, lambda: arrivals.ask(actor)),
        ("family", can("family.answer"), lambda: family.waiting(actor)),
        ("placement", can("placement.view"), lambda: placement.waiting(actor)),
        ("unplaced", can("placement.view") and can("placement.write"), lambda: roster.without_class(actor)),
        (
            "terms",
            can("placement.view") and bool(classes),
            lambda: terms.waiting(actor, term.year, term.number, {c.id: c.label for c in classes}),
        ),
        ("exports", can("export.approve") or can("export.apply"), lambda: exports.waiting(actor)),
        ("cards", can("card.run") or can("card.seal"), lambda: cards.waiting(actor)),
        ("year", can("yearly.view"), lambda: yearly.load(actor)),
        ("admission", can("admission.view"), lambda: admission.waiting(actor)),
        ("submission", can("headcount.view"), lambda: submission.waiting(actor, term)),
        ("batches", can("intake.import"), lambda: intake.waiting(actor)),
        ("creation", can("creation.view"), lambda: creation.waiting(actor, policy)),
        ("duplicates", can("duplicate.check"), lambda: duplicates.waiting(actor)),
        ("population", can("population.view"), lambda: population.heaps(actor)),
        ("takeover", can("takeover.view") and school, lambda: takeover.waiting(actor)),
        ("photos", can("student.edit") and school, lambda: photos.waiting(actor)),
        ("problem_records", can("problem.view"), lambda: problem_records.waiting(actor)),
        ("dropout", can("dropout.view"), lambda: dropout.waiting(actor)),
        (
            "problems",
            school and not teacher and actor.org_id is not None,
            lambda: queries.problems(actor.org_id or 0),
        ),
        ("heads", teacher, lambda: queries.heads([c.id for c in classes])),
        (
            "enrolled",
            actor.role in AUTHORITY or actor.role == Role.SCHOOL_HEAD,
            lambda: queries.enrolled(actor.org_path),
        ),
    )
    return {name: ask() for name, may, ask in wanted if may}


def _cards(actor: Actor, found: dict[str, Any]) -> Iterable[Card]:
    """The to-dos of the rooms in the order of the page."""
    yield Card(
        _("岗位职责"),
        "shield-check",
        [*_charge(found["charge"]), *_heaps(_some(found, "entries")), *_heaps(_some(found, "officers"))],
    )
    yield Card(_("招生入学"), "user-plus", _heaps(found.get("admission")), "/admission/")
    yield Card(_("建籍与学籍号"), "upload", _heaps([*_some(found, "creation"), *_some(found, "takeover")]))
    yield Card(
        _("查重与核验"), "report-search", _heaps([*_some(found, "duplicates"), *_some(found, "population")])
    )
    yield Card(_("上报与核对"), "send", [_submission(t) for t in found.get("submission") or ()])
    yield Card(_("信息采集"), "clipboard-list", list(_collect(found)))
    yield Card(_("学生照片"), "photo", _heaps(found.get("photos")))
    yield Card(_("家长申请"), "help-circle", _heaps(_some(found, "family")))
    yield Card(_("班级年级"), "school", list(_placement(found)))
    yield Card(_("学生信息导出"), "file-export", _heaps(_some(found, "exports")))
    yield Card(_("学生证件"), "certificate", _heaps(_some(found, "cards")), "/cards/batches/")
    yield Card(_("档案移交"), "archive", _heaps(_some(found, "strikes")), "/cases/?tab=strike")
    yield Card(_("学籍验章"), "certificate", _heaps(found.get("stamps")), "/yearly/stamps/")
    yield Card(_("考试报名"), "award", _heaps(found.get("exams")), "/exams/")
    yield Card(_("转学统筹安排"), "school", _heaps(found.get("placing")), "/cases/placing/")
    yield Card(_("跨省转学"), "world", _heaps(_some(found, "relay")))


def _some(found: dict[str, Any], name: str) -> Sequence[Heap]:
    held = found.get(name)
    if held is None:
        return ()
    return [held] if isinstance(held, Heap) else list(held)


def _heaps(heaps: Iterable[Heap] | None) -> list[Row]:
    return [
        Row(h.url, str(h.title), h.count, str(h.kind), when(h.due, h.since), h.late or _past(h.due))
        for h in heaps or ()
        if h.n
    ]


def _past(due: date | None) -> bool:
    return due is not None and due < today()


#: Beyond so many days nobody counts them: pupils without a photo have been without one for years.
_LONG = 366


def when(due: date | None, since: date | None) -> str:
    """The deadline in words, or how long the oldest has waited, or nothing."""
    if due is not None:
        return changes.due_words(due, today())
    if since is None:
        return ""
    days = (today() - since).days
    if days > _LONG:
        return _("一年以上")
    return _("最早 %s 天前") % days if days > 0 else _("今天")


def _charge(held: dict[str, Any]) -> Iterable[Row]:
    if n := held["authorisations"]:
        yield Row(reverse("charge:authorisations"), _("申请修改学籍信息"), _("%s 件") % n, _("待授权"))
    if n := held["emergencies"]:
        yield Row(reverse("charge:emergencies"), _("紧急查阅"), _("%s 次") % n, _("待知悉"))
    for h in held["hand_overs"]:
        title = _("%s 移交给您的工作") % h["from_name"]
        yield Row(reverse("charge:hand_over", args=[h["pk"]]), title, "", _("待核对确认"))
    duty = held["duty"]
    if duty.soon:
        title = _("保密承诺与培训即将到期")
        yield Row(reverse("duty:own"), title, "", _("续签和复训"), duty.due.isoformat())


def _submission(todo: submission.Todo) -> Row:
    due = todo.due.replace("—", "") if todo.since is None else when(None, todo.since)
    return Row(todo.url, todo.title, "", todo.kind, due, todo.over)


def _collect(found: dict[str, Any]) -> Iterable[Row]:
    for t in found.get("collect") or ():
        parts = (
            (t.checking, _("%s 份待核对")),
            (t.checked, _("%s 份待学校确认")),
            (t.mine, _("%s 份退回给您修改")),
            (t.later, _("%s 个延期申请")),
            (t.waiting, _("%s 人没交")),
        )
        place = " ".join(words % n for n, words in parts if n)
        url = reverse("collect:task", args=[t.task_id])
        yield Row(url, t.title, place, _("采集核对"), when(t.due_on, None), _past(t.due_on))
    n, since = found.get("keys") or (0, None)
    if n:
        yield Row(
            "/collect/keys/",
            _("采集中的关键信息更正"),
            _("%s 件") % n,
            _("待发起业务"),
            when(None, since),
        )
    n, since = found.get("arrivals") or (0, None)
    if n:
        yield Row("/collect/arrivals/", _("转入学生待采集"), _("%s 名") % n, _("待采集"), when(None, since))


def _placement(found: dict[str, Any]) -> Iterable[Row]:
    yield from _heaps(_some(found, "unplaced"))
    words = {
        "decide": ("/placement/entries/", _("插班、对调申请"), _("%s 件"), _("待审批")),
        "assign": ("/placement/entries/", _("已批准的插班学生"), _("%s 名"), _("待安排班级")),
        "claims": ("/placement/claims/", _("班主任认领的学生"), _("%s 名"), _("待审批")),
        "receive": ("/placement/entries/", _("插班学生"), _("%s 名"), _("待接收")),
    }
    for key, (n, since) in (found.get("placement") or {}).items():
        if n:
            url, title, place, kind = words[key]
            yield Row(url, title, place % n, kind, when(None, since))
    yield from _heaps(_some(found, "terms"))
