"""Addresses of inviting and joining."""

from __future__ import annotations

from django.urls import path

from . import views, views_consents, views_guardianship, views_requests

app_name = "family"
urlpatterns = [
    path("classes/<int:class_id>/family/", views.of_class, name="of_class"),
    path("classes/<int:class_id>/collection.pdf", views.collection, name="collection"),
    path("students/<uuid:person_id>/access/", views.access, name="access"),
    path("students/<uuid:person_id>/access/<int:link_id>/end/", views.end, name="end"),
    path("students/<uuid:person_id>/guardianship/", views_guardianship.of_child, name="guardianship"),
    path(
        "students/<uuid:person_id>/guardianship/<int:fact_id>/lift/",
        views_guardianship.lift,
        name="guardianship_lift",
    ),
    path(
        "students/<uuid:person_id>/guardianship/<int:fact_id>/decide/",
        views_guardianship.decide,
        name="guardianship_decide",
    ),
    path("guardianship/", views_guardianship.waiting, name="guardianship_waiting"),
    path("students/<uuid:person_id>/access/<int:link_id>/reset/", views.reset, name="reset"),
    path("join/recover/", views.recover, name="recover"),
    path("join/", views.join, name="join"),
    path("my/<uuid:person_id>/consents/", views_consents.of_child, name="consents"),
    path("classes/<int:class_id>/consents/", views_consents.of_class, name="class_consents"),
    path("my/add/", views.add, name="add"),
    path("my/<uuid:person_id>/request/", views_requests.ask, name="ask"),
    path("my/requests/<int:request_id>/appeal/", views_requests.appeal, name="appeal"),
    path("requests/", views_requests.listing, name="requests"),
    path("requests/<int:request_id>/", views_requests.one, name="request"),
]
