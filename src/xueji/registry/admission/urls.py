"""Addresses of admission."""

from __future__ import annotations

app_name = "admission"
urlpatterns: list[object] = []
