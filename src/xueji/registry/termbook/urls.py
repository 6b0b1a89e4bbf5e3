"""Addresses of this room."""

from django.urls import path

from . import views

app_name = "termbook"
urlpatterns = [
    path("termbook/", views.index, name="index"),
    path("termbook/<int:class_id>/", views.grid, name="grid"),
    path("students/<uuid:person_id>/awards/", views.award, name="award"),
    path("students/<uuid:person_id>/awards/<int:line_id>/end/", views.end_award, name="end_award"),
]
