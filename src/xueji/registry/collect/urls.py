"""Addresses of collecting."""

from __future__ import annotations

from django.urls import path

from . import views, views_family, views_form, views_nonumber, views_school

app_name = "collect"
urlpatterns = [
    path("collect/", views.listing, name="list"),
    path("collect/new/", views.new, name="new"),
    path("collect/arrivals/", views_school.arrivals, name="arrivals"),
    path("collect/fields/", views_school.fields, name="fields"),
    path("collect/nonumber/", views_nonumber.listing, name="nonumber"),
    path("students/<uuid:person_id>/nonumber/", views_nonumber.student, name="nonumber_one"),
    path("students/<uuid:person_id>/nonumber.pdf", views_nonumber.sheet, name="nonumber_sheet"),
    path("collect/keys/", views_school.keys, name="keys"),
    path("collect/progress/", views_school.progress, name="progress"),
    path("collect/<int:task_id>/", views.board, name="task"),
    path("collect/<int:task_id>/do/", views.do, name="do"),
    path("collect/<int:task_id>/confirm/", views_school.confirm, name="confirm"),
    path("collect/<int:task_id>/classes/<int:class_id>/", views.of_class, name="class"),
    path("collect/<int:task_id>/classes/<int:class_id>/sheets.pdf", views.sheets, name="sheets"),
    path("collect/<int:task_id>/<uuid:person_id>/", views_form.one, name="form"),
    path("collect/<int:task_id>/<uuid:person_id>/do/", views_form.do, name="form_do"),
    path("collect/<int:task_id>/<uuid:person_id>/fill/", views_form.fill, name="fill"),
    path("collect/<int:task_id>/<uuid:person_id>/reveal/", views_form.reveal, name="reveal"),
    path("students/<uuid:person_id>/notes/", views_form.notes, name="notes"),
    path("my/<uuid:person_id>/collect/<int:task_id>/", views_family.fill, name="family"),
    path("my/<uuid:person_id>/collect/<int:task_id>/sign/", views_family.sign, name="sign"),
    path("my/<uuid:person_id>/collect/<int:task_id>/later/", views_family.later, name="later"),
]
