from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "xueji.registry.people"
    label = "people"
