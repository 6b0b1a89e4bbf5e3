"""A made-up county for the tests of work without the platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.helpers import Place, make_county

from xueji.ground.standards import divisions


@pytest.fixture(autouse=True)
def demo_divisions() -> Iterator[None]:
    """The invented province 990000."""
    with divisions.demo():
        yield


@pytest.fixture
def place(db: None) -> Place:
    """Two primary schools and a nine-year school, with their registrars."""
    return make_county()
