"""Addresses of this room."""

from django.urls import path

from . import views, views_staffing

app_name = "posts"
urlpatterns = [
    path("posts/", views_staffing.posts, name="posts"),
    path("officers/", views.officers, name="officers"),
    path("officers/note/", views.note, name="note"),
    path("officers/train/", views.train, name="train"),
    path("officers/list.xlsx", views.sheet, name="sheet"),
]
