from django.apps import AppConfig


class CreationConfig(AppConfig):
    name = "xueji.registry.creation"
    label = "creation"

    def ready(self) -> None:
        from xueji.registry.enrolment import marks
        from xueji.registry.intake import gates

        from .special import modes_of
        from .windows import why_closed

        gates.add(why_closed)
        marks.add(modes_of)
