from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    name = "xueji.office.certificates"
    label = "certificates"
