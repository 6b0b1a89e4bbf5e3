"""Addresses of this room."""

from django.urls import path

from . import views_authorise, views_edit, views_emergency, views_handover

app_name = "charge"
urlpatterns = [
    path("students/<uuid:person_id>/edit/", views_edit.edit, name="edit"),
    path("students/<uuid:person_id>/edit/family/<int:no>/", views_edit.family, name="family"),
    path("authorisations/", views_authorise.listing, name="authorisations"),
    path("authorisations/routine/", views_authorise.routine, name="routine"),
    path("authorisations/<int:pk>/", views_authorise.one, name="authorisation"),
    path("authorisations/<int:pk>/<slug:what>/", views_authorise.do, name="authorisation_do"),
    path("emergency/", views_emergency.listing, name="emergencies"),
    path("emergency/<int:pk>/", views_emergency.one, name="emergency"),
    path("emergency/<int:pk>/child/", views_emergency.child, name="emergency_child"),
    path("emergency/<int:pk>/reveal/", views_emergency.reveal, name="emergency_reveal"),
    path("emergency/<int:pk>/answer/", views_emergency.answer, name="emergency_answer"),
    path("emergency/<int:pk>/end/", views_emergency.end, name="emergency_end"),
    path("handover/", views_handover.listing, name="hand_overs"),
    path("handover/new/<int:user_id>/", views_handover.new, name="hand_over_new"),
    path("handover/<int:pk>/", views_handover.one, name="hand_over"),
    path("handover/<int:pk>/confirm/", views_handover.confirm, name="hand_over_confirm"),
    path("handover/<int:pk>/list.pdf", views_handover.paper, name="hand_over_paper"),
]
