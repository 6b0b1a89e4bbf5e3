"""Addresses of cards."""

from __future__ import annotations

from django.urls import path

from . import views, views_batch

app_name = "cards"
urlpatterns = [
    path("cards/", views.listing, name="list"),
    path("cards/batches/", views_batch.batches, name="batches"),
    path("cards/batches/new/", views_batch.new, name="new"),
    path("cards/batches/<uuid:batch_id>/", views_batch.batch, name="batch"),
    path("cards/batches/<uuid:batch_id>/cards.pdf", views_batch.cards_pdf, name="cards_pdf"),
    path("cards/batches/<uuid:batch_id>/roster.pdf", views_batch.roster_pdf, name="roster_pdf"),
    path("cards/batches/<uuid:batch_id>/seal/", views_batch.seal, name="seal"),
    path("cards/batches/<uuid:batch_id>/<str:deed>/", views_batch.act, name="batch_act"),
    path("cards/<uuid:card_id>/", views.card, name="card"),
    path("cards/<uuid:card_id>/notice.pdf", views.notice_pdf, name="notice"),
    path("cards/<uuid:card_id>/<str:deed>/", views.act, name="act"),
    path("my/<uuid:person_id>/cards/", views.family, name="family"),
]
