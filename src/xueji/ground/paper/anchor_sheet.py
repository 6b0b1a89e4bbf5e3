"""日志锚点: the head of the audit's chain on one page, to be signed, stamped and kept by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .typst import render
from .wording import grouped, qr_svg, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSheet:
    """What the sheet shows: seal, digests (hex), how many entries it covers, the key that signed."""

    seal: int
    sealed_at: str
    entries: int
    sha256: str
    sm3: str
    made_at: datetime
    made_by: str
    suite: str
    key_id: str
    org_name: str
    printed_by: str
    printed_at: datetime


def render_anchor_sheet(data: AnchorSheet) -> bytes:
    """The sheet as tagged PDF/A-2a, A4. The QR code holds what `xueji verify audit --anchor` takes."""
    payload: dict[str, Any] = {
        "seal": str(data.seal),
        "sealed_at": data.sealed_at.replace("T", " ")[:19],
        "entries": str(data.entries),
        "sha256": [grouped(data.sha256[i : i + 32], 8) for i in (0, 32)],
        "sm3": [grouped(data.sm3[i : i + 32], 8) for i in (0, 32)],
        "made_at": stamp(data.made_at),
        "made_by": data.made_by,
        "suite": data.suite,
        "key_id": data.key_id,
        "org": data.org_name,
        "qr_svg": qr_svg(f"{data.seal}:{data.sha256}"),
        "printed_by": data.printed_by,
        "printed_at": stamp(data.printed_at),
    }
    return render("anchor_sheet", payload, at=data.made_at.replace(microsecond=0), tagged=True)
