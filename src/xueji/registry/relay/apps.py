from django.apps import AppConfig


class RelayConfig(AppConfig):
    name = "xueji.registry.relay"
    label = "relay"

    def ready(self) -> None:
        """A record that is being handed over stays as it is: every change of a chain asks this room."""
        from xueji.registry.enrolment import holds

        from .queries import held_words

        holds.register(held_words)
