"""Everything that writes cases. Each command is one transaction: right, checks, deed, log, audit."""

from .advise import acknowledge, advise, ask_opinion
from .alike import alike
from .batch import Outcome, decide_many
from .daily import finish_due, tend
from .decide import decide, return_for_repair, take_back
from .dispute import dispute_number
from .draft import attach, backfill, delete_draft, detach, find_child, save_draft, start
from .follow import follow_up, remind_absences
from .hand import hand_over, strike
from .intervene import intervene
from .launch import wake, wake_child
from .newcomer import start_newcomer
from .placing import assign, decline, drop, take
from .results import attach_results
from .send import preflight, resubmit, submit
from .sheet import sheet
from .stop import cancel, urge, withdraw
from .templates import drop_template, keep_template

__all__ = [
    "Outcome",
    "acknowledge",
    "advise",
    "alike",
    "ask_opinion",
    "assign",
    "attach",
    "attach_results",
    "backfill",
    "cancel",
    "decide",
    "decide_many",
    "decline",
    "delete_draft",
    "detach",
    "dispute_number",
    "drop",
    "drop_template",
    "find_child",
    "finish_due",
    "follow_up",
    "hand_over",
    "intervene",
    "keep_template",
    "preflight",
    "remind_absences",
    "resubmit",
    "return_for_repair",
    "save_draft",
    "sheet",
    "start",
    "start_newcomer",
    "strike",
    "submit",
    "take",
    "take_back",
    "tend",
    "urge",
    "wake",
    "wake_child",
    "withdraw",
]
