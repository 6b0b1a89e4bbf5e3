from django.apps import AppConfig


class DropoutConfig(AppConfig):
    name = "xueji.registry.dropout"
    label = "dropout"
