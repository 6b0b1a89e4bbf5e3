"""Write docs/reference/command-line.md from the words of the command itself.

python tools/cli_reference.py            write the page
python tools/cli_reference.py --check    only compare; exit 1 when it is stale

Each subcommand needs its sentence in `ABOUT`: what the Chinese help says in one line, and what it leaves out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import generated_page

NAME = "command-line.md"
ABOUT = {
    "demo": "Makes an installation with an invented county and serves it. Run again, it keeps the data and starts in"
    " seconds. It refuses a database that holds anything else.",
    "serve": "Serves the pages and runs the background work. One process tree: on SIGTERM, SIGINT, SIGHUP or SIGQUIT"
    " everything ends in order, the embedded server last, by the command that started it. Needs a database that is"
    " up to date (`xueji migrate`) and its key file.",
    "audit": "Keeps the audit provable: `anchor` signs the head of the chain into the file of anchors (and into a second file),"
    " `archive` writes months that are over their time into signed files, `drop` takes what lies in verified files out of the"
    " table (as owner), `report` names a day's unusual reading. What an anchor or an archive proves: `xueji verify audit"
    " --anchor`, `--archive`.",
    "check": "Looks at how this installation is deployed (secrets, HTTPS, hosts, rights, demo data) and ends with 1 when"
    " something is unsafe.",
    "worker": "The background work alone. It runs jobs, brings decided changes into force on their day and seals the"
    " audit every 20 seconds.",
    "relay": "This installation among others: `own` names it, `card FILE` writes its card, `peer add CARD` enters another"
    " one by its card and the fingerprint read out by telephone, `status`, `send`, `rotate`; `export CODE FILE` and"
    " `import FILE` carry messages where there is no network.",
    "org": "Names the first unit of an empty installation (`create`), without which nobody could have an account; the"
    " rest of the tree is added on the page 单位. `list` shows the units.",
    "migrate": "Makes or upgrades the database: roles, tables, functions, rights, transitions. The very first run of an"
    " empty database also makes the key file.",
    "keys": "Looks after the key file: `create`, `status`, `backup FILE`, `restore FILE`, `rotate`. See"
    " [Keep and rotate the keys](../how-to/keep-and-rotate-keys.md).",
    "import": "Checks a sheet as the registrar would on the pages and, without `--check`, publishes the rows that may be"
    " published. Exit status 1 when cells are faulty.",
    "takeover": "Loads a running register of a school as its registrar would on the pages: `load ROSTER`, `check N`, `balance N"
    " [TOTALS]` (`--form` writes the sheet to fill), `publish N`, `differences N [REPORT]`, `list`. Exit status 1 while rows are"
    " at fault, totals differ or differences are open. The head signs, columns are matched and differences are decided on the"
    " pages. See [Take a running register over](../how-to/take-over-a-register.md).",
    "export": "Makes the file of a back-end export that a city or the province applied for and the province's leader"
    " consented to in writing. It refuses anybody but a system administrator, and any place but 省级数据中心, with the article."
    " See [Give out a list](../how-to/give-out-a-list.md).",
    "verify": "Recomputes what can be recomputed and compares. Exit status 1 when something is wrong. See"
    " [Verify the record](../how-to/verify-the-record.md).",
    "policy": "Rules as files: `lint [FOLDER|FILE]`, `list`, `export FOLDER`, `diff FILE` (exit status 1 when anything"
    " differs), `import FILE --as ACCOUNT`, which proposes a version. See"
    " [Change the rules of a place](../how-to/change-the-rules-of-a-place.md).",
    "bench": "Runs benchmarks against throw-away data; each gives a ratio and its goal.",
    "user": "Looks after accounts from the terminal: for the first one and for emergencies. It acts as the system and"
    " writes to the audit. See [Give people access](../how-to/give-people-access.md).",
}


def render() -> str:
    """Return the whole page."""
    from xueji.web.cli.main import _parser

    parser = _parser()
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices
    if set(commands) != set(ABOUT):
        raise SystemExit(f"tools/cli_reference.py: ABOUT does not fit: {sorted(set(commands) ^ set(ABOUT))}")
    lines = [
        "# The command line",
        "",
        "<!-- Written by tools/cli_reference.py from the command itself; do not edit. -->",
        "",
        "Everything is a subcommand of `xueji`. The command speaks Chinese, as the pages do; the words in the tables are",
        "its own. What a program would read comes with `--json` on standard output; progress goes to standard error.",
        "",
        "| Exit status | Meaning |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | done, and something was found wrong (faulty cells, broken invariants, a child process that died) |",
        "| 2 | refused: the message says why and what to do |",
        "",
        "Which database and which data folder: [settings](settings.md).",
    ]
    for name, sub in commands.items():
        lines += ["", f"## xueji {name}", "", ABOUT[name], "", "```text", _usage(sub), "```"]
        rows = [_row(a) for a in sub._actions if not isinstance(a, argparse._HelpAction)]
        if rows:
            lines += ["", *generated_page.table(["Argument", "Values", "Words of the command"], rows)]
    return "\n".join(lines) + "\n"


def _usage(sub: argparse.ArgumentParser) -> str:
    parts = []
    for action in sub._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        word = _word(action)
        required = action.required if action.option_strings else action.nargs != "?"
        parts.append(word if required else f"[{word}]")
    options = [p for p in parts if "--" in p]
    return " ".join([sub.prog, *[p for p in parts if "--" not in p], *options])


def _word(action: argparse.Action) -> str:
    value = "|".join(map(str, action.choices)) if action.choices else (action.metavar or action.dest).upper()
    if not action.option_strings:
        return str(value) if action.choices else str(action.dest).upper()
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {value}")


def _row(action: argparse.Action) -> tuple[str, str, str]:
    name = action.option_strings[-1] if action.option_strings else action.dest.upper()
    if action.nargs == 0:
        values = ""
    else:
        values = ", ".join(f"`{c}`" for c in action.choices) if action.choices else _kind(action)
        if action.default not in (None, argparse.SUPPRESS):
            values += f"; default `{action.default}`"
    words = action.help or ("输出 JSON" if action.dest == "json" else "")
    return f"`{name}`", values, words


def _kind(action: argparse.Action) -> str:
    return {"int": "whole number", "Path": "file"}.get(getattr(action.type, "__name__", ""), "text")


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the page."""
    return generated_page.run((__doc__ or "").splitlines()[0], NAME, render, argv)


if __name__ == "__main__":
    sys.exit(main())
