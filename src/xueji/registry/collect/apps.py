from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "xueji.registry.collect"
    label = "collect"

    def ready(self) -> None:
        """The blank paper form, the sheets of the import and the checks ask no more than the form on the phone."""
        from xueji.registry.family import collection
        from xueji.registry.intake import asked

        from .levels import for_import, for_places, not_collected

        if not_collected not in collection.NARROWED:
            collection.NARROWED.append(not_collected)
        asked.add(for_import)
        asked.add_wide(for_places)
