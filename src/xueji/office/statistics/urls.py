"""Addresses of the statistics pages."""

from django.urls import path

from . import views, views_monthly

app_name = "statistics"
urlpatterns = [
    path("statistics/", views.headcount, name="headcount"),
    path("statistics/headcount.<str:form>", views.headcount_file, name="headcount_file"),
    path("statistics/movement/", views.movement, name="movement"),
    path("statistics/movement.<str:form>", views.movement_file, name="movement_file"),
    path("statistics/names/", views.names, name="names"),
    path("statistics/monthly/", views_monthly.page, name="monthly"),
    path("statistics/monthly/file/", views_monthly.file, name="monthly_file"),
    path("statistics/monthly/submit/", views_monthly.submit, name="monthly_submit"),
]
