"""Addresses of the year's work."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "yearly"
urlpatterns: list[URLPattern] = []
