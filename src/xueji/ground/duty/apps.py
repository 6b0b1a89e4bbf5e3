"""The duty room as a Django app."""

from django.apps import AppConfig


class DutyConfig(AppConfig):
    """What binds the staff."""

    name = "xueji.ground.duty"
    label = "duty"
