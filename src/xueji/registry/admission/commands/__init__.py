"""The only code that writes admission."""

from .checkin import check_in, close_absent, complete, grant_late
from .claims import answer
from .claims import decide as arbitrate
from .enter import Outcome, admit_list, enter_one, enter_sheet
from .examine import examine_again, state_facts, withdraw
from .lists import decide, return_list, submit
from .notices import HOW, deliver, printed
from .plans import answer_plan, ask_plan, drop_area, save_area, set_plan

__all__ = [
    "HOW",
    "Outcome",
    "admit_list",
    "answer",
    "answer_plan",
    "arbitrate",
    "ask_plan",
    "check_in",
    "close_absent",
    "complete",
    "decide",
    "deliver",
    "drop_area",
    "enter_one",
    "enter_sheet",
    "examine_again",
    "grant_late",
    "printed",
    "return_list",
    "save_area",
    "set_plan",
    "state_facts",
    "submit",
    "withdraw",
]
