"""Cut two small WOFF2 fonts for rare characters of names out of Noto Sans SC (OFL-1.1).

rare-common: the characters of 通用规范汉字表 that GBK (and so many an old office font) lacks;
rare-more:   every other character of Extension A, the end of the URO and planes 2-3 that the font has.
Browsers fetch a file only when a page shows one of its characters (unicode-range in app.css).

Usage: python tools/build_webfont.py FONT.ttf TABLE_8105.txt
Prints the unicode-range of rare-common for app.css.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parent.parent / "src/xueji/web/layout/static/vendor/fonts"
RANGES = ((0x3400, 0x4DBF), (0x9FA6, 0x9FFF), (0x20000, 0x3FFFF))


def in_gbk(char: str) -> bool:
    """Tell whether GBK has the character."""
    try:
        char.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def split(cmap: set[int], table: str) -> tuple[list[int], list[int]]:
    """Return the code points of the two files, in order."""
    common = sorted({ord(c) for c in table if ord(c) > 0x2FFF and not in_gbk(c)} & cmap)
    rest = {cp for low, high in RANGES for cp in range(low, high + 1)} & cmap
    return common, sorted(rest - set(common))


def cut(font_path: Path, code_points: list[int], name: str) -> Path:
    """Write one WOFF2 holding only the given characters, without layout tables."""
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 13, 14]
    font = subset.load_font(str(font_path), options)
    worker = subset.Subsetter(options)
    worker.populate(unicodes=code_points)
    worker.subset(font)
    target = TARGET / f"{name}.woff2"
    subset.save_font(font, str(target), options)
    return target


def main() -> int:
    """Write both files; return the exit code."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    font_path = Path(sys.argv[1])
    cmap = set(TTFont(font_path).getBestCmap())
    common, rest = split(cmap, Path(sys.argv[2]).read_text(encoding="utf-8"))
    for name, points in (("rare-common", common), ("rare-more", rest)):
        print(f"{name}: {len(points)} characters, {cut(font_path, points, name).stat().st_size} bytes")
    print("unicode-range: " + ",".join(f"U+{cp:X}" for cp in common))
    return 0


if __name__ == "__main__":
    sys.exit(main())
