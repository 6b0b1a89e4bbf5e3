"""The site's addresses. Each room's urls.py gives its addresses in full (`students/<uuid>/`), as shown in the browser."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

#: The rooms in the order in which addresses are looked up.
ROOMS = (
    "xueji.web.home",
    "xueji.ground.accounts",
    "xueji.ground.duty",
    "xueji.ground.orgs",
    "xueji.ground.policy",
    "xueji.ground.audit",
    "xueji.ground.files",
    "xueji.ground.jobs",
    "xueji.ground.notice",
    "xueji.ground.posts",
    "xueji.registry.people",
    "xueji.registry.charge",
    "xueji.registry.enrolment",
    "xueji.registry.problems",
    "xueji.registry.duplicates",
    "xueji.registry.population",
    "xueji.registry.exams",
    "xueji.registry.dropout",
    "xueji.registry.family",
    "xueji.registry.photos",
    "xueji.registry.termbook",
    "xueji.registry.intake",
    "xueji.registry.changes",
    "xueji.registry.takeover",
    "xueji.registry.creation",
    "xueji.registry.relay",
    "xueji.registry.placement",
    "xueji.registry.yearly",
    "xueji.registry.admission",
    "xueji.registry.collect",
    "xueji.registry.submission",
    "xueji.registry.offline",
    "xueji.office.certificates",
    "xueji.office.cards",
    "xueji.office.exports",
    "xueji.office.statistics",
    "xueji.office.privacy",
    "xueji.web.portal",
)

urlpatterns = [path("", include(f"{room}.urls")) for room in ROOMS if find_spec(f"{room}.urls")]
