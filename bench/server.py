"""A throw-away installation for a bench: an embedded server with the product's own settings, a small county."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Another server than the embedded one: the version of a package of Debian, as in `xueji bench import --server 15`.
OTHER = "BENCH_SERVER"


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that the server's account may enter; gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="xueji-bench-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def call(module: str, data: Path, *argv: str) -> str:
    """Run a module of the benches in a process of its own, with `data` as its installation; returns its output."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_URL", "XUEJI_"))}
    env |= {
        "XUEJI_DATA": str(data),
        "XUEJI_POOL": "0",
        "DJANGO_SETTINGS_MODULE": "xueji.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    done = subprocess.run(
        [sys.executable, "-m", module, *argv],
        env=env,
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


@contextmanager
def installation() -> Iterator[Any]:
    """In a process started by `call`: server running, migrated, with keys; yields the cluster and stops it."""
    import django

    django.setup()
    from django.db import connection

    from xueji.ground.crypto import keys
    from xueji.ground.db import migrate
    from xueji.ground.standards import divisions

    divisions.use_demo(True)
    cluster = migrate.embedded_cluster()
    if version := os.environ.get(OTHER):
        cluster = replace(cluster, bin_dir=Path(f"/usr/lib/postgresql/{version}/bin"))
    cluster.ensure()
    try:
        migrate.prepare_server(cluster=cluster)
        migrate.migrate()
        with connection.cursor() as c:
            keys.check(c)
        yield cluster
    finally:
        connection.close()
        cluster.stop()


def county(stages: str = "P") -> dict[str, int]:
    """Province, city, two counties and two schools of division 99, with a registrar; returns their ids."""
    from datetime import date

    from django.db import transaction

    from xueji.ground.accounts.models import RoleAssignment, User
    from xueji.ground.db.scope import acting
    from xueji.ground.orgs.models import Org, School

    out: dict[str, int] = {}
    tree = (
        ("province", "", "province", "990000", "云岭省教育厅"),
        ("city", "province", "city", "990100", "青川市教育局"),
        ("a", "city", "county", "990101", "松溪县教育局"),
        ("b", "city", "county", "990102", "白鹿区教育局"),
        ("school", "a", "school", "990101", "松溪县实验小学"),
        ("other", "b", "school", "990102", "白鹿区第一小学"),
    )
    with transaction.atomic(), acting("writer"):
        orgs: dict[str, Org] = {}
        for n, (key, above, kind, division, name) in enumerate(tree):
            parent = orgs.get(above)
            code = f"2199000{n:03d}" if kind == "school" else division
            org = Org(
                kind=kind, code=code, division=division, name=name, short_name=name, parent=parent,
                path=f"/{key}/", valid_from=date(2000, 1, 1),
            )  # fmt: skip
            org.save()
            org.path = f"{parent.path if parent else '/'}{org.pk}/"
            org.save()
            orgs[key] = org
            out[key] = org.pk
            if kind == "school":
                School.objects.create(
                    org=org, county=orgs[above], school_code=code, school_type="211", stages=list(stages)
                )
        user = User.objects.create(
            username="bench", display_name="测试学籍员", home_org=orgs["school"], password="!"
        )
        role = RoleAssignment.objects.create(
            user=user, role="registrar", org=orgs["school"], valid_from=date(2000, 1, 1)
        )
    return out | {"user": user.pk, "assignment": role.pk}
