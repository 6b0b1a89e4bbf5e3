"""Addresses of inviting and joining."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "family"
urlpatterns = [
    path("classes/<int:class_id>/family/", views.of_class, name="of_class"),
    path("students/<uuid:person_id>/access/", views.access, name="access"),
    path("students/<uuid:person_id>/access/<int:link_id>/end/", views.end, name="end"),
    path("join/", views.join, name="join"),
    path("my/add/", views.add, name="add"),
]
