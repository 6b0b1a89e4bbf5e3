"""What this room has from its first migration on: who may do what, and which roles must have a second factor."""

from __future__ import annotations

import csv

from xueji.ground.paths import data_dir

from .models import FactorRule
from .permissions import sync_permissions


def run() -> None:
    """Write the shipped tables into the database; what the installation has decided stays. Idempotent."""
    sync_permissions()
    with (data_dir("standards") / "second_factor.csv").open(encoding="utf-8", newline="") as f:
        rows = [FactorRule(role=r["role"], must=r["must"] == "1") for r in csv.DictReader(f)]
    FactorRule.objects.bulk_create(rows, ignore_conflicts=True)
