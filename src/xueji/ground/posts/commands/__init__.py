"""Everything that writes the register of officers, and the units and posts of a school."""

from .officers import name, take_note, train
from .staffing import appoint, close_unit, end, open_unit

__all__ = ["appoint", "close_unit", "end", "name", "open_unit", "take_note", "train"]
