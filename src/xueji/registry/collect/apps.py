from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "xueji.registry.collect"
    label = "collect"

    def ready(self) -> None:
        """The blank paper form and the sheets of the import ask no more than the form on the phone."""
        from xueji.registry.family import collection
        from xueji.registry.intake import asked

        from .levels import for_import, not_collected

        if not_collected not in collection.NARROWED:
            collection.NARROWED.append(not_collected)
        asked.add(for_import)
