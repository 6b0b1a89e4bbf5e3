from django.apps import AppConfig


class ExamsConfig(AppConfig):
    name = "xueji.registry.exams"
    label = "exams"
