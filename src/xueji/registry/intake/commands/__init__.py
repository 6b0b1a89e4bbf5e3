"""The only code that writes batches: bring a sheet, check it, repair rows, publish, discard."""

from ..reports import CheckReport, check_file
from .bring import LIMITS, UPLOAD_LIMIT, again, check_only, file_of, give_up, original, run_check, upload
from .inparts import fail_for, publish_for
from .match import match_columns
from .mend import correct, edit_row, error_book, fix_alike, fix_suggested, open_row
from .recover import resume_lost
from .release import PublishResult, discard, publish, request_publish
from .undo import UndoResult, may_undo, not_undone, request_undo, undo, undo_for, undoable
from .update import apply_update, bring_update, plan_of, update_book

__all__ = [
    "LIMITS",
    "UPLOAD_LIMIT",
    "CheckReport",
    "PublishResult",
    "UndoResult",
    "again",
    "apply_update",
    "bring_update",
    "check_file",
    "check_only",
    "correct",
    "discard",
    "edit_row",
    "error_book",
    "fail_for",
    "file_of",
    "fix_alike",
    "fix_suggested",
    "give_up",
    "match_columns",
    "may_undo",
    "not_undone",
    "open_row",
    "original",
    "plan_of",
    "publish",
    "publish_for",
    "request_publish",
    "request_undo",
    "resume_lost",
    "run_check",
    "undo",
    "undo_for",
    "undoable",
    "update_book",
    "upload",
]
