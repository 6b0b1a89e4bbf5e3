"""Addresses of files."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "files"
urlpatterns = [
    path("files/<uuid:file_id>/", views.download, name="file"),
    path("files/<uuid:file_id>/thumb/", views.thumbnail, name="thumb"),
]
