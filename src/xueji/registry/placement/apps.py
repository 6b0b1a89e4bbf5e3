from django.apps import AppConfig


class PlacementConfig(AppConfig):
    name = "xueji.registry.placement"
    label = "placement"
