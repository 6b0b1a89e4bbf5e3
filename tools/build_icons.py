"""Build the SVG sprite of the icons named in tools/icons.txt from an unpacked @tabler/icons package.

Usage: python tools/build_icons.py PATH_OF_PACKAGE   (the folder that holds icons/outline/*.svg)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools" / "icons.txt"
TARGET = ROOT / "src/xueji/web/layout/static/vendor/icons/tabler-icons.svg"
BACKDROP = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')


def symbol(name: str, svg: str) -> str:
    """Return one <symbol> holding the drawing of an icon, without the invisible backdrop."""
    body = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    body = BACKDROP.sub("", body)
    return f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(body.split())}</symbol>'


def build(package: Path) -> str:
    """Return the text of the sprite. Raises FileNotFoundError when the package lacks a listed icon."""
    names = sorted(set(LIST.read_text(encoding="utf-8").split()))
    parts = [symbol(n, (package / "icons/outline" / f"{n}.svg").read_text(encoding="utf-8")) for n in names]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(parts) + "\n</svg>\n"


def main() -> int:
    """Write the sprite; return the exit code."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(build(Path(sys.argv[1])), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
