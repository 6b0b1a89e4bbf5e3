"""Writing and publishing the notice on a page: a draft, a second person, a version with its day (个人信息保护法 7, 14, 17, 31).

The notice binds every family of the installation, so the uppermost unit alone writes it, and never one person alone:
whoever wrote on a draft does not publish it. Where it changes what consents rest on, those consents are asked anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.standards.codes import read_rows

from . import queries
from .bootstrap import digest
from .models import DraftState, NoticeDraft, NoticeReading, PolicyNotice

WRITE, PUBLISH = "notice.write", "notice.publish"
#: A text of more is no notice that anybody reads.
LONGEST, MOST_SECTIONS = 20_000, 40
LEAST_WORDS = 4
#: A version may lie so many days ahead.
FURTHEST = 365


class NoticeError(ValueError):
    """Refused; `message` says why, with the article where one stands behind it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Point:
    """Something that the law wants told, the words by which it is looked for, and the article."""

    code: str
    name: str
    words: tuple[str, ...]
    cite: str


@lru_cache(maxsize=1)
def points() -> tuple[Point, ...]:
    """The lines of `standards/notice_points.csv`."""
    return tuple(
        Point(
            r["code"],
            r["name"],
            tuple(r["words"].split("|")),
            _("《%(law)s》%(article)s") % {"law": r["source"], "article": r["article"]},
        )
        for r in read_rows("notice_points.csv")
    )


def missing(title: str, body: list[dict[str, Any]]) -> list[Point]:
    """What the law wants told and no word of the text speaks of."""
    text = title + "".join(s["title"] + "".join(s["text"]) for s in body)
    return [p for p in points() if not any(w in text for w in p.words)]


def consents() -> dict[str, str]:
    """What consents are asked about: code and title, as `standards/consents.csv` has them."""
    return {r["code"]: r["title"] for r in read_rows("consents.csv")}


def parsed(text: str) -> list[dict[str, Any]]:
    """Sections of a text as it is typed: a line that begins with # is a title, every other line a paragraph.

    Raises `NoticeError` with the line that is wrong.
    """
    if len(text) > LONGEST:
        raise NoticeError(_("全文最多 %s 字, 太长没有人看") % LONGEST)
    body: list[dict[str, Any]] = []
    for no, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            title = line.lstrip("#").strip()
            if not title:
                raise NoticeError(_("第 %s 行: # 后面要写小标题") % no)
            body.append({"title": title[:100], "text": []})
        elif line and not body:
            raise NoticeError(_("第 %s 行: 先用 # 开头写一个小标题, 再写内容") % no)
        elif line:
            body[-1]["text"].append(line)
    if not body:
        raise NoticeError(_("请写告知书的内容"))
    if len(body) > MOST_SECTIONS:
        raise NoticeError(_("最多 %s 节") % MOST_SECTIONS)
    if empty := next((s["title"] for s in body if not s["text"]), ""):
        raise NoticeError(_("“%s”下面没有内容") % empty)
    return body


def typed(body: list[dict[str, Any]]) -> str:
    """Sections as they are typed."""
    return "\n\n".join("\n".join([f"# {s['title']}", *s["text"]]) for s in body)


def keeps(actor: Any) -> bool:
    """Whether the actor's unit answers for the installation: the uppermost one."""
    return bool(actor.org_path.count("/") == 2)


def _require(actor: Any, action: str) -> None:
    actor.require(action)
    if not keeps(actor):
        raise PermissionDenied(_("隐私政策对全系统有效, 由最上级单位编写和公布"))


def opened(actor: Any) -> NoticeDraft | None:
    """The draft that is open, for the unit that writes it; one query."""
    actor.require("privacy.view")
    if not keeps(actor):
        return None
    with acting("writer"):
        return NoticeDraft.objects.filter(open=True).first()


def history(actor: Any, limit: int = 20) -> list[NoticeDraft]:
    """Drafts that were published or dropped, newest first, without their texts."""
    actor.require("privacy.view")
    if not keeps(actor):
        return []
    with acting("writer"):
        return list(NoticeDraft.objects.filter(open=False).defer("body").order_by("-id")[:limit])


def save(
    actor: Any, *, title: str, text: str, since: date | None, renews: list[str], why: str, turn: int
) -> NoticeDraft:
    """Begin the draft or write on it; what was sent comes back to be sent again. `turn` is the one that was read (0: none).

    Raises PermissionDenied, `NoticeError` (somebody else saved meanwhile, nothing to read, a day that cannot be).
    """
    _require(actor, WRITE)
    body = parsed(text)
    if len(title.strip()) < LEAST_WORDS:
        raise NoticeError(_("请写告知书的名称"))
    if len(why.strip()) < LEAST_WORDS:
        raise NoticeError(_("请写明这一版改了什么、为什么改"))
    day = _day(since)
    asked = [c for c in consents() if c in renews]
    with transaction.atomic(), acting("writer"):
        row = NoticeDraft.objects.select_for_update().filter(open=True).first()
        if (row.turn if row is not None else 0) != turn:
            raise NoticeError(_("别人刚刚保存过草稿。请打开最新的草稿, 再把您的修改写进去"))
        row = row or NoticeDraft(turn=0)
        row.title, row.body, row.since, row.renews = title.strip()[:100], body, day, asked
        row.why, row.state, row.turn = " ".join(why.split())[:300], DraftState.DRAFT, row.turn + 1
        row.writers = sorted({*row.writers, actor.user_id})
        row.saved_by, row.saved_name, row.saved_at = actor.user_id, actor.user_name, timezone.now()
        row.opinion = ""
        row.save()
    _tell(actor, "save", row)
    return row


