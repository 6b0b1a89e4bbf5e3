"""Takes the privacy notice of this installation up: a new version is added, what is there stays as it was."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from xueji import config
from xueji.ground.paths import data_dir

from .models import PolicyNotice


def text_file() -> Path:
    """The installation's own text, or the one that is shipped."""
    own = own_file()
    return own if own.exists() else data_dir("standards") / "privacy.toml"


def own_file() -> Path:
    """Where an installation may put its own text."""
    return config.data_dir() / "privacy.toml"


def digest(title: str, body: list[dict[str, Any]]) -> str:
    """SHA-256 of what was shown."""
    return hashlib.sha256(json.dumps([title, body], ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def run() -> None:
    """As owner, at every migration. Raises ValueError when a text was changed without a new version."""
    if not own_file().exists() and PolicyNotice.objects.filter(published_by__isnull=False).exists():
        return  # the place has written its own text on the page: what is shipped does not come over it
    raw = tomllib.loads(text_file().read_text(encoding="utf-8"))
    body = [{"title": s["title"], "text": [str(p) for p in s["text"]]} for s in raw["section"]]
    seal = digest(raw["title"], body)
    since: date = raw["since"]
    made, new = PolicyNotice.objects.get_or_create(
        version=raw["version"],
        defaults={"since": since, "title": raw["title"], "body": body, "digest": seal},
    )
    if not new and made.digest != seal:
        raise ValueError(
            f"{text_file()}: the text of version {made.version} was changed; give it a new version"
        )
