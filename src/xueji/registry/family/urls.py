"""Addresses of inviting and joining."""

from __future__ import annotations

from django.urls import path

from . import views, views_requests

app_name = "family"
urlpatterns = [
    path("classes/<int:class_id>/family/", views.of_class, name="of_class"),
    path("students/<uuid:person_id>/access/", views.access, name="access"),
    path("students/<uuid:person_id>/access/<int:link_id>/end/", views.end, name="end"),
    path("join/", views.join, name="join"),
    path("my/add/", views.add, name="add"),
    path("my/<uuid:person_id>/request/", views_requests.ask, name="ask"),
    path("my/requests/<int:request_id>/appeal/", views_requests.appeal, name="appeal"),
    path("requests/", views_requests.listing, name="requests"),
    path("requests/<int:request_id>/", views_requests.one, name="request"),
]
