"""Addresses of cases."""

from __future__ import annotations

from django.urls import path

from . import (
    views,
    views_absence,
    views_desk,
    views_draft,
    views_guest,
    views_hand,
    views_overview,
    views_part,
    views_preview,
    views_problem,
    views_registers,
)

app_name = "changes"
urlpatterns = [
    path("cases/", views.listing, name="list"),
    path("guests/", views_guest.register, name="guests"),
    path("guests.xlsx", views_guest.sheet, name="guests_sheet"),
    path("cases/desk/", views_desk.page, name="desk"),
    path("cases/overview/", views_overview.page, name="overview"),
    path("cases/held/", views_overview.held, name="held"),
    path("cases/registers/", views_registers.registers, name="registers"),
    path("cases/registers/file/", views_registers.register_file, name="register_file"),
    path("classes/<int:class_id>/ledger.<str:form>", views_registers.ledger, name="ledger"),
    path("cases/absences/", views_absence.page, name="absences"),
    path("cases/new/", views_draft.new, name="new"),
    path("cases/new/transfer/", views_draft.new_transfer, name="new_transfer"),
    path("cases/new/arrival/", views_draft.new_arrival, name="new_arrival"),
    path("cases/new/<str:business>/<uuid:person_id>/", views_draft.start, name="start"),
    path("cases/<uuid:case_id>/", views.case, name="case"),
    path("cases/<uuid:case_id>/edit/", views_draft.edit, name="edit"),
    path("cases/<uuid:case_id>/dispute/", views_problem.dispute, name="dispute"),
    path("cases/<uuid:case_id>/save/", views_draft.save, name="save"),
    path("cases/<uuid:case_id>/files/", views_draft.upload, name="upload"),
    path("cases/<uuid:case_id>/files/<uuid:file_id>/remove/", views_draft.remove_file, name="remove_file"),
    path("cases/<uuid:case_id>/outage/", views_draft.outage, name="outage"),
    path("cases/<uuid:case_id>/submit/", views_draft.submit, name="submit"),
    path("cases/<uuid:case_id>/delete/", views_draft.delete, name="delete"),
    path("cases/<uuid:case_id>/decide/", views.decide, name="decide"),
    path("cases/<uuid:case_id>/return/", views.return_, name="return"),
    path("cases/<uuid:case_id>/withdraw/", views.withdraw, name="withdraw"),
    path("cases/<uuid:case_id>/cancel/", views.cancel, name="cancel"),
    path("cases/<uuid:case_id>/urge/", views.urge, name="urge"),
    path("cases/<uuid:case_id>/follow/", views_absence.follow, name="follow"),
    path("cases/<uuid:case_id>/hand-over/", views_hand.hand_over, name="hand_over"),
    path("cases/<uuid:case_id>/again/", views.again, name="again"),
    path("cases/<uuid:case_id>/take-back/", views_part.take_back, name="take_back"),
    path("cases/<uuid:case_id>/ask/", views_part.ask, name="ask"),
    path("cases/<uuid:case_id>/advise/", views_part.advise, name="advise"),
    path("cases/<uuid:case_id>/acknowledge/", views_part.acknowledge, name="acknowledge"),
    path("cases/<uuid:case_id>/intervene/", views_part.intervene, name="intervene"),
    path("cases/templates/", views_part.keep_template, name="template_keep"),
    path("cases/templates/<int:template_id>/drop/", views_part.drop_template, name="template_drop"),
    path("cases/<uuid:case_id>/sheet.pdf", views.sheet, name="sheet"),
    path("cases/<uuid:case_id>/forms/<slug:key>.pdf", views.form, name="form"),
    path("rules/stages/<int:stage_id>/cases/", views_preview.stage_cases, name="stage_cases"),
]
