"""The site's addresses, room by room."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("xueji.web.home.urls")),
]
