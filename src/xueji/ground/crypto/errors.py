"""What can go wrong with the vault. The messages are for the person who runs the installation."""

from __future__ import annotations


class VaultError(Exception):
    """Base of everything below; its text is a sentence for people."""


class KeyMissing(VaultError):
    """A key that the data needs is not in the key file, or the file itself is gone."""


class KeysExist(VaultError):
    """A key file is already there and is never overwritten."""


class Tampered(VaultError):
    """A sealed value was changed, cut, moved to another place, or never was one."""


class WrongPassphrase(VaultError):
    """The backup cannot be opened with this passphrase (or was damaged)."""


class KeyInUse(VaultError):
    """A key that is still needed was to be taken out of the file."""
