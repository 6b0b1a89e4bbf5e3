"""Addresses of photos."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "photos"
urlpatterns = [
    path("photos/", views.listing, name="list"),
    path("photos/missing/", views.lacking, name="lacking"),
    path("photos/<int:batch_id>/", views.batch, name="batch"),
    path("photos/<int:batch_id>/<int:no>/", views.item, name="item"),
    path("photos/<int:batch_id>/apply/", views.apply, name="apply"),
    path("students/<uuid:person_id>/photo/new/", views.student, name="student"),
]
