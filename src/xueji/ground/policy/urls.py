"""Addresses of the rules."""

from __future__ import annotations

from django.urls import path

from . import views, views_stage

app_name = "policy"
urlpatterns = [
    path("rules/", views.rules, name="rules"),
    path("rules/print/", views.printed, name="print"),
    path("rules/values/", views.values, name="values"),
    path("rules/businesses/", views.businesses, name="businesses"),
    path("rules/compare/", views.compare, name="compare"),
    path("rules/differences/", views.differences, name="differences"),
    path("rules/try/", views.try_out, name="try"),
    path("rules/versions/", views_stage.versions_page, name="versions"),
    path("rules/versions/new/", views_stage.new, name="new"),
    path("rules/stages/<int:stage_id>/", views_stage.stage, name="stage"),
    path("rules/stages/<int:stage_id>/pack.toml", views_stage.download, name="download"),
    *(
        path(f"rules/stages/<int:stage_id>/{deed}/", views_stage.decide, {"deed": deed}, name=deed)
        for deed in ("approve", "refuse", "withdraw")
    ),
]
