"""Addresses of this room."""

from django.urls import path

from . import views

app_name = "posts"
urlpatterns = [
    path("officers/", views.officers, name="officers"),
    path("officers/note/", views.note, name="note"),
    path("officers/train/", views.train, name="train"),
    path("officers/list.xlsx", views.sheet, name="sheet"),
]
