from django.apps import AppConfig


class StatisticsConfig(AppConfig):
    name = "xueji.office.statistics"
    label = "statistics"
