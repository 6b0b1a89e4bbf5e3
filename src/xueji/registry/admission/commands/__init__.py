"""The only code that writes admission."""

from .checkin import check_in, close_absent, complete, grant_late
from .children import WHEREABOUTS, enter_children, make_candidates, set_whereabouts
from .claims import answer
from .claims import decide as arbitrate
from .clear import KINDS, decide_clearance, list_violation
from .enter import Outcome, admit_list, enter_one, enter_sheet
from .examine import examine_again, file_paper, state_facts, withdraw
from .lists import decide, return_list, submit
from .notices import HOW, deliver, printed
from .plans import agree_area, answer_plan, ask_area, ask_plan, drop_area, save_area, set_plan

__all__ = [
    "HOW",
    "KINDS",
    "WHEREABOUTS",
    "Outcome",
    "admit_list",
    "agree_area",
    "answer",
    "answer_plan",
    "arbitrate",
    "ask_area",
    "ask_plan",
    "check_in",
    "close_absent",
    "complete",
    "decide",
    "decide_clearance",
    "deliver",
    "drop_area",
    "enter_children",
    "enter_one",
    "enter_sheet",
    "examine_again",
    "file_paper",
    "grant_late",
    "list_violation",
    "make_candidates",
    "printed",
    "return_list",
    "save_area",
    "set_plan",
    "set_whereabouts",
    "state_facts",
    "submit",
    "withdraw",
]
