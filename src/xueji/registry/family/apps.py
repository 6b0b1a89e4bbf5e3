from django.apps import AppConfig


class FamilyConfig(AppConfig):
    name = "xueji.registry.family"
    label = "family"
