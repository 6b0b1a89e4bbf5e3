"""One-time codes by time (RFC 6238) and the codes that stand in for a lost authenticator. Pure functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import secrets

import pyotp
import segno

STEP = 30
#: Without characters that are mistaken for each other when read from paper.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
RECOVERY_CODES = 10
_RECOVERY_LENGTH = 16


def new_secret() -> str:
    """A fresh secret for an authenticator app: 160 bits, base32."""
    return pyotp.random_base32(32)


def uri(secret: str, username: str) -> str:
    """What the QR code says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name="学籍系统")


def qr(text: str) -> str:
    """A QR code as a data: address for an image."""
    buffer = io.BytesIO()
    segno.make_qr(text, error="m").save(buffer, kind="svg", border=2, scale=5, xmldecl=False, nl=False)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def grouped(text: str) -> str:
    """Four characters at a time, for reading aloud and typing."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def step_of(secret: str, code: str, now: float, last_step: int) -> int | None:
    """The time step that a code belongs to: now, one before or one after, and later than the last one taken; or None.

    A code that was taken once, and any from before it, is never taken again.
    """
    present = int(now) // STEP
    found: int | None = None
    for step in (present - 1, present, present + 1):
        same = hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step).encode(), code.encode())
        if same and step > last_step:
            found = step
    return found


def new_recovery_codes(n: int = RECOVERY_CODES) -> list[str]:
    """Fresh codes, as they are printed: 79 bits each."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _i in range(4)) for _g in range(_RECOVERY_LENGTH // 4))
        for _n in range(n)
    ]


def plain(code: str) -> str:
    """A typed code without what people put between its parts."""
    return "".join(c for c in code.upper() if c.isascii() and c.isalnum())


def digest(user_id: int, code: str) -> bytes:
    """What is kept of a recovery code. The codes are random enough that a fast hash gives nothing away."""
    return hashlib.sha256(f"xueji:recovery:{user_id}:{plain(code)}".encode()).digest()
