"""The room of what a term leaves in the record, as a Django app."""

from django.apps import AppConfig


class TermbookConfig(AppConfig):
    """Marks, attendance and awards."""

    name = "xueji.registry.termbook"
    label = "termbook"
