"""Addresses of this room."""

from django.urls import path

from . import views, views_rules

app_name = "exports"
urlpatterns = [
    path("exports/", views.listing, name="list"),
    path("exports/new/", views.new, name="new"),
    path("exports/rules/", views_rules.rules, name="rules"),
    path("exports/rules/new/", views_rules.rule_new, name="rule_new"),
    path("exports/openings/", views_rules.openings, name="openings"),
    path("exports/openings/<int:county_id>/open/", views_rules.open_county, name="open_county"),
    path("exports/openings/<int:county_id>/close/", views_rules.close_county, name="close_county"),
    path("exports/<uuid:key>/", views.detail, name="request"),
    path("exports/<uuid:key>/review/", views.review, name="review"),
    path("exports/<uuid:key>/decide/", views.decide, name="decide"),
    path("exports/<uuid:key>/consent/", views.consent, name="consent"),
    path("exports/<uuid:key>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("exports/<uuid:key>/settle/", views.settle, name="settle"),
    path("exports/<uuid:key>/end/", views.end, name="end"),
    path("exports/<uuid:key>/file.xlsx", views.download, name="file"),
]
