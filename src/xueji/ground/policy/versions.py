"""Packs in force: the files, and over them the versions that places have approved, each from its day.

Every state of the tables has a token. A process keeps the libraries of the last tokens that it saw; another process's
approval is seen with the next transaction, because that reads another token. Cases keep a hash: `at` finds the packs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from xueji.ground.policy import epoch
from xueji.ground.policy.engine import PolicySet, line_hash
from xueji.ground.policy.library import PackFile, PolicyLibrary, shipped
from xueji.ground.policy.loader import extends_of
from xueji.ground.policy.model import Pack, Transition

_HELD: OrderedDict[str, PolicyLibrary] = OrderedDict()
_LOCK = threading.Lock()
_KEEP = 4


@dataclass(frozen=True)
class Active:
    """A version of a pack and the day from which it holds."""

    pack: str
    text: str
    start: date


class UnknownHash(KeyError):
    """No packs of this installation have this hash."""


class DatedLibrary(PolicyLibrary):
    """Several libraries in turn: which one speaks is decided by the day asked about, or today."""

    def __init__(self, spans: Sequence[tuple[date | None, PolicyLibrary]]) -> None:
        super().__init__({})
        self._spans = list(spans)
        for i, (start, one) in enumerate(self._spans):
            end = self._spans[i + 1][0] if i + 1 < len(self._spans) else None
            one.bounded(start, end - timedelta(days=1) if end else None, self.resolve)

    def spans(self) -> list[tuple[date | None, PolicyLibrary]]:
        """The libraries with the first day of each."""
        return list(self._spans)

    def on(self, day: date) -> PolicyLibrary:
        """The library that speaks on a day."""
        return next(one for start, one in reversed(self._spans) if start is None or start <= day)

    def _now(self) -> PolicyLibrary:
        return self.on(timezone.localdate())

    def ids(self) -> tuple[str, ...]:
        """See `PolicyLibrary`; of today."""
        return self._now().ids()

    def pack(self, pack_id: str) -> Pack:
        """See `PolicyLibrary`; of today."""
        return self._now().pack(pack_id)

    def text_of(self, pack_id: str) -> str:
        """See `PolicyLibrary`; of today."""
        return self._now().text_of(pack_id)

    def files(self) -> list[PackFile]:
        """See `PolicyLibrary`; of today."""
        return self._now().files()

    def chain_of(self, pack_id: str) -> tuple[str, ...]:
        """See `PolicyLibrary`; of today."""
        return self._now().chain_of(pack_id)

    def ids_for(self, division: str, school_code: str = "") -> tuple[str, ...]:
        """See `PolicyLibrary`; of today."""
        return self._now().ids_for(division, school_code)

    def transitions(self) -> tuple[Transition, ...]:
        """See `PolicyLibrary`; of today."""
        return self._now().transitions()

    def resolve(self, pack_ids: Sequence[str], on: date) -> PolicySet:
        """The rules of a place on a day, from the versions in force that day.

        A pack that did not stand yet on that day is left out; the ones above it speak.
        """
        one, line = self.on(on), list(pack_ids)
        while len(line) > 1 and line[-1] not in one.ids():
            line.pop()
        return one.resolve(one.chain_of(line[-1]), on)


def current() -> PolicyLibrary:
    """The packs of the open transaction; see `library.library`."""
    try:
        token = epoch.token()
    except ImproperlyConfigured:
        token = None
    return shipped() if token is None else _of(token)


def _of(token: str) -> PolicyLibrary:
    with _LOCK:
        if token in _HELD:
            _HELD.move_to_end(token)
            return _HELD[token]
    found = assemble(active())
    with _LOCK:
        _HELD[token] = found
        while len(_HELD) > _KEEP:
            _HELD.popitem(last=False)
    return found


def active() -> list[Active]:
    """Every version ever approved with its first day, in the order of approval. One query."""
    from xueji.ground.policy.models import PolicyActivation

    rows = PolicyActivation.objects.order_by("id").values_list("pack", "version__text", "effective_on")
    return [Active(*row) for row in rows]


def assemble(versions: Iterable[Active]) -> PolicyLibrary:
    """The files with these versions over them, each from its day. Of two for one day the later in order holds.

    Raises PackError, naming the file and line, when packs of some day do not go together.
    """
    ordered = sorted(versions, key=lambda version: version.start)  # stable: the order of approval stays
    if not ordered:
        return shipped()
    base = {extends_of(file.text, file.name)[0]: file for file in shipped().files()}
    spans: list[tuple[date | None, PolicyLibrary]] = [(None, PolicyLibrary.from_files(base.values()))]
    for start in sorted({version.start for version in ordered}):
        over = {version.pack: version.text for version in ordered if version.start <= start}
        files = base | {name: PackFile(file_name(name), text) for name, text in over.items()}
        spans.append((start, PolicyLibrary.from_files(files.values())))
    return DatedLibrary(spans)


def file_name(pack_id: str) -> str:
    """The name by which a version out of the database goes in messages, and under which it is exported."""
    return f"{pack_id}.toml"


def remember(packs: PolicyLibrary) -> None:
    """Store the texts and the lines of all packs, so that every hash can be found again.

    As owner or in the writing role. What is there already stays.
    """
    from xueji.ground.policy.models import PolicyLine, PolicyVersion

    for _start, one in packs.spans() if isinstance(packs, DatedLibrary) else [(None, packs)]:
        found = [one.pack(name) for name in one.ids()]
        PolicyVersion.objects.bulk_create(
            [
                PolicyVersion(
                    sha256=pack.sha256,
                    pack=pack.id,
                    title=pack.title[:100],
                    version=pack.version[:60],
                    text=one.text_of(pack.id),
                )
                for pack in found
            ],
            ignore_conflicts=True,
        )
        lines = {pack.id: _line(one, pack.id) for pack in found}
        PolicyLine.objects.bulk_create(
            [
                PolicyLine(hash=line_hash(line), packs=[list(item) for item in line])
                for line in lines.values()
            ],
            ignore_conflicts=True,
        )


def at(policy_hash: str, on: date) -> PolicySet:
    """The rules that had this hash, as they stood on a day: with the facts that a case keeps they answer the same.

    Raises UnknownHash when no packs of this installation ever had it.
    """
    one = _library_at(policy_hash)
    return one.resolve(one.ids(), on)


@lru_cache(maxsize=32)
def _library_at(policy_hash: str) -> PolicyLibrary:
    from xueji.ground.policy.models import PolicyLine, PolicyVersion

    here = shipped()
    for name in here.ids():
        if line_hash(_line(here, name)) == policy_hash:
            return PolicyLibrary(
                {i: here.pack(i) for i in here.chain_of(name)},
                {i: here.text_of(i) for i in here.chain_of(name)},
            )
    line = PolicyLine.objects.filter(pk=policy_hash).values_list("packs", flat=True).first()
    if line is None:
        raise UnknownHash(policy_hash)
    texts = dict(
        PolicyVersion.objects.filter(pk__in=[sha for _name, sha in line]).values_list("sha256", "text")
    )
    return PolicyLibrary.from_files(
        [PackFile(file_name(name), texts[sha]) for name, sha in line], checked=True
    )


def _line(packs: PolicyLibrary, pack_id: str) -> list[tuple[str, str]]:
    return [(name, packs.pack(name).sha256) for name in packs.chain_of(pack_id)]
