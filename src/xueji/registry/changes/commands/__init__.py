"""Everything that writes cases. Each command is one transaction: right, checks, deed, log, audit."""

from .batch import Outcome, decide_many
from .decide import cancel, decide, finish_due, return_for_repair, urge, withdraw
from .draft import attach, delete_draft, detach, find_child, save_draft, start
from .send import preflight, resubmit, submit, wake
from .sheet import sheet

__all__ = [
    "Outcome",
    "attach",
    "cancel",
    "decide",
    "decide_many",
    "delete_draft",
    "detach",
    "find_child",
    "finish_due",
    "preflight",
    "resubmit",
    "return_for_repair",
    "save_draft",
    "sheet",
    "start",
    "submit",
    "urge",
    "wake",
    "withdraw",
]
