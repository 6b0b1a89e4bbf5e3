from django.apps import AppConfig


class DuplicatesConfig(AppConfig):
    name = "xueji.registry.duplicates"
    label = "duplicates"

    def ready(self) -> None:
        from xueji.registry.enrolment import holds
        from xueji.registry.problems import hooks

        from .pairs import settle_pairs
        from .queries import ended_records

        holds.register(ended_records)
        hooks.on_clear(settle_pairs)
