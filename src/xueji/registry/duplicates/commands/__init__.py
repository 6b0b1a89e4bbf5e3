"""The only code that writes pairs and merges. One module for each kind of deed."""

from .checking import check_one, decide_different, keep_likely, open_problem, resume, start_run, work_off
from .merging import FACTS, decide, propose, withdraw
from .undoing import decide_undo, propose_undo

__all__ = [
    "FACTS",
    "check_one",
    "decide",
    "decide_different",
    "decide_undo",
    "keep_likely",
    "open_problem",
    "propose",
    "propose_undo",
    "resume",
    "start_run",
    "withdraw",
    "work_off",
]
