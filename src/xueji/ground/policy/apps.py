"""Django application of the rule room. Packs are files; versions that places approve are tables."""

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """Registers the room under the label ``policy``."""

    name = "xueji.ground.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"
