"""All writing of this room."""

from .emergency import answer, end, find_and_open, look, reveal
from .handover import confirm, hand_over

__all__ = ["answer", "confirm", "end", "find_and_open", "hand_over", "look", "reveal"]
