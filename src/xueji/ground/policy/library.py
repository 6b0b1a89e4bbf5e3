"""All packs of an installation: read from a folder, put in order, checked against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from xueji.ground.paths import data_dir
from xueji.ground.policy import inheritance
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.inheritance import Problem
from xueji.ground.policy.loader import extends_of, load_pack
from xueji.ground.policy.model import Pack, PackError, Transition, Where
from xueji.ground.policy.words import _

NATIONAL = "cn"
BESIDE = frozenset({"examples", "conflicts.toml"})


@dataclass(frozen=True, slots=True)
class PackFile:
    """A pack as text with the name it goes by in messages."""

    name: str
    text: str


def pack_paths(folder: Path) -> list[Path]:
    """Every ``*.toml`` below ``folder``, except what is kept beside the packs (examples, the conflicts)."""
    return [
        path for path in sorted(folder.rglob("*.toml")) if not BESIDE & set(path.relative_to(folder).parts)
    ]


class PolicyLibrary:
    """Checked packs by id. Nothing in it changes; a new version of a pack is a new library."""

    def __init__(self, packs: Mapping[str, Pack], texts: Mapping[str, str] | None = None) -> None:
        self._packs = dict(packs)
        self._texts = dict(texts or {})
        self._sets: dict[tuple[tuple[str, ...], date | None, date | None], PolicySet] = {}
        self._since: date | None = None
        self._until: date | None = None
        self._beyond: Callable[[Sequence[str], date], PolicySet] | None = None
        self._check_transitions()

    @classmethod
    def from_files(cls, files: Iterable[PackFile], *, checked: bool = False) -> PolicyLibrary:
        """Read packs in any order; PackError at the first that is wrong or says what it may not say.

        `checked`: they were in force once, so what they may say is not asked again.
        """
        files = list(files)
        packs = _load(files)
        for pack in packs.values() if not checked else ():
            for problem in inheritance.problems(pack, _ancestors(pack, packs)):
                raise PackError(problem.where, _describe(problem))
        return cls(packs, {extends_of(file.text, file.name)[0]: file.text for file in files})

    @classmethod
    def from_folder(cls, folder: Path) -> PolicyLibrary:
        """Read every pack below ``folder``."""
        return cls.from_files(
            PackFile(str(path.relative_to(folder)), path.read_text("utf-8")) for path in pack_paths(folder)
        )

    def ids(self) -> tuple[str, ...]:
        """All packs, parents before children."""
        return tuple(self._packs)

    def pack(self, pack_id: str) -> Pack:
        """One pack; KeyError when it is not there."""
        return self._packs[pack_id]

    def text_of(self, pack_id: str) -> str:
        """The text that a pack was read from; KeyError when it is not there."""
        return self._texts[pack_id]

    def files(self) -> list[PackFile]:
        """All packs as files, named as they were read."""
        return [PackFile(self._packs[name].file, text) for name, text in self._texts.items()]

    def on(self, day: date) -> PolicyLibrary:
        """The packs as they stand on a day; the same for packs of which no version is to follow."""
        return self

    def bounded(
        self, since: date | None, until: date | None, beyond: Callable[[Sequence[str], date], PolicySet]
    ) -> PolicyLibrary:
        """This library, speaking for the days from `since` to `until` only; for other days `beyond` is asked."""
        self._since, self._until, self._beyond = since, until, beyond
        return self

    def chain_of(self, pack_id: str) -> tuple[str, ...]:
        """The pack and all above it, the nation's first."""
        return (*(pack.id for pack in _ancestors(self._packs[pack_id], self._packs)), pack_id)

    def ids_for(self, division: str, school_code: str = "") -> tuple[str, ...]:
        """Packs that govern a place: ``cn``, ``cn-99``, ``cn-99-01`` (city), ``cn-99-0101`` (county), school.

        ``division`` is the six-digit code; places without a pack of their own follow the one above.
        Packs kept for reference govern nobody until a unit is bound to them by name.
        """
        province, city, county = division[:2], division[2:4], division[4:6]
        names = [NATIONAL]
        if province.strip("0"):
            names.append(f"{NATIONAL}-{province}")
        if city.strip("0"):
            names.append(f"{NATIONAL}-{province}-{city}")
        if county.strip("0"):
            names.append(f"{NATIONAL}-{province}-{city}{county}")
        if school_code:
            names.append(f"{NATIONAL}-{province}-{city}{county}-{school_code}")
        lowest = next(
            name for name in reversed(names) if name in self._packs and not self._packs[name].reference
        )
        return self.chain_of(lowest)

    def resolve(self, pack_ids: Sequence[str], on: date) -> PolicySet:
        """The rules of these packs (the nation's first, each extending the one before) on a day.

        Raises KeyError for an unknown pack, ValueError when they do not extend each other.
        """
        ids = tuple(pack_ids)
        inside = (self._since is None or self._since <= on) and (self._until is None or on <= self._until)
        if self._beyond is not None and not inside:
            return self._beyond(ids, on)
        for (key, start, end), held in list(self._sets.items()):  # other threads may add meanwhile
            if key == ids and (start is None or start <= on) and (end is None or on <= end):
                return held
        if ids != self.chain_of(ids[-1]):
            raise ValueError(_("这些规则文件不是逐级继承的：%s") % " → ".join(ids))
        policy = PolicySet([self._packs[name] for name in ids], on, lambda day: self.resolve(ids, day))
        starts = [day for day in (policy.valid_from, self._since) if day]
        ends = [day for day in (policy.valid_to, self._until) if day]
        policy.valid_from, policy.valid_to = max(starts, default=None), min(ends, default=None)
        self._sets[ids, policy.valid_from, policy.valid_to] = policy
        return policy

    def transitions(self) -> tuple[Transition, ...]:
        """Every change of state that any pack allows, by id: what the database enforces."""
        rows = {row.id: row for pack in self._packs.values() for row in pack.transitions}
        return tuple(rows[key] for key in sorted(rows))

    def _check_transitions(self) -> None:
        """An id means one change of state in all packs, and a change has one id along a line of packs."""
        by_id: dict[int, Transition] = {}
        by_key: dict[tuple[tuple[int, int, str, int], str], Transition] = {}
        for pack in self._packs.values():
            line = {pack.id, *(above.id for above in _ancestors(pack, self._packs))}
            for row in pack.transitions:
                twin = by_id.setdefault(row.id, row)
                same = next((by_key[row.key, name] for name in line if (row.key, name) in by_key), None)
                if twin is not row or same is not None:
                    other = twin if twin is not row else same
                    assert other is not None
                    raise PackError(
                        row.where,
                        _("状态变化 %(id)d 与 %(where)s 重复") % {"id": row.id, "where": other.where},
                    )
                by_key[row.key, pack.id] = row


