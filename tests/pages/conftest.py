"""The demo county, to be read only: a clone of this worker's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests import demo_county


@pytest.fixture(scope="module")
def county(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Accounts and children of the demo; Django points at it while the module's tests run."""
    from xueji.ground.standards import divisions

    accounts = demo_county.template(django_db_blocker)
    name = f"pages_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    demo_county.clone(name)
    with divisions.demo(), demo_county.using(name, django_db_blocker):
        yield accounts
