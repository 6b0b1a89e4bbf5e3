"""Addresses of certificates, their public check, and of registers."""

from django.urls import path

from . import views, views_public, views_rosters

app_name = "certificates"
urlpatterns = [
    path("certificates/", views.certificates, name="list"),
    path("certificates/new/", views.new, name="new"),
    path("certificates/<uuid:certificate_id>/", views.certificate, name="certificate"),
    path("certificates/<uuid:certificate_id>/certificate.pdf", views.download, name="pdf"),
    path("certificates/<uuid:certificate_id>/revoke/", views.revoke, name="revoke"),
    path("certificates/<uuid:certificate_id>/transfer/", views.go_along, name="go_along"),
    path("classes/<int:class_id>/roster.pdf", views_rosters.roster_pdf, name="roster_pdf"),
    path("classes/<int:class_id>/roster.xlsx", views_rosters.roster_xlsx, name="roster_xlsx"),
    path("classes/<int:class_id>/record-cards.pdf", views_rosters.record_cards, name="record_cards"),
    path("classes/<int:class_id>/exam-list.pdf", views_rosters.exam_pdf, name="exam_pdf"),
    path("classes/<int:class_id>/exam-list.xlsx", views_rosters.exam_xlsx, name="exam_xlsx"),
    path("yearly/lists/<uuid:list_id>/completion.pdf", views_rosters.completion_pdf, name="completion_pdf"),
    path(
        "yearly/lists/<uuid:list_id>/completion.xlsx", views_rosters.completion_xlsx, name="completion_xlsx"
    ),
    path("students/export.xlsx", views_rosters.students_xlsx, name="students_xlsx"),
    path("verify/", views_public.verify, name="verify"),
    path("verify/<str:code>/", views_public.verify_code, name="verify_code"),
]
