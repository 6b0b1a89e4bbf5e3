"""Addresses of handing in and comparing."""

from __future__ import annotations

from django.urls import path, re_path

from . import views, views_files, views_headcount, views_one, views_review

app_name = "submission"
_ONE = "submission/<uuid:submission_id>/"
urlpatterns = [
    path("headcount/", views_headcount.listing, name="headcount"),
    path("headcount/roster/", views_headcount.roster, name="roster"),
    path("headcount/<int:class_id>/", views_headcount.klass, name="class"),
    path("headcount/<int:check_id>/settle/", views_headcount.settle, name="settle"),
    path("submission/", views.listing, name="list"),
    path("submission/new/", views.new, name="new"),
    path("submission/checks/", views_one.findings, name="checks"),
    path("submission/rounds/<int:round_id>/", views.round_, name="round"),
    path("submission/rounds/<int:round_id>/slots/", views.slots, name="slots"),
    path("submission/rounds/<int:round_id>/close/", views.close, name="close"),
    path("submission/rounds/<int:round_id>/inspect/", views.inspect, name="inspect"),
    path("submission/rounds/<int:round_id>/gather/", views_files.gather, name="gather"),
    path("submission/packages/<int:package_id>/package.zip", views_files.package, name="package"),
    path("submission/packages/<int:package_id>/answer/", views_files.package_answer, name="package_answer"),
    path("submission/reviews/", views_review.listing, name="reviews"),
    path("submission/reviews/send/", views_review.send, name="review_send"),
    path("submission/reviews/<int:review_id>/answer/", views_review.answer, name="review_answer"),
    path("submission/reviews/<int:review_id>/review.pdf", views_review.review_pdf, name="review_pdf"),
    path("submission/stale/", views_review.untouched, name="stale"),
    path("submission/proofreading/", views_review.proofreading, name="proofreading"),
    re_path(
        r"^submission/proofreading/list\.(?P<form>pdf|xlsx)$", views_review.proof_file, name="proof_file"
    ),
    path("submission/proofreading/corrections.pdf", views_review.correction_form, name="correction_form"),
    path(_ONE, views_one.page, name="submission"),
    path(_ONE + "explain/", views_one.explain, name="explain"),
    path(_ONE + "send/", views_one.send, name="send"),
    path(_ONE + "pass/", views_one.pass_, name="pass"),
    path(_ONE + "return/", views_one.return_, name="return"),
    path(_ONE + "prove/", views_one.prove, name="prove"),
    path(_ONE + "signatures.pdf", views_files.signatures, name="signatures"),
    path(_ONE + "list.pdf", views_files.names, {"form": "pdf"}, name="names_pdf"),
    path(_ONE + "list.xlsx", views_files.names, {"form": "xlsx"}, name="names_xlsx"),
    path(_ONE + "volume.pdf", views_files.volume, name="volume"),
]
