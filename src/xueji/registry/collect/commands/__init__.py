"""The only code that writes collection tasks and forms."""

from .answers import ask_later, attach, fields_for, look, save_draft, send
from .cases import raise_case
from .checks import allow_later, check, check_plain, remind, return_form, scan, set_way
from .confirm import confirm
from .fields import set_levels
from .notes import add_note, drop_note
from .proofs import file_proof
from .tasks import close_task, extend, give_progress, open_for_arrivals, open_task, renew

__all__ = [
    "add_note",
    "allow_later",
    "ask_later",
    "attach",
    "check",
    "check_plain",
    "close_task",
    "confirm",
    "drop_note",
    "extend",
    "fields_for",
    "file_proof",
    "give_progress",
    "look",
    "open_for_arrivals",
    "open_task",
    "raise_case",
    "remind",
    "renew",
    "return_form",
    "save_draft",
    "scan",
    "send",
    "set_levels",
    "set_way",
]
