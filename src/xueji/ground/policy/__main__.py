"""``python -m xueji.ground.policy [FOLDER]``: check packs and name everything they may not say."""

from __future__ import annotations

import sys
from pathlib import Path

from xueji.ground.paths import data_dir
from xueji.ground.policy.library import PackFile, lint, pack_paths
from xueji.ground.policy.words import _


def main(arguments: list[str]) -> int:
    """Print one line per problem; the exit status is 1 when there is one."""
    folder = Path(arguments[0]) if arguments else data_dir("policies")
    files = [PackFile(str(path), path.read_text("utf-8")) for path in pack_paths(folder)]
    problems = lint(files)
    for problem in problems:
        by = f" [{problem.forbidden_by}]" if problem.forbidden_by else ""
        print(f"{problem}{by}")
    print(_("%(packs)d 个规则文件，%(problems)d 个问题") % {"packs": len(files), "problems": len(problems)})
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
