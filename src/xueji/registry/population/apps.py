from django.apps import AppConfig


class PopulationConfig(AppConfig):
    name = "xueji.registry.population"
    label = "population"
