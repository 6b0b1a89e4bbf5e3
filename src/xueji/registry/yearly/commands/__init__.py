"""The only code that writes the year's work."""

from .admission import accept, claim, decide_claim, decline, give_up, place, take_back
from .decide import cancel, decide, finish_due, return_for_repair, submit, withdraw
from .destinations import record_destinations
from .prepare import (
    add_child,
    check,
    create,
    create_exchange,
    create_undo,
    set_days,
    set_result,
    state_facts,
)
from .promotion import confirm_promotion
from .sealing import confirm_seal
from .stamps import ask_stamp, stamp
from .uploads import Outcome, place_list

__all__ = [
    "Outcome",
    "accept",
    "add_child",
    "ask_stamp",
    "cancel",
    "check",
    "claim",
    "confirm_promotion",
    "confirm_seal",
    "create",
    "create_exchange",
    "create_undo",
    "decide",
    "decide_claim",
    "decline",
    "finish_due",
    "give_up",
    "place",
    "place_list",
    "record_destinations",
    "return_for_repair",
    "set_days",
    "set_result",
    "stamp",
    "state_facts",
    "submit",
    "take_back",
    "withdraw",
]
