"""The room of who is in charge as a Django app."""

from django.apps import AppConfig


class ChargeConfig(AppConfig):
    """Emergency access, hand-over, edits under the head's authorisation."""

    name = "xueji.registry.charge"
    label = "charge"
