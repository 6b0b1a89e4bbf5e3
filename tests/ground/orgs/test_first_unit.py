"""An empty installation gets its first unit from the terminal, once."""

from __future__ import annotations

import pytest
from django.db import transaction
from tests.helpers import make_county

from xueji.ground.audit.commands import Who
from xueji.ground.orgs import commands
from xueji.ground.orgs.models import Org

pytestmark = pytest.mark.django_db
CONSOLE = Who(None, "console", "console", None)


@pytest.mark.capability("C-ORG-01", page="/orgs/")
def test_the_first_unit_is_the_top_of_the_tree() -> None:
    with transaction.atomic():
        pk = commands.create_first(CONSOLE, kind="county", code="990101", name="松溪县教育局")
    org = Org.objects.get(pk=pk)
    assert (org.path, org.parent_id, org.division) == (f"/{pk}/", None, "990101")


def test_a_second_top_is_refused() -> None:
    make_county()
    with pytest.raises(commands.OrgError, match="已有单位"), transaction.atomic():
        commands.create_first(CONSOLE, kind="county", code="990199", name="另一个教育局")


@pytest.mark.parametrize(("kind", "code"), [("school", "990101"), ("county", "9901"), ("", "")])
def test_what_cannot_be_a_top_unit_is_refused(kind: str, code: str) -> None:
    with pytest.raises(commands.OrgError), transaction.atomic():
        commands.create_first(CONSOLE, kind=kind, code=code, name="某单位")
