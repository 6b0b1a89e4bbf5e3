"""Where an installation keeps its things, and how it reaches its database.

Read before Django starts: the command line needs it to start the embedded server. Strange values are refused
here, at start, with the name of the setting.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

APP_ROLE = "xueji_app"
DB_NAME = os.environ.get("XUEJI_DB", "xueji")


class ConfigError(Exception):
    """A setting has a value that cannot be used; the message names it and says what is allowed."""


def env_bool(name: str, default: bool) -> bool:
    """Value of an on/off setting; raises `ConfigError` on anything but the usual words."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    if raw.lower() in {"1", "true", "yes", "on"}:
        return True
    if raw.lower() in {"0", "false", "no", "off"}:
        return False
    raise ConfigError(f"{name}={raw!r}: use 1 or 0")


def env_int(name: str, default: int, *, low: int = 0, high: int = 10**9) -> int:
    """Value of a whole-number setting within `low`..`high`; raises `ConfigError`."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    if not raw.isdigit() or not low <= int(raw) <= high:
        raise ConfigError(f"{name}={raw!r}: use a whole number from {low} to {high}")
    return int(raw)


def env_url(name: str) -> str:
    """An address of a service elsewhere, without a slash at the end: https, or http on this machine; '' for none.

    Raises `ConfigError`.
    """
    raw = os.environ.get(name, "").rstrip("/")
    if not raw:
        return ""
    parts = urlsplit(raw)
    near = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not (parts.scheme == "https" or near) or not parts.hostname or parts.username or parts.query:
        raise ConfigError(f"{name}={raw!r}: use https://host/path")
    return raw


def checkout_root() -> Path | None:
    """The repository's root when the code runs from a checkout, else None."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").exists() and (root / "policies").is_dir() else None


def data_dir() -> Path:
    """The folder of this installation's data: XUEJI_DATA, else `var/` of a checkout, else `~/.xueji`."""
    raw = os.environ.get("XUEJI_DATA")
    if raw:
        return Path(raw).expanduser().resolve()
    root = checkout_root()
    return root / "var" if root else Path.home() / ".xueji"


def folder(name: str, default: str) -> Path:
    """The folder that a setting names, else one inside the data folder."""
    raw = os.environ.get(name)
    return Path(raw).expanduser().resolve() if raw else data_dir() / default


def secret(name: str, *, length: int = 32) -> str:
    """A secret of this installation: the environment's XUEJI_<NAME>, else a file made once in `secrets/`.

    The file is readable by its owner only.
    """
    raw = os.environ.get(f"XUEJI_{name.upper()}")
    if raw:
        return raw
    path = data_dir() / "secrets" / name
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    value = secrets.token_urlsafe(length)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as f:
        f.write(value)
    return value


@dataclass(frozen=True)
class Dsn:
    """How to reach one database as one role."""

    host: str
    port: int
    name: str
    user: str
    password: str
    options: tuple[tuple[str, str], ...] = ()

    def as_role(self, user: str, password: str) -> Dsn:
        """The same database, as somebody else."""
        return Dsn(self.host, self.port, self.name, user, password, self.options)

    def as_database(self, name: str) -> Dsn:
        """Another database of the same server."""
        return Dsn(self.host, self.port, name, self.user, self.password, self.options)

    def kwargs(self) -> dict[str, object]:
        """Keyword arguments for `psycopg.connect`."""
        out: dict[str, object] = {
            "host": self.host,
            "port": self.port,
            "dbname": self.name,
            "user": self.user,
            "password": self.password,
        }
        out.update(dict(self.options))
        return out

    def django(self) -> dict[str, object]:
        """The entry for Django's DATABASES."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": self.host,
            "PORT": str(self.port),
            "NAME": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "OPTIONS": dict(self.options),
        }


def parse_url(url: str) -> Dsn:
    """Read `postgresql://user:password@host:port/name?sslmode=require`; raises `ConfigError`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise ConfigError("DATABASE_URL: use postgresql://user:password@host:port/name")
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or unquote(parts.hostname or "127.0.0.1")
    return Dsn(
        host=host,
        port=parts.port or 5432,
        name=unquote(parts.path[1:]),
        user=unquote(parts.username or "postgres"),
        password=unquote(parts.password or ""),
        options=tuple(sorted(query.items())),
    )


def embedded() -> bool:
    """Whether this installation runs on the embedded server (no DATABASE_URL given)."""
    return not os.environ.get("DATABASE_URL")


def socket_dir() -> Path:
    """Folder of the embedded server's socket: beside the data, or a short temporary path if that is too long."""
    here = data_dir() / "run"
    if len(str(here)) < 90:
        return here
    import hashlib
    import tempfile

    return Path(tempfile.gettempdir()) / ("xueji-" + hashlib.sha256(str(here).encode()).hexdigest()[:12])


def owner_dsn() -> Dsn:
    """The role that owns the schema: used by migrations alone."""
    url = os.environ.get("DATABASE_URL")
    if url:
        return parse_url(url)
    return Dsn(str(socket_dir()), 5432, DB_NAME, "xueji_owner", secret("owner_password"))


def app_dsn() -> Dsn:
    """The role of web and worker: owns nothing and is bound by row-level security."""
    return owner_dsn().as_role(APP_ROLE, secret("app_password"))
