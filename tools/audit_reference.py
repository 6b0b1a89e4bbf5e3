"""Write docs/reference/audit-actions.md: every deed of the audit that has words of its own, and how the others are named.

python tools/audit_reference.py            write the page
python tools/audit_reference.py --check    only compare; exit 1 when it is stale
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import generated_page

NAME = "audit-actions.md"


def render() -> str:
    """The page."""
    generated_page.setup_django()
    from xueji.ground.audit import retention, words

    lines = [
        "# Deeds of the audit",
        "",
        "Written by `tools/audit_reference.py` from `xueji.ground.audit.words`. The code of a deed is `room.verb`; what has no",
        "line of its own is named by its room and its verb.",
        "",
        "## Kinds, and how long they stay in the table",
        "",
    ]
    rows = []
    for name, (label, kinds) in retention.CLASSES.items():
        said = ", ".join(str(words.KINDS[k]) for k in words.KINDS if k in kinds)
        rows.append([f"`{name}`", str(label), said, f"`XUEJI_AUDIT_MONTHS_{name.upper()}`"])
    lines += generated_page.table(["Class", "Words", "Kinds", "Months set by"], rows)
    lines += ["", "## Deeds with words of their own", ""]
    rows = [[f"`{a}`", str(w), str(words.KINDS[words.kind(a)])] for a, w in sorted(words.ACTIONS.items())]
    lines += generated_page.table(["Deed", "Words", "Kind"], rows)
    lines += ["", "## Rooms", ""]
    lines += generated_page.table(
        ["Room", "Words"], [[f"`{r}`", str(w)] for r, w in sorted(words.ROOMS.items())]
    )
    lines += ["", "## Verbs", ""]
    lines += generated_page.table(
        ["Verb", "Words"], [[f"`{v}`", str(w)] for v, w in sorted(words.VERBS.items())]
    )
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the page."""
    return generated_page.run((__doc__ or "").splitlines()[0], NAME, render, argv)


if __name__ == "__main__":
    sys.exit(main())
