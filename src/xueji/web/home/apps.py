from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "xueji.web.home"
    label = "home"
