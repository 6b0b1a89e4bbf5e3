"""What this room has from its first migration on."""

from .transitions import sync_transitions


def run() -> None:
    """Compile the packs' transitions into the table that the chain's foreign key refers to."""
    sync_transitions()