def send(actor: Any, turn: int) -> NoticeDraft:
    """Ask a second person to publish what was saved. Raises PermissionDenied, Http404, `NoticeError` with what is missing."""
    _require(actor, WRITE)
    with transaction.atomic(), acting("writer"):
        row = _locked(turn, DraftState.DRAFT)
        if lacks := missing(row.title, row.body):
            raise NoticeError(
                _("依法必须告知的还没有写到: %s") % "; ".join(f"{p.name}({p.cite})" for p in lacks)
            )
        row.state = DraftState.SENT
        row.save(update_fields=["state"])
    _tell(actor, "send", row)
    return row


def publish(actor: Any, turn: int) -> PolicyNotice:
    """The second person publishes: a version from its day on, which every family is shown once.

    Raises PermissionDenied, Http404, `NoticeError` (wrote on it, the day is over).
    """
    _require(actor, PUBLISH)
    now = timezone.now()
    with transaction.atomic(), acting("writer"):
        row = _locked(turn, DraftState.SENT)
        if actor.user_id in row.writers:
            raise NoticeError(_("写过这份草稿的人不能公布它, 请另一位负责人公布"))
        day = max(row.since, timezone.localdate(now))
        made = PolicyNotice.objects.create(
            version=_version(day),
            since=day,
            title=row.title,
            body=row.body,
            digest=digest(row.title, row.body),
            published_by=actor.user_id,
            published_name=actor.user_name,
            renews=row.renews,
        )
        row.state, row.open, row.version, row.since = DraftState.PUBLISHED, False, made.version, day
        row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, now
        row.save()
    _tell(actor, "publish", row, digest_=made.digest)
    return made


def refuse(actor: Any, turn: int, opinion: str) -> NoticeDraft:
    """The second person gives it back with a reason. Raises PermissionDenied, Http404, `NoticeError`."""
    _require(actor, PUBLISH)
    if len(opinion.strip()) < LEAST_WORDS:
        raise NoticeError(_("退回请写明理由"))
    with transaction.atomic(), acting("writer"):
        row = _locked(turn, DraftState.SENT)
        row.state, row.opinion = DraftState.DRAFT, " ".join(opinion.split())[:300]
        row.save(update_fields=["state", "opinion"])
    _tell(actor, "refuse", row)
    return row


def drop(actor: Any, turn: int) -> NoticeDraft:
    """Give the draft up; it stays in the list. Raises PermissionDenied, Http404."""
    _require(actor, WRITE)
    with transaction.atomic(), acting("writer"):
        row = _locked(turn, DraftState.DRAFT, DraftState.SENT)
        row.state, row.open = DraftState.DROPPED, False
        row.decided_by, row.decided_name, row.decided_at = actor.user_id, actor.user_name, timezone.now()
        row.save()
    _tell(actor, "drop", row)
    return row


def _day(since: date | None) -> date:
    today = timezone.localdate()
    if since is None:
        raise NoticeError(_("请选择从哪天起施行"))
    if not today <= since <= today + timedelta(days=FURTHEST):
        raise NoticeError(_("施行日期在今天以后的一年之内"))
    return since


def _version(day: date) -> str:
    """The month of its day; a second one of a month is numbered."""
    name = f"{day:%Y-%m}"
    taken = set(PolicyNotice.objects.filter(version__startswith=name).values_list("version", flat=True))
    return next(v for v in (name, *(f"{name}-{n}" for n in range(2, 1000))) if v not in taken)


def _locked(turn: int, *states: str) -> NoticeDraft:
    row = NoticeDraft.objects.select_for_update().filter(open=True).first()
    if row is None:
        raise Http404
    if row.turn != turn or row.state not in states:
        raise NoticeError(_("草稿刚刚有变化, 请看过最新的再办"))
    return row


def _tell(actor: Any, what: str, row: NoticeDraft, digest_: str = "") -> None:
    after = {"state": str(row.state), "turn": row.turn, "since": row.since.isoformat(), "renews": row.renews}
    if row.version:
        after |= {"version": row.version, "digest": digest_}
    record(actor, f"notice.{what}", object_type="notice_draft", object_id=row.pk, after=after)


def renewed(day: date | None = None) -> dict[str, str]:
    """Which questions of consent were asked anew by which version, the last one of each; one query."""
    rows = (
        PolicyNotice.objects.filter(since__lte=day or timezone.localdate())
        .exclude(renews=[])
        .order_by("since", "published_at")
        .values_list("version", "renews")
    )
    return {code: version for version, codes in rows for code in codes}


def readers() -> int:
    """How many accounts of families were shown the version in force."""
    found = queries.current()
    if found is None:
        return 0
    with acting("writer"):
        return NoticeReading.objects.filter(version=found.version).count()
