"""Addresses of parents and students."""

from __future__ import annotations

from django.urls import path

from . import growth, views

app_name = "portal"
urlpatterns = [
    path("my/", views.home, name="home"),
    path("my/<uuid:person_id>/", views.child, name="child"),
    path("my/<uuid:person_id>/growth/", growth.family, name="growth"),
    path("students/<uuid:person_id>/growth/", growth.staff, name="student_growth"),
    path("my/<uuid:person_id>/certificate/", views.certificate, name="certificate"),
]
