from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    name = "xueji.registry.enrolment"
    label = "enrolment"
