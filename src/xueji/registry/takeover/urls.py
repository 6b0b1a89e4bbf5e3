"""Addresses of takeovers."""

from __future__ import annotations

from django.urls import path

from . import views, views_settle

app_name = "takeover"
urlpatterns = [
    path("takeover/", views.listing, name="list"),
    path("takeover/template.xlsx", views.template, name="template"),
    path("takeover/<int:takeover_id>/", views.detail, name="detail"),
    path("takeover/<int:takeover_id>/columns/", views.columns, name="columns"),
    path("takeover/<int:takeover_id>/totals/", views.totals, name="totals"),
    path("takeover/<int:takeover_id>/explain/", views.explain, name="explain"),
    path("takeover/<int:takeover_id>/sign/", views.sign, name="sign"),
    path("takeover/<int:takeover_id>/publish/", views.publish, name="publish"),
    path("takeover/<int:takeover_id>/discard/", views.discard, name="discard"),
    path("takeover/<int:takeover_id>/differences/", views_settle.listing, name="differences"),
    path("takeover/<int:takeover_id>/settle/", views_settle.settle, name="settle"),
    path("takeover/<int:takeover_id>/report.xlsx", views_settle.report, name="report"),
    path("takeover/<int:takeover_id>/close/", views_settle.close, name="close"),
]