def lint(files: Iterable[PackFile]) -> list[Problem]:
    """Everything that packs may not say, all at once; a pack that cannot be read is one problem."""
    try:
        packs = _load(files)
        PolicyLibrary(packs)
    except PackError as error:
        return [Problem(error.where, "", error.message)]
    return [found for pack in packs.values() for found in inheritance.problems(pack, _ancestors(pack, packs))]


@lru_cache(maxsize=1)
def shipped() -> PolicyLibrary:
    """The packs of the files of this installation, read once on first use."""
    return PolicyLibrary.from_folder(data_dir("policies"))


def library() -> PolicyLibrary:
    """The packs in force in the open transaction: the files, and over them the versions that places have approved.

    Read once per state of the packs; asking costs no query where the transaction was entered as an account.
    """
    from xueji.ground.policy import versions  # the tables are not there for lint and tools

    return versions.current()


def _describe(problem: Problem) -> str:
    by = _("（依据 %s）") % problem.forbidden_by if problem.forbidden_by else ""
    return f"{problem.subject}: {problem.message}{by}"


def _ancestors(pack: Pack, packs: Mapping[str, Pack]) -> list[Pack]:
    found: list[Pack] = []
    while pack.extends:
        pack = packs[pack.extends]
        found.insert(0, pack)
    return found


def _load(files: Iterable[PackFile]) -> dict[str, Pack]:
    """Read packs, parents first."""
    waiting: dict[str, tuple[PackFile, str]] = {}
    for file in files:
        pack_id, parent = extends_of(file.text, file.name)
        if pack_id in waiting:
            raise PackError(
                Where(file.name, 1),
                _("规则文件“%(id)s”与 %(other)s 重复") % {"id": pack_id, "other": waiting[pack_id][0].name},
            )
        waiting[pack_id] = (file, parent)
    packs: dict[str, Pack] = {}
    while waiting:
        ready = [name for name, (_file, parent) in waiting.items() if not parent or parent in packs]
        if not ready:
            file, parent = next(iter(waiting.values()))
            raise PackError(Where(file.name, 1), _("上级文件“%s”没有载入") % parent)
        for name in sorted(ready):
            file, parent = waiting.pop(name)
            above = [*_ancestors(packs[parent], packs), packs[parent]] if parent else []
            packs[name] = _read(file, above)
    return packs


_READ: dict[tuple[str, str, tuple[int, ...]], tuple[Pack, list[Pack]]] = {}
"""Packs read lately, by name, text and the very packs above: libraries that differ in one pack share the others."""
_MOST_READ = 400


def _read(file: PackFile, above: list[Pack]) -> Pack:
    key = (file.name, file.text, tuple(id(pack) for pack in above))
    held = _READ.get(key)
    if held is None:
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        held = _READ[key] = (
            load_pack(file.text, file.name, above),
            above,
        )  # keeps `above`, and so its ids, alive
    return held[0]
