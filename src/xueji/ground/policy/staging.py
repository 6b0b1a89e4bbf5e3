"""Checking the text of a proposed version: everything that is wrong with it, with file and line, before it is stored."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org, OrgKind
from xueji.ground.policy import places, versions
from xueji.ground.policy.compare import Difference, between
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.inheritance import Problem
from xueji.ground.policy.library import PackFile, PolicyLibrary, lint
from xueji.ground.policy.loader import extends_of, parse_toml
from xueji.ground.policy.model import Pack, PackError, Where

MOST_CHARACTERS = 400_000
"""The longest pack that is accepted; the longest at hand is a quarter of it."""
_CONTEXT = 3


@dataclass(frozen=True)
class Checked:
    """A text that may be staged, as it would be from its day on."""

    pack: Pack
    text: str
    start: date
    after: PolicyLibrary
    """All packs as they would be from the day on."""
    before: PolicyLibrary
    """All packs as they are on that day without it."""
    left_out: tuple[str, ...] = ()
    """Packs below that extend something higher than this one, and so are not touched by it."""

    @property
    def old(self) -> PolicySet:
        """The rules of the place on that day without it."""
        one = self.before
        name = self.pack.id if self.pack.id in one.ids() else self.pack.extends
        return one.resolve(one.chain_of(name), self.start)

    @property
    def new(self) -> PolicySet:
        """The rules of the place on that day with it."""
        return self.after.resolve(self.after.chain_of(self.pack.id), self.start)


class Unacceptable(ValueError):
    """The text cannot be staged; `problems` name file and line, and the article that forbids what is said."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def check(org: Org, text: str, start: date, *, again: bool = False) -> Checked:
    """Check a text as the new version of a unit's own pack from a day on. Raises `Unacceptable`; writes nothing.

    `again`: it is being approved, so that being equal to what holds by then is no fault.
    """
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    own = places.own_pack(org)
    name = versions.file_name(own or "pack")
    if not own:
        raise Unacceptable([Problem(Where(name, 1), "", _("本单位没有自己的规则文件"))])
    if len(text) > MOST_CHARACTERS:
        raise Unacceptable([Problem(Where(name, 1), "", _("文件太大"))])
    found = list(_head(org, own, text, name, start))
    if found:
        raise Unacceptable(found)
    known = versions.active()
    before = versions.assemble(known)
    found = _everywhere(own, name, text, known, start)
    if found:
        raise Unacceptable(found)
    after = versions.assemble([*known, versions.Active(own, text, start)])
    pack = after.on(start).pack(own)
    found = list(_beyond(pack, before))
    if not again and own in before.on(start).ids() and before.on(start).pack(own).sha256 == pack.sha256:
        found.append(Problem(pack.where, own, _("内容与当天生效的版本相同")))
    if found:
        raise Unacceptable(found)
    return Checked(pack, text, start, after.on(start), before.on(start), _skipping(pack, after.on(start)))


def _head(org: Org, own: str, text: str, name: str, start: date) -> Iterator[Problem]:
    """Whose file it is: own id, own tier, extending the nearest above. Nobody steps over the unit above him."""
    try:
        pack_id, extends = extends_of(text, name)
        head = parse_toml(text, name)["pack"]
    except PackError as error:
        yield Problem(error.where, "", error.message)
        return
    line = next((i for i, row in enumerate(text.split("\n"), 1) if row.strip() == "[pack]"), 1)
    where, packs = Where(name, line), versions.current().on(start)
    parent = places.parent_of(org, packs)
    if pack_id != own:
        yield Problem(
            where,
            pack_id,
            _("只能提交本单位自己的规则文件“%(own)s”，不能是“%(id)s”") % {"own": own, "id": pack_id},
        )
        return
    tier = places.TIER.get(OrgKind(org.kind), "")
    if head.get("tier") != tier:
        yield Problem(where, pack_id, _("层级 tier 应为 %s") % tier)
    if extends != parent:
        yield Problem(where, pack_id, _("上级文件 extends 应为“%s”，不能越过上级") % parent)
    bound = Org.objects.filter(policy=own).exclude(pk=org.pk).exists()
    if bound:
        yield Problem(where, pack_id, _("另有单位绑定了这个规则文件，不能由一个单位修改"))
    reference = own in packs.ids() and packs.pack(own).reference
    if bool(head.get("reference")) is not reference:
        yield Problem(where, pack_id, _("reference 不能改动"))


def _everywhere(own: str, name: str, text: str, known: list[versions.Active], start: date) -> list[Problem]:
    """What the packs may not say, together, on the day and after every version that is to follow."""
    found: dict[str, Problem] = {}
    days = [start, *sorted({version.start for version in known if version.start > start})]
    for day in days:
        over = {
            version.pack: version.text
            for version in sorted(known, key=lambda v: v.start)
            if version.start <= day
        }
        if not any(
            version.pack == own and version.start > start and version.start <= day for version in known
        ):
            over[own] = text
        files = {extends_of(file.text, file.name)[0]: file for file in versions.shipped().files()}
        files |= {pack: PackFile(versions.file_name(pack), body) for pack, body in over.items()}
        files[own] = PackFile(name if over.get(own) == text else files[own].name, files[own].text)
        found |= {f"{problem}": problem for problem in lint(files.values())}
    return list(found.values())


def _beyond(pack: Pack, before: PolicyLibrary) -> Iterator[Problem]:
    """What only an upgrade of the system may bring: changes of state that the database does not know."""
    known = {row.key for row in before.transitions()}
    for row in pack.transitions:
        if row.key not in known:
            yield Problem(row.where, str(row.id), _("新的状态变化要随系统升级，不能由规则文件带来"))


def _skipping(pack: Pack, packs: PolicyLibrary) -> tuple[str, ...]:
    """Packs of units below that do not stand on this one, though their place lies in its."""
    below = [name for name in packs.ids() if name.startswith(f"{pack.id}") and name != pack.id]
    return tuple(name for name in below if pack.id not in packs.chain_of(name))


def differences(checked: Checked) -> tuple[Difference, ...]:
    """What the version changes in the rules of its place on its day."""
    return between(checked.old, checked.new)


def text_diff(old: str, new: str, *, most: int = 2000) -> list[tuple[str, str]]:
    """Lines of a unified difference as (mark, line); marks are `+`, `-`, a blank, and `@` between pieces."""
    rows = difflib.unified_diff(old.splitlines(), new.splitlines(), n=_CONTEXT, lineterm="")
    out = [("@" if row.startswith("@@") else row[0], row[1:] if row[0] in "+- " else row) for row in rows]
    return [row for row in out if not row[1].startswith(("++", "--"))][:most]
