from django.apps import AppConfig


class ProblemsConfig(AppConfig):
    name = "xueji.registry.problems"
    label = "problems"
