"""What this room has from its first migration on."""

from xueji.ground.policy import versions


def run() -> None:
    """Store the packs of the files (and of approved versions over them), so that any hash a case keeps is found.

    Raises PackError when the files that came with an upgrade and an approved version of a place contradict each other.
    """
    versions.remember(versions.shipped())
    versions.remember(versions.assemble(versions.active()))
