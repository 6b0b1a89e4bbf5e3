"""Reading versions and proposals. Rules themselves are read from packs, without the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import Http404

from xueji.ground.orgs.models import Org
from xueji.ground.policy import places
from xueji.ground.policy.library import PolicyLibrary
from xueji.ground.policy.model import Pack
from xueji.ground.policy.models import PolicyActivation, PolicyStage, PolicyVersion, StageState

MOST = 50


def unit(actor: Any) -> Org | None:
    """The unit for which the actor acts; one query."""
    return Org.objects.filter(pk=actor.org_id).first() if actor.org_id else None


@dataclass(frozen=True)
class Holding:
    """A pack of the line and the version of it that holds."""

    id: str
    title: str
    tier: str
    version: str
    sha256: str
    own: bool
    from_files: bool


def holdings(org: Org | None, packs: PolicyLibrary, day: date) -> list[Holding]:
    """The packs that govern a unit on a day, the nation's first; one query."""
    from xueji.ground.policy.reading import tier_words

    one = packs.on(day)
    found: list[Pack] = [one.pack(name) for name in places.line_for(org, one)]
    approved = set(
        PolicyActivation.objects.filter(pack__in=[pack.id for pack in found]).values_list(
            "version_id", flat=True
        )
    )
    own = places.own_pack(org) if org else ""
    return [
        Holding(
            pack.id,
            pack.title,
            tier_words(pack.tier),
            pack.version,
            pack.sha256,
            pack.id == own,
            pack.sha256 not in approved,
        )
        for pack in found
    ]


@dataclass(frozen=True)
class StageRow:
    """A proposal in a list."""

    id: int
    state: str
    label: str
    effective_on: date
    note: str
    staged_name: str
    staged_at: datetime
    decided_name: str
    decided_at: datetime | None
    opinion: str
    sha256: str


def stages(actor: Any) -> list[StageRow]:
    """Proposals of the actor's unit, the newest first (at most 50); one query."""
    rows = PolicyStage.objects.filter(org_id=actor.org_id or 0).defer("text").order_by("-id")[:MOST]
    return [_row(row) for row in rows]


def _row(row: PolicyStage) -> StageRow:
    return StageRow(
        row.pk,
        row.state,
        str(StageState(row.state).label),
        row.effective_on,
        row.note,
        row.staged_name,
        row.staged_at,
        row.decided_name,
        row.decided_at,
        row.opinion,
        row.sha256,
    )


def stage(actor: Any, stage_id: int) -> PolicyStage:
    """A proposal of the actor's own unit, or Http404."""
    actor.require("policy.stage")
    row = PolicyStage.objects.select_related("org").filter(pk=stage_id, org_id=actor.org_id).first()
    if row is None:
        raise Http404
    return row


def version_text(actor: Any, sha256: str) -> str:
    """The text of a version of the actor's own pack, to start from (a roll-back is a new version); or Http404."""
    actor.require("policy.stage")
    org = unit(actor)
    row = PolicyVersion.objects.filter(pk=sha256, pack=places.own_pack(org) if org else "").first()
    if row is None:
        raise Http404
    return row.text


@dataclass(frozen=True)
class VersionRow:
    """A version of a pack that holds, held or will hold."""

    sha256: str
    version: str
    start: date | None
    by: str
    stage_id: int | None
    now: bool


def versions_of(pack: str, in_force: str) -> list[VersionRow]:
    """Versions of a pack, the newest first: those approved with their days, then those that came with files."""
    rows = list(
        PolicyActivation.objects.filter(pack=pack)
        .select_related("version", "stage")
        .defer("version__text", "stage__text")
        .order_by("-effective_on", "-id")[:MOST]
    )
    out: list[VersionRow] = []
    now = False
    for row in rows:
        here = not now and row.version_id == in_force
        now = now or here
        out.append(
            VersionRow(
                row.version_id,
                row.version.version,
                row.effective_on,
                f"{row.stage.staged_name} / {row.stage.decided_name}",
                row.stage_id,
                here,
            )
        )
    seen = {row.sha256 for row in out}
    files = (
        PolicyVersion.objects.filter(pack=pack)
        .exclude(pk__in=seen)
        .defer("text")
        .order_by("-added_at")[:MOST]
    )
    out += [VersionRow(v.sha256, v.version, None, "", None, not now and v.sha256 == in_force) for v in files]
    return out
