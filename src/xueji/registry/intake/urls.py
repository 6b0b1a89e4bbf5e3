"""Addresses of the import."""

from __future__ import annotations

from django.urls import path

from . import views, views_done, views_rows, views_update

app_name = "intake"
urlpatterns = [
    path("import/", views.batches, name="list"),
    path("import/template.xlsx", views.template, name="template"),
    path("import/header.csv", views.header, name="header"),
    path("import/update/", views_update.update, name="update"),
    path("import/update/book.xlsx", views_update.book, name="update_book"),
    path("import/<int:batch_id>/", views.batch, name="batch"),
    path("import/<int:batch_id>/apply/", views_update.apply, name="apply"),
    path("import/<int:batch_id>/columns/", views.columns, name="columns"),
    path("import/<int:batch_id>/progress/", views.progress, name="progress"),
    path("import/<int:batch_id>/rows/<int:row_no>/", views_rows.edit, name="row"),
    path("import/<int:batch_id>/rows/<int:row_no>/cell/", views_rows.cell, name="cell"),
    path("import/<int:batch_id>/grid/", views_rows.sheet, name="grid"),
    path("import/<int:batch_id>/suggested/", views_rows.suggested, name="suggested"),
    path("import/<int:batch_id>/undo/", views_done.undo, name="undo"),
    path("import/<int:batch_id>/again/", views_done.again, name="again"),
    path("import/<int:batch_id>/original/", views_done.original, name="original"),
    path("import/<int:batch_id>/alike/", views_rows.alike, name="alike"),
    path("import/<int:batch_id>/errors.xlsx", views.error_book, name="errors"),
    path("import/<int:batch_id>/correct/", views.correct, name="correct"),
    path("import/<int:batch_id>/publish/", views.publish, name="publish"),
    path("import/<int:batch_id>/discard/", views.discard, name="discard"),
]
