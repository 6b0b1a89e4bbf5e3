from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "xueji.registry.intake"
    label = "intake"
