"""The only code that writes comparisons and distributions."""

from .comparing import ask_again, begin, record_failures, work_part
from .distributing import resume, start, work_off

__all__ = [
    "ask_again",
    "begin",
    "record_failures",
    "resume",
    "start",
    "work_off",
    "work_part",
]
