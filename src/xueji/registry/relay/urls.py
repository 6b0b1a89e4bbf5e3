"""Addresses of transfers between installations."""

from __future__ import annotations

from django.urls import path

from . import views, views_admin

app_name = "relay"
urlpatterns = [
    path("relay/", views.listing, name="list"),
    path("relay/new/", views.new, name="new"),
    path("relay/inbox/", views_admin.inbox, name="inbox"),
    path("relay/system/", views_admin.system, name="system"),
    path("relay/system/own/", views_admin.own, name="own"),
    path("relay/system/keys/", views_admin.rotate, name="rotate"),
    path("relay/system/card.json", views_admin.card, name="card"),
    path("relay/system/import/", views_admin.take, name="import"),
    path("relay/system/peers/new/", views_admin.new_peer, name="new_peer"),
    path("relay/system/peers/<int:peer_id>/", views_admin.peer, name="peer"),
    path("relay/system/peers/<int:peer_id>/export/", views_admin.export, name="export"),
    path("relay/system/messages/<str:direction>/<uuid:message_id>/retry/", views_admin.retry, name="retry"),
    path("relay/<uuid:case_id>/", views.case, name="case"),
    path("relay/<uuid:case_id>/edit/", views.edit, name="edit"),
    path("relay/<uuid:case_id>/state/", views.state, name="state"),
    path("relay/<uuid:case_id>/save/", views.save, name="save"),
    path("relay/<uuid:case_id>/remove/", views.remove, name="remove"),
    path("relay/<uuid:case_id>/discard/", views.discard, name="discard"),
    path("relay/<uuid:case_id>/decide/", views.decide, name="decide"),
    path("relay/<uuid:case_id>/return/", views.return_, name="return"),
    path("relay/<uuid:case_id>/cancel/", views.cancel, name="cancel"),
    path("relay/<uuid:case_id>/urge/", views.urge, name="urge"),
    path("relay/<uuid:case_id>/sheet.pdf", views.sheet, name="sheet"),
]
