"""Addresses of comparisons and distributions."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "population"
urlpatterns = [
    path("population/", views.results, name="results"),
    path("population/batches/", views.batches, name="batches"),
    path("population/begin/", views.begin, name="begin"),
    path("population/batches/<int:batch_id>/again/", views.again, name="again"),
    path("population/batches/<int:batch_id>/problems/", views.problems, name="problems"),
    path("distributions/", views.distributions, name="distributions"),
    path("distributions/start/", views.start, name="start"),
    path("distributions/<int:pk>/", views.distribution, name="distribution"),
    path("distributions/<int:pk>/sheet/", views.sheet, name="sheet"),
]
