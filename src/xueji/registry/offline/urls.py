"""Addresses of work without the platform."""

from __future__ import annotations

from django.urls import path, re_path

from . import views

app_name = "offline"
urlpatterns = [
    path("offline/", views.listing, name="list"),
    path("offline/<int:package_id>/", views.detail, name="package"),
    path("offline/<int:package_id>/package.xlsx", views.book, name="book"),
    path("offline/<int:package_id>/return/", views.hand_back, name="return"),
    path("offline/<int:package_id>/end/", views.end, name="end"),
    path("offline/returns/<int:handback_id>/", views.items, name="items"),
    path("offline/returns/<int:handback_id>/apply/", views.apply, name="apply"),
    path("offline/returns/<int:handback_id>/settle/", views.settle, name="settle"),
    re_path(
        r"^offline/returns/(?P<handback_id>\d{1,9})/report\.(?P<form>pdf|xlsx)$", views.report, name="report"
    ),
]
