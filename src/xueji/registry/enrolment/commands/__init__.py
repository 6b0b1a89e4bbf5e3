"""The only code that writes the timeline. Everything that follows from a link (events, rosters, readers, cube,
audit) is written here in the same transaction, by explicit statements. One module for each theme.
"""

from ..timeline import Step, midnight
from .due import activate_due
from .events import write_event, write_events
from .headcount import hold_counts
from .relinking import relink
from .roster import correct_roster
from .shown import mark_problems, set_open_case, set_problem, show_checks, show_prefixes
from .step import apply_step

__all__ = [
    "Step",
    "activate_due",
    "apply_step",
    "correct_roster",
    "hold_counts",
    "mark_problems",
    "midnight",
    "relink",
    "set_open_case",
    "set_problem",
    "show_checks",
    "show_prefixes",
    "write_event",
    "write_events",
]
