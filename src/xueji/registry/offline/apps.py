from django.apps import AppConfig


class OfflineConfig(AppConfig):
    name = "xueji.registry.offline"
    label = "offline"
