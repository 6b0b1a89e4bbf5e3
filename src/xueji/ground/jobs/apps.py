from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "xueji.ground.jobs"
    label = "jobs"
