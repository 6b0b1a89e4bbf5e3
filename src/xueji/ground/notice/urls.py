"""Addresses of the privacy notice."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "notice"
urlpatterns = [
    path("privacy/", views.public, name="public"),
    path("privacy/notice/", views.read, name="read"),
    path("privacy/notice/<slug:name>/", views.version, name="version"),
]
