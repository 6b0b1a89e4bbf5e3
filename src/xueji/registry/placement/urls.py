"""Addresses of placement and term registration."""

from __future__ import annotations

from django.urls import path

from . import views, views_asks, views_claims, views_overdue, views_runs, views_terms

app_name = "placement"
urlpatterns = [
    path("placement/", views.index, name="index"),
    path("placement/hand/", views.hand, name="hand"),
    path("placement/classes/<int:class_id>/seats/", views.seats, name="seats"),
    path("placement/apart/", views.apart, name="apart"),
    path("placement/reviews/", views.reviews, name="reviews"),
    path("placement/reviews/<uuid:person_id>/case/", views.review_case, name="review_case"),
    path("placement/new/", views_runs.new, name="new"),
    path("placement/runs/<uuid:run_id>/", views_runs.run, name="run"),
    path("placement/runs/<uuid:run_id>/step/", views_runs.step, name="step"),
    path("placement/runs/<uuid:run_id>/list.xlsx", views_runs.public, name="public"),
    path("placement/runs/<uuid:run_id>/<int:no>/", views_runs.line, name="line"),
    path("placement/claims/", views_claims.claims, name="claims"),
    path("placement/classes/<int:class_id>/numbers/", views_claims.school_numbers, name="numbers"),
    path("placement/changes/", views_asks.changes, name="changes"),
    path("placement/swap/", views_asks.swap, name="swap"),
    path("placement/entries/", views_asks.entries, name="entries"),
    path("placement/asks/<uuid:ask_id>/", views_asks.ask, name="ask"),
    path("terms/", views_terms.index, name="terms"),
    path("terms/missing/", views_terms.missing, name="missing"),
    path("terms/overdue/", views_overdue.page, name="overdue"),
    path("terms/overdue/list.xlsx", views_overdue.book, name="overdue_book"),
    path("terms/<int:class_id>/", views_terms.klass, name="term_class"),
    path("terms/<int:class_id>/check/", views_terms.check, name="check"),
    path("terms/<int:class_id>/<uuid:person_id>/", views_terms.pupil, name="term_pupil"),
]
