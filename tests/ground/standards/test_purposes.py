"""Every field of the national form and of our forms says why it is asked for, on what ground, for how long."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django import forms

import xueji
from xueji.ground.standards import fields, purposes

#: Rooms whose forms ask for nothing about a person.
IMPERSONAL = ("xueji.ground.policy", "xueji.ground.orgs", "xueji.web.layout")
#: Forms of the same kind in rooms that ask for other things too.
_NOT_PERSONAL = {"OwnForm", "PeerForm", "NewPeerForm", "RuleForm", "ListForm"}


def _forms() -> Iterator[type[forms.Form]]:
    for module in pkgutil.walk_packages(xueji.__path__, "xueji."):
        if (
            module.name.split(".")[-1].startswith(("forms", "views", "editing"))
            or ".business." in module.name
        ):
            importlib.import_module(module.name)
    todo: list[type[forms.Form]] = [forms.Form]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if (
            kind.__module__.startswith(("xueji.registry", "xueji.web.portal", "xueji.ground.accounts"))
            and kind.__name__ not in _NOT_PERSONAL
        ):
            yield kind


@pytest.mark.capability("C-SEC-04")
def test_every_field_of_the_national_form_has_purpose_ground_and_retention() -> None:
    for field in fields.fields():
        found = purposes.of_field(field.key)
        assert found.basis == field.basis, field.key
        assert found.article
        assert found.sentence
        # What the family may leave out is never a condition.
        if field.basis == "consent":
            assert found.required == "no"
            assert "不影响" in found.refusing
        if field.required == "yes":
            assert found.required == "yes"


def test_every_field_of_our_forms_says_why() -> None:
    missing = [
        f"{kind.__module__}.{kind.__name__}.{name}"
        for kind in _forms()
        for name in kind.base_fields
        if purposes.of_form(kind, name) is None
    ]
    assert not missing, missing


def test_no_line_is_there_twice_or_for_nothing() -> None:
    path = Path(xueji.__file__).parents[2] / "standards" / "purposes.csv"
    if path.exists():
        codes = [line.split(",")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        assert len(codes) == len(set(codes))
    known = {f"field:{f.key}" for f in fields.fields()} | {"field:photo"}
    assert {c for c in purposes.purposes() if c.startswith("field:")} == known
