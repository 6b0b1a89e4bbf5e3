"""Addresses of admission."""

from __future__ import annotations

from django.urls import path

from . import views, views_children, views_office, views_reports

app_name = "admission"
urlpatterns = [
    path("admission/", views.overview, name="overview"),
    path("admission/candidates/", views.candidates, name="candidates"),
    path("admission/candidates/new/", views.new, name="new"),
    path("admission/candidates/act/", views.act, name="act"),
    path("admission/candidates/notices.pdf", views.notices, name="notices"),
    path("admission/candidates/<uuid:applicant_id>/", views.candidate, name="candidate"),
    path("admission/candidates/<uuid:applicant_id>/papers/", views.paper_file, name="paper_file"),
    path("admission/checkin/", views.checkin, name="checkin"),
    path("admission/lists/<int:submission_id>/", views_office.submission, name="submission"),
    path("admission/lists/<int:submission_id>/decide/", views_office.decide, name="decide"),
    path("admission/official/", views_office.official, name="official"),
    path("admission/claims/", views_office.claims, name="claims"),
    path("admission/claims/<int:claim_id>/", views_office.claim, name="claim"),
    path("admission/plans/", views_office.plans, name="plans"),
    path("admission/areas/<int:school_id>/", views_office.areas, name="areas"),
    path("admission/children/", views_children.children, name="children"),
    path("admission/children/act/", views_children.act, name="children_act"),
    path("admission/reports/", views_reports.reports_page, name="reports"),
    path("admission/reports/export/", views_reports.export, name="export"),
    path("admission/clearances/", views_reports.clearances, name="clearances"),
    path("admission/clearances/<int:clearance_id>/", views_reports.clear, name="clear"),
]
