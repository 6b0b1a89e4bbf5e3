"""Addresses of duplicate checks and merges."""

from __future__ import annotations

from django.urls import path

from . import views, views_merge

app_name = "duplicates"
urlpatterns = [
    path("duplicates/", views.listing, name="list"),
    path("duplicates/check/", views.check, name="check"),
    path("duplicates/run/", views.run, name="run"),
    path("duplicates/<int:pair_id>/", views.pair, name="pair"),
    path("duplicates/<int:pair_id>/different/", views.different, name="different"),
    path("duplicates/<int:pair_id>/problem/", views.problem, name="problem"),
    path("merges/", views_merge.listing, name="merges"),
    path("merges/new/<uuid:kept>/<uuid:merged>/", views_merge.new, name="merge_new"),
    path("merges/<uuid:merge_id>/", views_merge.merge, name="merge"),
    path("merges/<uuid:merge_id>/decide/", views_merge.decide, name="merge_decide"),
    path("merges/<uuid:merge_id>/withdraw/", views_merge.withdraw, name="merge_withdraw"),
    path("merges/<uuid:merge_id>/undo/", views_merge.undo, name="merge_undo"),
    path("merges/<uuid:merge_id>/undo/decide/", views_merge.decide_undo, name="merge_undo_decide"),
]
