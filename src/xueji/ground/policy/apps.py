"""Django application of the rule room. It keeps no tables: packs are files."""

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """Registers the room under the label ``policy``."""

    name = "xueji.ground.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"
