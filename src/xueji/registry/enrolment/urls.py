"""Addresses of the students' pages."""

from django.urls import path

from . import views

app_name = "enrolment"
urlpatterns = [
    path("students/", views.students, name="students"),
    path("students/<uuid:person_id>/", views.student, name="student"),
]
