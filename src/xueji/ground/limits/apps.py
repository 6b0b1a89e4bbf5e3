from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "xueji.ground.limits"
    label = "limits"
