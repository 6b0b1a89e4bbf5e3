"""The scripts of the folder `tools/` are no package: their folder joins the search path here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
