"""Addresses of the sample pages; empty unless DEBUG is on."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, path

from xueji.web.layout.showcase import face

urlpatterns: list[URLPattern] = (
    [path("", face, name="face"), path("<slug:page>/", face, name="face-page")] if settings.DEBUG else []
)
