"""Nothing that identifies a child, and no secret, goes into a log: the last step before a line is written.

Works on the finished text (message, traceback, stack), so that it does not matter who put a number there: a view, a
driver that quotes the failing row, a library. What it cannot know are names: messages must not be made of them.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from types import TracebackType

WITHHELD = "[withheld]"
_SECRET_NAMES = (
    "password|passwd|pwd|passphrase|secret|token|api_?key|private_?key|sessionid|session_key|csrftoken|csrfmiddlewaretoken"
    "|authorization|cookie|otp|identity|identity_number|id_number|phone|mobile"
    "|密码|口令|验证码|密钥|证件号码?|身份证号码?|手机号码?|电话|学籍号"
)
#: In this order: an earlier rule's find is not looked at by a later one.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?-----END [A-Z0-9 ]*PRIVATE KEY-----", re.S),
        WITHHELD,
    ),
    # What the database quotes of a row or of a file that it could not take.
    (re.compile(r"(?m)^(\s*(?:DETAIL|CONTEXT|QUERY|PARAMETERS):).*$"), rf"\1 {WITHHELD}"),
    (re.compile(r"(Failing row contains )\(.*\)", re.S), rf"\1{WITHHELD}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"), rf"\1 {WITHHELD}"),
    (re.compile(r"(\w+://[^\s:/@]+:)[^\s/@]+@"), rf"\1{WITHHELD}@"),
    (
        re.compile(
            rf"""(?i)(?<![A-Za-z])(["']?(?:{_SECRET_NAMES})["']?\s*(?:=|:|：|是|为)\s*)("[^"]*"|'[^']*'|[^\s"',;&)}}\]]+)"""
        ),
        rf"\1{WITHHELD}",
    ),
    (re.compile(r"""(?i)(\bcode["']?\s*[=:]\s*["']?)\d{6}\b"""), rf"\1{WITHHELD}"),
    (re.compile(r"""b(['"])(?:(?!\1).)*\\x(?:(?!\1).)*\1"""), WITHHELD),
)
#: Left as they are, or taken out: numbers of documents, phones, codes on paper, keys and digests.
_TOKENS = re.compile(
    r"(?P<keep>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?<!\d)\d{6}[ \-]\d{8}[ \-]\d{3}[\dXx](?![\dXx])"
    r"|(?<!\d)1[3-9]\d[ \-]\d{4}[ \-]\d{4}(?!\d)"
    r"|(?<![0-9A-Za-z])[GJLgjl]?\d{11,}[Xx]?(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])[A-Z]{1,3}\d{7,10}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?=[A-Z0-9 \-]{0,18}\d)(?=[A-Z0-9 \-]{0,18}[A-Z])(?:[A-Z0-9]{4}[ \-]?){3}[A-Z0-9]{4}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z_])(?=[a-z0-9]*\d)[a-z0-9]{32}(?![0-9A-Za-z_])"
    r"|(?<![0-9A-Za-z_])(?=[\w+\-]*\d)(?=[\w+\-]*[a-z])(?=[\w+\-]*[A-Z])[A-Za-z0-9+_\-]{24,}={0,2}(?![0-9A-Za-z_])"
)


def redact(text: str) -> str:
    """The text without numbers of documents, phones, codes, passwords, tokens and keys. UUIDs stay."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return _TOKENS.sub(lambda m: m.group() if m.group("keep") else WITHHELD, text)


class Formatter(logging.Formatter):
    """Formats as usual and redacts what came out, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        return redact(super().format(record))


def install_hooks() -> None:
    """Let exceptions that nobody caught be printed redacted as well: for the command line and for threads."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        print(redact("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr, end="")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            hook(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = hook
    threading.excepthook = in_thread
