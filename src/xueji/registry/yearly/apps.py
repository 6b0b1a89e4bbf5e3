from django.apps import AppConfig


class YearlyConfig(AppConfig):
    name = "xueji.registry.yearly"
    label = "yearly"
