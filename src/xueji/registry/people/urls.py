"""Addresses of people: what a record's page asks for piece by piece."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "people"
urlpatterns = [
    path("people/<uuid:person_id>/reveal/", views.reveal, name="reveal"),
    path("people/<uuid:person_id>/photo.jpg", views.photo, name="photo"),
]
