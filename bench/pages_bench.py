"""Server time of every page of the demo, for each role that uses it, without the network."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

NAME = "pages"
TITLE = "服务器生成页面的时间(演示县, 各角色)"
#: Milliseconds at p95; searches and reports may take twice as long.
GOAL = 50.0
REPORT_GOAL = 100.0


def run(size: str = "small", **_options: Any) -> dict[str, Any]:
    """Open each page of the matrix often enough for a p95. Needs a loaded demo (`xueji demo --no-serve`).

    Ratio: the slowest page's p95 over its goal (1 is the goal).
    """
    from xueji.web.cli import boot

    boot.ready()
    from django.db import transaction

    from xueji.ground.accounts.models import User

    rounds = 40 if size == "full" else 12
    figures: dict[str, Any] = {"rounds": rounds}
    worst = 0.0
    for role, path, report in pages():
        with transaction.atomic():
            user = User.objects.filter(username=role).first()
        if user is None:
            continue
        client = _client(user.pk)
        times = []
        for i in range(rounds + 2):
            start = time.perf_counter()
            response = client.get(path)
            spent = (time.perf_counter() - start) * 1000
            if response.status_code != 200:
                figures[f"{role} {path}"] = f"HTTP {response.status_code}"
                break
            if i >= 2:
                times.append(spent)
        if times:
            p95 = statistics.quantiles(times, n=20)[-1]
            goal = REPORT_GOAL if report else GOAL
            worst = max(worst, p95 / goal)
            figures[f"{role} {path}"] = {
                "p50_ms": round(statistics.median(times), 1),
                "p95_ms": round(p95, 1),
                "goal_ms": goal,
            }
    return {"name": NAME, "ratio": round(worst, 2), "goal": 1.0, "met": worst <= 1.0, "figures": figures}


def pages() -> list[tuple[str, str, bool]]:
    """Account, address, whether it is a search or report."""
    out: list[tuple[str, str, bool]] = []
    registrar = (
        "/",
        "/students/",
        "/cases/",
        "/cases/new/",
        "/classes/",
        "/import/",
        "/certificates/",
        "/orgs/",
        "/rules/",
        "/help/",
    )
    for role in (
        "registrar.a",
        "head.a",
        "county1.clerk",
        "county1.head",
        "city1.clerk",
        "province.clerk",
        "teacher.a",
    ):
        for path in registrar:
            if role.startswith("registrar") or path in ("/", "/students/", "/orgs/", "/cases/"):
                out.append((role, path, False))
    for role in ("registrar.a", "county1.clerk", "province.clerk"):
        for path in (
            "/students/?q=王",
            "/students/?q=zhang",
            "/students/?q=wxm",
            "/statistics/",
            "/statistics/movement/",
        ):
            out.append((role, path, True))
    out += [
        ("parent", "/my/", False),
        ("student", "/my/", False),
        ("secadmin", "/accounts/", False),
        ("auditadmin", "/audit/", False),
    ]
    return out


def _client(user_id: int) -> Any:
    """A signed-in test client of the site in this process."""
    from importlib import import_module

    from django.conf import settings
    from django.db import transaction
    from django.test import Client
    from django.utils import timezone

    from xueji.ground.accounts.http import USER_KEY
    from xueji.ground.accounts.models import UserSession
    from xueji.ground.db.scope import acting

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xueji.settings")
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[USER_KEY] = user_id
    store.save()
    with transaction.atomic(), acting("writer"):
        UserSession.objects.create(
            session_key=store.session_key, user_id=user_id, seen_at=timezone.now(), address="127.0.0.1"
        )
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
    return client
