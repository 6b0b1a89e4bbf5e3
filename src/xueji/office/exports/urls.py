"""Addresses of this room."""

from django.urls import path

from . import views

app_name = "exports"
urlpatterns = [
    path("exports/", views.listing, name="list"),
    path("exports/new/", views.new, name="new"),
    path("exports/<uuid:key>/", views.detail, name="request"),
    path("exports/<uuid:key>/decide/", views.decide, name="decide"),
    path("exports/<uuid:key>/end/", views.end, name="end"),
    path("exports/<uuid:key>/file.xlsx", views.download, name="file"),
]
