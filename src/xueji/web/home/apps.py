from django.apps import AppConfig
from django.conf import settings


class HomeConfig(AppConfig):
    name = "xueji.web.home"
    label = "home"

    def ready(self) -> None:
        """A demonstration knows its made-up divisions."""
        if settings.DEMO:
            from xueji.ground.standards import divisions

            divisions.use_demo(True)
