"""Where a run of the tests lives: a throw-away PostgreSQL in a temporary folder, shared by the run's workers.

Importing this module prepares the environment, so it must come before anything that reads settings.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def _bed() -> Path:
    """Folder of this run's server: shared by all workers of one run, gone with the run."""
    given = os.environ.get("XUEJI_TEST_BED")
    if given:
        return Path(given)
    path = Path(tempfile.mkdtemp(prefix="xueji-test-"))
    path.chmod(0o755)
    os.environ["XUEJI_TEST_BED"] = str(path)
    os.environ["XUEJI_TEST_BED_OWNER"] = str(os.getpid())
    return path


BED = _bed()
os.environ.pop("DATABASE_URL", None)
os.environ["XUEJI_DATA"] = str(BED / "data")
os.environ["XUEJI_POOL"] = "0"
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
os.environ["DJANGO_SETTINGS_MODULE"] = "xueji.settings"

import django  # noqa: E402

from xueji import config  # noqa: E402
from xueji.ground.db.cluster import Cluster  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.storage import storages  # noqa: E402

# Nothing is collected for tests: pages name static files as they lie in the source.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
storages.__dict__.pop("backends", None)
storages._backends = None


(config.data_dir() / "static").mkdir(parents=True, exist_ok=True)


def cluster() -> Cluster:
    """The run's server."""
    version = os.environ.get("XUEJI_TEST_PG", "")
    return Cluster(
        pgdata=config.data_dir() / "pg",
        sockets=config.socket_dir(),
        superuser_password=config.secret("superuser_password"),
        bin_dir=Path(f"/usr/lib/postgresql/{version}/bin") if version else None,
        fast_unsafe=True,
    )


def _stop() -> None:
    if os.environ.get("XUEJI_TEST_BED_OWNER") == str(os.getpid()):
        cluster().stop()
        shutil.rmtree(BED, ignore_errors=True)


atexit.register(_stop)


def template_name() -> str:
    """Name of the template database for the code as it is."""
    return "xueji_template"


#: Debian's Chromium, or whatever stands for it here.
CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera that shows a moving pattern, and nobody who has to allow it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
