"""All writing of this room."""

from .authorise import ask, decide, end, grant_routine, keep_edit, keep_edits, require_edit, require_edits
from .promise import pass_lesson, set_rule, sign, write_text, write_training
from .verify import VerificationError, keep, masked

__all__ = [
    "VerificationError",
    "ask",
    "decide",
    "end",
    "grant_routine",
    "keep",
    "keep_edit",
    "keep_edits",
    "masked",
    "pass_lesson",
    "require_edit",
    "require_edits",
    "set_rule",
    "sign",
    "write_text",
    "write_training",
]
