from django.apps import AppConfig


class NoticeConfig(AppConfig):
    name = "xueji.ground.notice"
    label = "notice"
