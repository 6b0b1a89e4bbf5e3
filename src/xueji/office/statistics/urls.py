"""Addresses of the statistics pages."""

from django.urls import path

from . import views, views_handling, views_monthly, views_pivot, views_reports, views_termly

app_name = "statistics"
urlpatterns = [
    path("statistics/", views.headcount, name="headcount"),
    path("statistics/headcount.<str:form>", views.headcount_file, name="headcount_file"),
    path("statistics/movement/", views.movement, name="movement"),
    path("statistics/movement.<str:form>", views.movement_file, name="movement_file"),
    path("statistics/names/", views.names, name="names"),
    path("statistics/terms/", views_termly.page, name="termly"),
    path("statistics/terms/make/", views_termly.make, name="term_make"),
    path("statistics/terms/<int:report_id>/", views_termly.one, name="term_report"),
    path("statistics/terms/<int:report_id>/set.pdf", views_termly.pdf, name="term_pdf"),
    path("statistics/tables/", views_pivot.page, name="pivot"),
    path("statistics/tables/file/", views_pivot.file, name="pivot_file"),
    path("statistics/problems/", views_handling.page, name="handling"),
    path("statistics/problems/file/", views_handling.file, name="handling_file"),
    path("statistics/reports/", views_reports.page, name="reports"),
    path("statistics/reports/file/", views_reports.file, name="report_file"),
    path("statistics/reports/names/", views_reports.names, name="report_names"),
    path("statistics/reports/list/", views_reports.list_file, name="list_file"),
    path("statistics/monthly/", views_monthly.page, name="monthly"),
    path("statistics/monthly/file/", views_monthly.file, name="monthly_file"),
    path("statistics/monthly/submit/", views_monthly.submit, name="monthly_submit"),
]
