from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "xueji.registry.collect"
    label = "collect"
