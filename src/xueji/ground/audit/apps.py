from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "xueji.ground.audit"
    label = "audit"
