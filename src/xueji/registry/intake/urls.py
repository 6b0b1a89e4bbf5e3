"""Addresses of the import."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "intake"
urlpatterns = [
    path("import/", views.batches, name="list"),
    path("import/template.xlsx", views.template, name="template"),
    path("import/<int:batch_id>/", views.batch, name="batch"),
    path("import/<int:batch_id>/columns/", views.columns, name="columns"),
    path("import/<int:batch_id>/progress/", views.progress, name="progress"),
    path("import/<int:batch_id>/rows/<int:row_no>/", views.edit, name="row"),
    path("import/<int:batch_id>/alike/", views.alike, name="alike"),
    path("import/<int:batch_id>/errors.xlsx", views.error_book, name="errors"),
    path("import/<int:batch_id>/correct/", views.correct, name="correct"),
    path("import/<int:batch_id>/publish/", views.publish, name="publish"),
    path("import/<int:batch_id>/discard/", views.discard, name="discard"),
]
