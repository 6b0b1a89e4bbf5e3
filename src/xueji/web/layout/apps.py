"""Django app of the layout room."""

from __future__ import annotations

from django.apps import AppConfig


class LayoutConfig(AppConfig):
    """Registers templates, static files and template tags under the label ``layout``."""

    name = "xueji.web.layout"
    label = "layout"
    verbose_name = "界面"
