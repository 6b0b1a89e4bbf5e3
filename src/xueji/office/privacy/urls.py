"""Addresses of the office of data protection, and of the public form for reports of misuse."""

from __future__ import annotations

from django.urls import path

from . import (
    views,
    views_complaints,
    views_holds,
    views_incidents,
    views_notice,
    views_papers,
    views_registers,
)

app_name = "privacy"
_O = "privacy/office/"
urlpatterns = [
    path("privacy/complain/", views_complaints.complain, name="complain"),
    path("privacy/complain/officers/", views_complaints.published, name="officers"),
    path("privacy/complain/answer/", views_complaints.answer, name="answer"),
    path(_O, views.overview, name="overview"),
    path(_O + "officer/", views.officer, name="officer"),
    path(_O + "classes/", views.classes, name="classes"),
    path(_O + "retention/", views.kept, name="retention"),
    path(_O + "retention/propose/", views.propose, name="propose"),
    path(_O + "holds/", views_holds.hold, name="hold"),
    path(_O + "holds/child/", views_holds.child, name="hold_child"),
    path(_O + "holds/<int:hold_id>/confirm/", views_holds.confirm, name="hold_confirm"),
    path(_O + "holds/<int:hold_id>/ask/", views_holds.ask, name="lift_ask"),
    path(_O + "holds/<int:hold_id>/lift/", views_holds.lift, name="lift"),
    path(_O + "disposals/<int:disposal_id>/", views.disposal, name="disposal"),
    path(_O + "disposals/<int:disposal_id>/decide/", views.decide, name="decide"),
    path(_O + "disposals/<int:disposal_id>/certificate.pdf", views.certificate, name="certificate"),
    path(_O + "papers/<str:kind>/", views_papers.listing, name="papers"),
    path(_O + "papers/<str:kind>/new/", views_papers.new, name="paper_new"),
    path(_O + "paper/<int:paper_id>/", views_papers.paper, name="paper"),
    path(_O + "paper/<int:paper_id>/report.pdf", views_papers.pdf, name="paper_pdf"),
    path(_O + "paper/<int:paper_id>/<str:what>/", views_papers.deed, name="paper_deed"),
    path(_O + "notice/", views_notice.notice, name="notice"),
    path(_O + "notice/draft/", views_notice.draft, name="notice_draft"),
    path(_O + "notice/draft/<str:what>/", views_notice.deed, name="notice_deed"),
    path(_O + "plan/", views_incidents.plan, name="plan"),
    path(_O + "incidents/", views_incidents.listing, name="incidents"),
    path(_O + "incidents/new/", views_incidents.new, name="incident_new"),
    path(_O + "incidents/<uuid:incident_id>/", views_incidents.one, name="incident"),
    path(_O + "incidents/<uuid:incident_id>/letters/", views_incidents.letters, name="letters"),
    path(_O + "incidents/<uuid:incident_id>/<str:what>/", views_incidents.deed, name="incident_deed"),
    path(_O + "complaints/", views_complaints.listing, name="complaints"),
    path(_O + "complaints/<uuid:complaint_id>/", views_complaints.one, name="complaint"),
    path(_O + "shares/", views_registers.share_list, name="shares"),
    path(_O + "shares/new/", views_registers.share_new, name="share_new"),
    path(_O + "shares/<int:share_id>/", views_registers.share, name="share"),
    path(_O + "shares/<int:share_id>/end/", views_registers.share_end, name="share_end"),
    path(_O + "shares/<int:share_id>/transfer/", views_registers.share_transfer, name="share_transfer"),
    path(_O + "checks/", views_registers.check_list, name="checks"),
    path(_O + "checks/run/", views_registers.check_run, name="check_run"),
    path(_O + "checks/enter/", views_registers.check_enter, name="check_enter"),
    path(_O + "findings/<int:finding_id>/", views_registers.settle, name="settle"),
]
