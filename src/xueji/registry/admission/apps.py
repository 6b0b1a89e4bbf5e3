from django.apps import AppConfig


class AdmissionConfig(AppConfig):
    name = "xueji.registry.admission"
    label = "admission"

    def ready(self) -> None:
        from xueji.registry.changes.business import zones

        from .eligibility import served_by

        zones.provide(served_by)
