"""Addresses of cases."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "changes"
urlpatterns = [
    path("cases/", views.listing, name="list"),
    path("cases/new/", views.new, name="new"),
    path("cases/new/transfer/", views.new_transfer, name="new_transfer"),
    path("cases/new/<str:business>/<uuid:person_id>/", views.start, name="start"),
    path("cases/<uuid:case_id>/", views.case, name="case"),
    path("cases/<uuid:case_id>/edit/", views.edit, name="edit"),
    path("cases/<uuid:case_id>/save/", views.save, name="save"),
    path("cases/<uuid:case_id>/files/", views.upload, name="upload"),
    path("cases/<uuid:case_id>/files/<uuid:file_id>/remove/", views.remove_file, name="remove_file"),
    path("cases/<uuid:case_id>/submit/", views.submit, name="submit"),
    path("cases/<uuid:case_id>/delete/", views.delete, name="delete"),
    path("cases/<uuid:case_id>/decide/", views.decide, name="decide"),
    path("cases/<uuid:case_id>/return/", views.return_, name="return"),
    path("cases/<uuid:case_id>/withdraw/", views.withdraw, name="withdraw"),
    path("cases/<uuid:case_id>/cancel/", views.cancel, name="cancel"),
    path("cases/<uuid:case_id>/urge/", views.urge, name="urge"),
    path("cases/<uuid:case_id>/sheet.pdf", views.sheet, name="sheet"),
]
