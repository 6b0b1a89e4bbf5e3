"""Single sign-on: asking a provider elsewhere (OpenID Connect, CAS) who somebody is.

What comes out is a `Person`; which account that is, and whether it may come in, is decided by `commands.sso`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Who the provider says it is: its name for the person, an address that it has verified, a proven second factor."""

    subject: str
    email: str = ""
    factor: bool = False


class SsoRefused(Exception):
    """The provider, or what came back from it, was not accepted. `reason` is for the log, never for the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
