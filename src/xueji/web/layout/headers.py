"""Headers that every answer carries, pages, files and static ones alike, beside those of Django and the content policy."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from email.message import Message
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

#: What no page of Xueji asks the browser for, but for the camera on the pages below. A photo for evidence goes through
#: the file chooser.
_NOT_ASKED = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media", "geolocation",
    "gyroscope", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment", "serial",
    "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS = ", ".join(
    [
        *(f"{what}=()" for what in _NOT_ASKED),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)
#: The only pages that may use the camera, and what they may beside it: nothing.
CAMERA_PAGES = frozenset({"photos:camera"})
#: Answers that are such a page: as asked for, or again after what was sent had been refused.
CAMERA_ANSWERS = frozenset({200, 422})
WITH_CAMERA = PERMISSIONS.replace("camera=()", "camera=(self)")
FILE_POLICY = "default-src 'none'; sandbox"
_NO_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


def safe_file_name(name: str) -> str:
    """The name of a file that leaves: no path, no control or direction marks, nothing at its front that a program could
    take for a formula or an option, at most 150 characters with its ending kept.
    """
    text = unicodedata.normalize("NFC", name)
    text = "".join(c for c in _NO_NAME.sub(" ", text) if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    text = " ".join(text.replace("..", " ").split()).lstrip(" .=+-@'＝＋－＠~")
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending) > 8:
        stem, ending = text, ""
    return (stem.strip()[:150] or str(_("文件"))) + (f".{ending}" if ending else "")


def safe_disposition(value: str) -> str:
    """A Content-Disposition with a safe name, whatever name stood in it."""
    message = Message()
    message["Content-Disposition"] = value
    name = message.get_filename("")
    if not name and "filename*=" in value:
        name = unquote(value.partition("''")[2])
    return content_disposition_header(True, safe_file_name(name)) if name else "attachment"


class HeadersMiddleware:
    """Permissions policy, and no other site may embed or open what comes from here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add what is missing; a view that says something stricter keeps it."""
        response = self.get_response(request)
        found = request.resolver_match
        camera = (
            found is not None and found.view_name in CAMERA_PAGES and response.status_code in CAMERA_ANSWERS
        )
        response.setdefault("Permissions-Policy", WITH_CAMERA if camera else PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Origin-Agent-Cluster", "?1")
        response.setdefault("X-Permitted-Cross-Domain-Policies", "none")
        if response.headers.get("Content-Disposition", "").startswith("attachment"):
            # A file to keep: whoever opens it inside the browser all the same gets a page that can do nothing.
            response["Content-Disposition"] = safe_disposition(response["Content-Disposition"])
            response["Content-Security-Policy"] = FILE_POLICY
            response["X-Content-Type-Options"] = "nosniff"
            response["Cache-Control"] = "private, no-store"
            response["X-Download-Options"] = "noopen"
        return response
