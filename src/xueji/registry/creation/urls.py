"""Addresses of the approval of records."""

from __future__ import annotations

from django.urls import path

from . import views, views_special

app_name = "creation"
urlpatterns = [
    path("creation/", views.listing, {"kind": "creation"}, name="list"),
    path("creation/senior/", views.listing, {"kind": "senior"}, name="senior"),
    path("creation/batch/", views.batch, name="batch"),
    path("creation/windows/", views.windows_page, name="windows"),
    path("creation/windows/<int:window_id>/close/", views.close_window, name="window_close"),
    path("creation/numbers/", views_special.numbers_page, name="numbers"),
    path("creation/special/", views_special.page, name="special"),
    path("creation/special/list.xlsx", views_special.sheet, name="special_sheet"),
    path("creation/special/<int:record_id>/end/", views_special.end, name="special_end"),
    path("creation/<int:list_id>/", views.detail, name="detail"),
    path("creation/<int:list_id>/decide/", views.decide, name="decide"),
    path("creation/<int:list_id>/return/", views.give_back, name="return"),
    path("creation/<int:list_id>/withdraw/", views.withdraw, name="withdraw"),
]
