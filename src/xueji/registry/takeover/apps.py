from django.apps import AppConfig


class TakeoverConfig(AppConfig):
    name = "xueji.registry.takeover"
    label = "takeover"
