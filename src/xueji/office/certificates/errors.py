"""Why a certificate is not given out, in words for the person who asked."""

from __future__ import annotations


class CertificateRefused(ValueError):
    """The certificate cannot be issued or revoked; `message` (Chinese) says why and what to do."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)
