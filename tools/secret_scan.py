"""Look for passwords, keys and tokens in everything that is under version control (detect-secrets; asks no service).

python tools/secret_scan.py            fails on whatever is not in tools/secrets_known.csv
python tools/secret_scan.py --list     prints what was found as lines for that file, to be judged one by one

What is known is told by file, digest and kind with the reason why it is no secret; in tests "*" stands for every value
of that kind in those files. A line with a digest that nothing answers to any more is an error as well.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

from detect_secrets.core import scan
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT / "tools" / "secrets_known.csv"
#: Pages, styles, tables and what others made: no place for keys, and slow to read. Locks are digests from end to end.
_SKIP = re.compile(
    r"(^requirements\.lock$|/vendor/|^standards/|^policies/|^docs/(rules-)?coverage|^tools/secrets_known\.csv$"
    r"|\.(html|css|svg|po|mo|csv|typ|woff2|ttf|otf|png)$)"
)
Found = tuple[str, str, str, int]


def files() -> list[str]:
    """What is under version control and can hold a secret."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [f for f in listed.stdout.split("\0") if f and not _SKIP.search(f) and (ROOT / f).is_file()]


def scan_some(names: list[str]) -> list[Found]:
    """File, digest, kind and line of everything that looks like a secret."""
    out: list[Found] = []
    with default_settings() as settings:
        settings.disable_filters("detect_secrets.filters.common.is_ignored_due_to_verification_policies")
        for name in names:
            for secret in scan.scan_file(str(ROOT / name)):
                out.append((name, secret.secret_hash, secret.type, secret.line_number))
    return out


def main(argv: list[str]) -> int:
    """Compare what is found with what is known; 0 when they agree."""
    names = files()
    pieces = [names[i::8] for i in range(8)]
    with ProcessPoolExecutor(2) as pool:
        found = sorted({f for some in pool.map(scan_some, pieces) for f in some})
    if "--list" in argv:
        csv.writer(sys.stdout).writerows((f, digest, kind, "") for f, digest, kind, _line in found)
        return 0
    with KNOWN.open(encoding="utf-8", newline="") as f:
        known = {(r["file"], r["digest"], r["kind"]): r["reason"].strip() for r in csv.DictReader(f)}
    wide = {(name, kind) for (name, digest, kind), reason in known.items() if digest == "*" and reason}
    new = [
        x
        for x in found
        if not known.get(x[:3]) and not any(fnmatch(x[0], name) and x[2] == kind for name, kind in wide)
    ]
    gone = {k for k in known if k[1] != "*"} - {x[:3] for x in found}
    for name, _digest, kind, line in new:
        print(f"{name}:{line}: {kind}. A real one: change it where it is used, then take it out. "
              "None: say why in tools/secrets_known.csv (--list).")  # fmt: skip
    for name, digest, _kind in sorted(gone):
        print(f"tools/secrets_known.csv: nothing in {name} answers to {digest[:12]} any more")
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
