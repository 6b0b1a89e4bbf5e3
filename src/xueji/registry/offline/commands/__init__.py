"""All writing of this room."""

from .bring import UPLOAD_LIMIT, end, hand_back, make, take_book
from .settle import Settled, apply, report, settle

__all__ = ["UPLOAD_LIMIT", "Settled", "apply", "end", "hand_back", "make", "report", "settle", "take_book"]
