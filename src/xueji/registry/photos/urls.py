"""Addresses of photos."""

from __future__ import annotations

from django.urls import path

from . import views, views_camera

app_name = "photos"
urlpatterns = [
    path("photos/", views.listing, name="list"),
    path("photos/missing/", views.lacking, name="lacking"),
    path("photos/camera/", views_camera.classes, name="cameras"),
    path("photos/camera/<int:class_id>/", views_camera.camera, name="camera"),
    path("photos/<int:batch_id>/", views.batch, name="batch"),
    path("photos/<int:batch_id>/<int:no>/", views.item, name="item"),
    path("photos/<int:batch_id>/apply/", views.apply, name="apply"),
    path("students/<uuid:person_id>/photo/new/", views.student, name="student"),
]
