from django.urls import path

from . import views, views_proof, views_school, views_watch

app_name = "audit"
urlpatterns = [
    path("audit/", views.audit, name="audit"),
    path("audit/<int:entry_id>/", views.entry, name="entry"),
    path("audit/export.xlsx", views.export, name="export"),
    path("audit/person/", views.find, name="find"),
    path("audit/unusual/", views_watch.unusual, name="unusual"),
    path("audit/unusual/<int:finding_id>/", views_watch.judge, name="judge"),
    path("audit/figures/", views_watch.statistics, name="figures"),
    path("audit/school/", views_school.entries, name="school"),
    path("audit/school/readers/", views_school.readers, name="school_readers"),
    path("audit/school/pupils/", views_school.read, name="school_read"),
    path("audit/proof/", views_proof.proof, name="proof"),
    path("audit/verify/", views_proof.check, name="verify"),
    path("audit/anchor/", views_proof.new_anchor, name="new_anchor"),
    path("audit/anchor/<int:anchor_id>/anchor.pdf", views_proof.anchor_page, name="anchor_page"),
    path("audit/anchor/<int:anchor_id>/anchor.json", views_proof.anchor_file, name="anchor_file"),
]
