from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "xueji.ground.orgs"
    label = "orgs"
