"""Headers that every answer carries, pages, files and static ones alike, beside those of Django and the content policy."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

#: What no page of Xueji asks the browser for. Taking a photo for evidence goes through the file chooser, not the camera.
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


class HeadersMiddleware:
    """Permissions policy, and no other site may embed or open what comes from here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add what is missing; a view that says something stricter keeps it."""
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", PERMISSIONS)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("Origin-Agent-Cluster", "?1")
        response.setdefault("X-Permitted-Cross-Domain-Policies", "none")
        return response
