from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "xueji.office.exports"
    label = "exports"
