"""What this room has from its first migration on."""

from .permissions import sync_permissions


def run() -> None:
    """Write the shipped table of rights into the database."""
    sync_permissions()
