from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "xueji.office.privacy"
    label = "privacy"
