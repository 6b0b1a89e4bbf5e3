from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "xueji.web.portal"
    label = "portal"
