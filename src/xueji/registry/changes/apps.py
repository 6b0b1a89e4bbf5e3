import uuid

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "xueji.registry.changes"
    label = "changes"

    def ready(self) -> None:
        from xueji.registry.problems import hooks

        hooks.on_clear(_go_on)


def _go_on(person_id: uuid.UUID) -> None:
    """A record is free of problems: what waited goes on. Whoever holds the child just now lets it go on himself, so
    that two schools that answer at once never wait for each other; the hourly round takes up what is left."""
    from django.db import connection

    from .commands import wake_child

    with connection.cursor() as c:
        c.execute("select 1 from person where person_id = %s for update skip locked", [person_id])
        if c.fetchone() is not None:
            wake_child(person_id)
