"""Addresses of problem records."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "problems"
urlpatterns = [
    path("problems/", views.listing, name="list"),
    path("problems/report/<uuid:person_id>/", views.report, name="report"),
    path("problems/<uuid:problem_id>/", views.problem, name="problem"),
    path("problems/<uuid:problem_id>/arbitrate/", views.arbitrate, name="arbitrate"),
    path("problems/<uuid:problem_id>/say/", views.say, name="say"),
]
