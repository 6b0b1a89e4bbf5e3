from django.apps import AppConfig


class AdmissionConfig(AppConfig):
    name = "xueji.registry.admission"
    label = "admission"
