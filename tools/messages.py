"""Collect the messages of the interface and compile the translations.

    python tools/messages.py              collect new messages into the .po files, then compile
    python tools/messages.py --compile    compile only

Chinese is the source language; a message without a translation is shown in Chinese. What is printed on legal paper, stored
in the record or named by a class stays Chinese in every language: leave it untranslated. Needs the programs of gettext.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import generated_page

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "xueji"


def main(argv: Sequence[str] | None = None) -> int:
    """Collect and compile; return 0, or 1 when gettext is not installed."""
    options = list(sys.argv[1:] if argv is None else argv)
    if shutil.which("msgfmt") is None:
        print(
            "messages: the programs of gettext are not installed (Debian: apt-get install gettext)",
            file=sys.stderr,
        )
        return 1
    generated_page.setup_django()
    from django.core.management import call_command
    from django.core.management.commands import compilemessages, makemessages

    class Collect(makemessages.Command):
        """Knows `N`, the short name of gettext_noop in tables of words."""

        xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=N"]

    os.chdir(PACKAGE)
    if "--compile" not in options:
        call_command(
            Collect(),
            locale=["en"],
            no_wrap=True,
            no_location=True,
            ignore_patterns=["migrations"],
            verbosity=0,
        )
    call_command(compilemessages.Command(), locale=["en"], verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
