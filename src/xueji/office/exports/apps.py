"""The room of exports as a Django app."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Applications, rules and openings; a county's list of students leaves through its door."""

    name = "xueji.office.exports"
    label = "exports"

    def ready(self) -> None:
        """Tell the list of students who else may take it out."""
        from xueji.registry.enrolment import outgoing

        from .judging import county_door

        outgoing.add(county_door)
