"""`xueji verify`: every invariant of the record, looked at as the owner, who sees all rows."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from xueji import config
from xueji.ground.db.problems import Problem

from . import boot
from .boot import Refused


def run(
    what: str = "all", *, deep: bool = False, owner: config.Dsn | None = None, sample: int = 200
) -> list[Problem]:
    """All problems found; empty when everything holds. `deep` opens every sealed number, `sample` that many values of
    each sealed column.
    """
    return list(_problems(what, deep, owner or config.owner_dsn(), sample))


def _problems(what: str, deep: bool, owner: config.Dsn, sample: int) -> Iterator[Problem]:
    from xueji.ground.audit import verify as audit
    from xueji.ground.crypto import verify as keys
    from xueji.registry.enrolment import verify as record
    from xueji.registry.people import verify as vault
    from xueji.registry.yearly import verify as lists

    with psycopg.connect(**owner.kwargs()) as c:  # type: ignore[arg-type]
        if what in ("all", "record"):
            yield from record.record_problems(c)
            yield from lists.problems(c)
        if what in ("all", "statistics"):
            yield from record.statistics_problems(c)
        if what in ("all", "vault"):
            yield from vault.problems(c, deep=deep)
        if what in ("all", "keys"):
            yield from keys.problems(c, sample=sample)
        if what in ("all", "audit"):
            yield from audit.problems(c)


def pdf(args: argparse.Namespace, show: Callable[[Any], None]) -> int:
    """`xueji verify pdf FILE`: whether a paper is unchanged and whose signature it bears. 1 when it is not good."""
    from xueji.ground.paper import signature

    if args.file is None:
        raise Refused("请给出要核对的文件, 例如: xueji verify pdf 在籍证明.pdf")
    boot.setup_django()
    try:
        data = args.file.read_bytes()
        trust = args.trust.read_bytes() if args.trust else b""
        found = signature.verify_pdf(data, trust=trust)
    except (OSError, ValueError, signature.SigningError) as error:
        raise Refused(str(error)) from error
    if args.json:
        show({"ok": found.good, **vars(found)})
        return 0 if found.good else 1
    if found.problem:
        print(f"✗ {found.problem}")
    else:
        print(f"{'✓' if found.intact else '✗'} 内容{'与签名一致' if found.intact else '与签名不符'}")
        print(f"{'✓' if found.whole else '✗'} 签名{'覆盖整个文件' if found.whole else '之后文件又有改动'}")
        who = "本系统的证书" if found.ours else "受信任机构的证书" if found.trusted else "未知的证书"
        print(f"{'✓' if found.ours or found.trusted else '✗'} 由{who}签名: {found.signer}")
        print(f"  证书指纹 {found.fingerprint}")
    print("核对通过" if found.good else "核对未通过")
    return 0 if found.good else 1
