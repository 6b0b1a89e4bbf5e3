"""Addresses of the watch on drop-outs."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "dropout"
urlpatterns = [
    path("dropout/", views.listing, name="list"),
    path("dropout/new/", views.new, name="new"),
    path("dropout/reports/", views.reports, name="reports"),
    path("dropout/<uuid:watch_id>/", views.watch, name="watch"),
    path("dropout/<uuid:watch_id>/follow/", views.follow, name="follow"),
    path("dropout/<uuid:watch_id>/tell/", views.tell, name="tell"),
    path("dropout/<uuid:watch_id>/close/", views.close, name="close"),
]
