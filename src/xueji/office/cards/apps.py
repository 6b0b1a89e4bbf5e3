from django.apps import AppConfig


class CardsConfig(AppConfig):
    name = "xueji.office.cards"
    label = "cards"
