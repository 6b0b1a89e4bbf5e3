"""Addresses of the year's work."""

from __future__ import annotations

from django.urls import path

from . import views, views_admission, views_list, views_stamps

app_name = "yearly"
urlpatterns = [
    path("yearly/", views.overview, name="overview"),
    path("yearly/promotion/", views.promotion_report, name="promotion"),
    path("yearly/promotion/confirm/", views.promotion_confirm, name="promotion_confirm"),
    path("yearly/stamps/", views_stamps.page, name="stamps"),
    path("yearly/stamps/ask/", views_stamps.ask, name="stamp_ask"),
    path("yearly/stamps/give/", views_stamps.give, name="stamp_give"),
    path("yearly/lists/", views.listing, name="lists"),
    path("yearly/lists/new/", views.new, name="new"),
    path("yearly/add/<uuid:person_id>/", views.add, name="add"),
    path("yearly/lists/<uuid:list_id>/", views_list.page, name="list"),
    path("yearly/lists/<uuid:list_id>/check/", views_list.check, name="check"),
    path("yearly/lists/<uuid:list_id>/days/", views_list.days, name="days"),
    path("yearly/lists/<uuid:list_id>/facts/", views_list.state, name="facts"),
    path("yearly/lists/<uuid:list_id>/result/", views_list.result, name="result"),
    path("yearly/lists/<uuid:list_id>/submit/", views_list.submit, name="submit"),
    path("yearly/lists/<uuid:list_id>/decide/", views_list.decide, name="decide"),
    path("yearly/lists/<uuid:list_id>/return/", views_list.return_, name="return"),
    path("yearly/lists/<uuid:list_id>/withdraw/", views_list.withdraw, name="withdraw"),
    path("yearly/lists/<uuid:list_id>/cancel/", views_list.cancel, name="cancel"),
    path("yearly/lists/<uuid:list_id>/undo/", views_list.undo, name="undo"),
    path("yearly/lists/<uuid:list_id>/exchange/", views_list.exchange, name="exchange"),
    path("yearly/lists/<uuid:list_id>/destinations/", views_list.destinations, name="destinations"),
    path("yearly/lists/<uuid:list_id>/seal/", views_list.seal, name="seal"),
    path("yearly/lists/<uuid:list_id>/register.pdf", views_list.register_pdf, name="register_pdf"),
    path("yearly/lists/<uuid:list_id>/register.xlsx", views_list.register_xlsx, name="register_xlsx"),
    path(
        "yearly/lists/<uuid:list_id>/destinations.xlsx",
        views_list.destinations_xlsx,
        name="destinations_xlsx",
    ),
    path("yearly/lists/<uuid:list_id>/forms.pdf", views_list.forms_pdf, name="forms_pdf"),
    path("yearly/admission/", views_admission.admission, name="admission"),
    path("yearly/admission/place/", views_admission.place, name="place"),
    path("yearly/admission/upload/", views_admission.upload, name="upload"),
    path("yearly/admission/decide/", views_admission.decide, name="admission_decide"),
    path("yearly/admission/accept/", views_admission.accept, name="accept"),
    path("yearly/admission/decline/", views_admission.decline, name="decline"),
    path("yearly/admission/back/", views_admission.back, name="back"),
    path("yearly/admission/claim/", views_admission.claim, name="claim"),
]
