import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_application_is_an_ordinary_role() -> None:
    with connection.cursor() as c:
        c.execute("select current_user, (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)")
        assert c.fetchone() == ("xueji_app", False)
        c.execute("select count(*) from person")
        assert c.fetchone() == (0,)
