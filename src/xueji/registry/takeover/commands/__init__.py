"""All writing of this room."""

from .bring import UPLOAD_LIMIT, ask_columns, bring, discard, match_columns
from .release import explain, publish, set_totals, sign
from .settle import close, report_book, settle

__all__ = [
    "UPLOAD_LIMIT",
    "ask_columns",
    "bring",
    "close",
    "discard",
    "explain",
    "match_columns",
    "publish",
    "report_book",
    "set_totals",
    "settle",
    "sign",
]
