from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "xueji.registry.changes"
    label = "changes"
