"""Addresses of the home pages, and of units and classes."""

from django.urls import path

from . import class_profile, entries, places, views

app_name = "home"
urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("system/", views.system, name="system"),
    path("help/", views.help_page, name="help"),
    path("orgs/", places.org_tree, name="orgs"),
    path("orgs/entries/", entries.entries, name="entries"),
    path("orgs/entries/<int:org_id>/", entries.entry, name="entry"),
    path("orgs/<int:org_id>/", places.org_card, name="org"),
    path("orgs/<int:org_id>/new/", places.org_new, name="org_new"),
    path("orgs/<int:org_id>/edit/", places.org_edit, name="org_edit"),
    path("classes/", places.class_list, name="classes"),
    path("classes/new/", places.class_new, name="class_new"),
    path("classes/<int:class_id>/", places.class_page, name="class"),
    path("classes/<int:class_id>/profile/", class_profile.page, name="class_profile"),
    path("classes/<int:class_id>/close/", places.class_close, name="class_close"),
]
