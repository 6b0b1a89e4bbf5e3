"""Rows of a batch as the person finds them in the file."""

from __future__ import annotations

from django import template

from ..columns import row_name
from ..models import ImportBatch

register = template.Library()


@register.filter
def row_of(row_no: int, batch: ImportBatch) -> str:
    """`5`, or `二(1)班-5` where the workbook had a sheet a class."""
    return row_name(batch.mapping.get("sheets") or [], row_no)
