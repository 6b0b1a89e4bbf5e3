"""Where the data files that travel with the code are found, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_NAMES = ("standards", "policies")


@cache
def data_dir(name: str) -> Path:
    """Return the folder `name` ("standards" or "policies").

    The wheel carries a copy under `xueji/_data/`; a checkout has the folder at its root. Raises
    `ValueError` for another name and `FileNotFoundError`, naming both places, when neither exists.
    """
    if name not in _NAMES:
        raise ValueError(f"no data folder is called {name!r}; there are: {', '.join(_NAMES)}")
    packed = _PACKAGE / "_data" / name
    checkout = _PACKAGE.parents[1] / name
    for folder in (packed, checkout):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"data folder {name!r} is neither at {packed} nor at {checkout}")
