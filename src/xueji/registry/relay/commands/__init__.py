"""Everything that writes transfers between installations. Each deed is one transaction with what is said of it."""

from .admin import add_peer, announce_keys, change_peer, retry_message, set_own
from .carry import export_file, import_file
from .deciding import cancel, decide, return_for_repair, urge
from .receiving import attach, begin, detach, discard, preflight, save_form, submit
from .sheet import sheet

__all__ = [
    "add_peer",
    "announce_keys",
    "attach",
    "begin",
    "cancel",
    "change_peer",
    "decide",
    "detach",
    "discard",
    "export_file",
    "import_file",
    "preflight",
    "retry_message",
    "return_for_repair",
    "save_form",
    "set_own",
    "sheet",
    "submit",
    "urge",
]
