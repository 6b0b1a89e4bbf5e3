"""Reading what a form says."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.http import HttpRequest

from xueji.ground.accounts.http import whole


def day(raw: str | None) -> date | None:
    """A date as browsers send one, or nothing."""
    try:
        return date.fromisoformat((raw or "").strip()[:10])
    except ValueError:
        return None


def keys(raw: Iterable[str]) -> list[uuid.UUID]:
    """Keys of people; what is none is left out."""
    out = []
    for text in raw:
        try:
            out.append(uuid.UUID(text))
        except ValueError:
            continue
    return out


def number_of_page(request: HttpRequest) -> int:
    """Which page of a list is asked for, from 0."""
    return whole(request.GET.get("page")) or 0


def pager(rows: list[Any], page: int, size: int, query: str = "") -> dict[str, Any]:
    """The rows of a page and the addresses of the next and the first; `rows` may hold one more than a page."""
    return {
        "rows": rows[:size],
        "next_url": f"?{query}page={page + 1}" if len(rows) > size else "",
        "first_url": f"?{query}page=0" if page else "",
    }
