"""Addresses of parents and students."""

from __future__ import annotations

from django.urls import path

from . import growth, views, views_data, whole

app_name = "portal"
urlpatterns = [
    path("my/", views.home, name="home"),
    path("my/<uuid:person_id>/", views.child, name="child"),
    path("my/<uuid:person_id>/growth/", growth.family, name="growth"),
    path("my/<uuid:person_id>/data/", views_data.data, name="data"),
    path("my/<uuid:person_id>/data/copy.zip", views_data.copy, name="copy"),
    path("students/<uuid:person_id>/copy/", views_data.counter, name="counter"),
    path("students/<uuid:person_id>/copy/<int:kept_id>/", views_data.receipt, name="receipt"),
    path("my/<uuid:person_id>/terms/", whole.family, name="terms"),
    path("students/<uuid:person_id>/whole/", whole.staff, name="student_whole"),
    path("students/<uuid:person_id>/growth/", growth.staff, name="student_growth"),
    path("my/<uuid:person_id>/certificate/", views.certificate, name="certificate"),
]
