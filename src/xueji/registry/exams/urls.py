"""Addresses of exams."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "exams"
urlpatterns = [
    path("exams/", views.listing, name="list"),
    path("exams/<int:exam_id>/", views.detail, name="exam"),
    path("exams/<int:exam_id>/enter/", views.enter, name="enter"),
    path("exams/<int:exam_id>/check/", views.check, name="check"),
    path("exams/<int:exam_id>/seat/", views.seat, name="seat"),
    path("exams/<int:exam_id>/marks/", views.marks, name="marks"),
    path("exams/<int:exam_id>/list.xlsx", views.book, name="book"),
    path("exams/<int:exam_id>/tickets.pdf", views.tickets, name="tickets"),
]
