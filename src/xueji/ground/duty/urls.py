"""Addresses of this room."""

from django.urls import path

from . import views

app_name = "duty"
urlpatterns = [
    path("me/duty/", views.own, name="own"),
    path("me/duty/lesson/", views.lesson, name="lesson"),
    path("me/duty/undertaking.pdf", views.paper, name="paper"),
    path("duty/", views.register, name="register"),
    path("duty/text/", views.text, name="text"),
]
