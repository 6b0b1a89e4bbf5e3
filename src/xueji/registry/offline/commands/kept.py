"""What a package keeps sealed: its base and each sheet that came back; and the plan made of them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.crypto import vault
from xueji.ground.files import commands as files
from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.ground.sheets.guard import Limits
from xueji.registry.intake import updating

from .. import copies, merging
from ..copies import Copy, Line
from ..errors import OfflineError
from ..models import BackState, Decision, HandBack, OfflineItem, OfflinePackage

UPLOAD_LIMIT = 20 * 1024 * 1024
LIMITS = Limits(max_bytes=UPLOAD_LIMIT)


def _base_place(package: OfflinePackage) -> str:
    return f"offline_package.base:{package.pk}"


def _file_place(back: HandBack) -> str:
    return f"offline_handback.file:{back.pk}"


def _store(plain: bytes | str, place: str, name: str) -> uuid.UUID:
    sealed = vault.seal(plain, place)
    file = StoredFile(
        sha256=storage.write(sealed), size=len(plain), mime="application/octet-stream", name=name[-200:],
        purpose="import",
    )  # fmt: skip
    file.save(force_insert=True)
    return file.pk


def write_base(actor: Any, package: OfflinePackage, base: dict[str, Copy], settled: set[str]) -> None:
    """Keep a base in place of the one before. In the writing role."""
    text = json.dumps({"people": base, "settled": sorted(settled)}, ensure_ascii=False)
    drop_base(actor, package)
    package.base_file = _store(text, _base_place(package), "base")


def drop_base(actor: Any, package: OfflinePackage) -> None:
    """Keep no base: nobody can find its file once the package does not name it, disposal neither (个人信息保护法 47).
    The package is saved by the caller.
    """
    if package.base_file is not None:
        files.discard(actor, package.base_file)
        package.base_file = None


def read_base(package: OfflinePackage) -> tuple[dict[str, Copy] | None, set[str]]:
    """The base, or None when its time of keeping is over. In the writing role."""
    file = StoredFile.objects.filter(pk=package.base_file).first() if package.base_file else None
    if file is None:
        return None, set()
    found = json.loads(vault.open_bytes(storage.read(file.sha256), _base_place(package)))
    return found["people"], set(found["settled"])


def write_file(back: HandBack, data: bytes) -> None:
    """Keep the sheet as it came. In the writing role."""
    back.file_id = _store(data, _file_place(back), back.file_name)


def lines_of(back: HandBack) -> list[Line]:
    """The rows of the sheet as it came. In the writing role. Raises `OfflineError` when its time is over."""
    file = StoredFile.objects.filter(pk=back.file_id).first() if back.file_id else None
    if file is None:
        raise OfflineError(_("交回的表已按保管期限清除, 请重新交回"))
    data = vault.open_bytes(storage.read(file.sha256), _file_place(back))
    return copies.read(data, back.file_name, back.package_id, LIMITS)


def plan(actor: Any, package: OfflinePackage, lines: list[Line]) -> merging.Plan:
    """What these rows come to at this moment; a fixed number of statements. In the writing role.

    Raises `OfflineError`.
    """
    base, settled = read_base(package)
    ids = {line.person_id for line in lines if line.person_id} | {uuid.UUID(k) for k in base or {}}
    present = copies.now(actor, package.school_id, ids=sorted(ids))
    scope = copies.now(actor, package.school_id, class_id=package.class_id) if base is not None else {}
    return merging.merge(lines, base, settled, present, scope, updating.columns(package.school_id))


def move_base(actor: Any, package: OfflinePackage, back: HandBack) -> None:
    """Let the base say what was decided of a hand-back, so that the same sheet says nothing new. In the writing role."""
    base, settled = read_base(package)
    if base is None:
        return
    waiting = {
        (str(i.person_id) if i.person_id else f"row:{i.row_no}", i.field)
        for i in OfflineItem.objects.filter(handback=back, decision=Decision.OPEN)
    }
    base, settled = merging.advanced(
        base, settled, lines_of(back), updating.columns(package.school_id), waiting
    )
    write_base(actor, package, base, settled)


def replaced(actor: Any, package: OfflinePackage, back: HandBack) -> None:
    """A later hand-back takes the place of this one: what was decided stays, what was not is looked at anew."""
    if back.file_id and StoredFile.objects.filter(pk=back.file_id).exists():
        move_base(actor, package, back)
    OfflineItem.objects.filter(handback=back, decision=Decision.OPEN).delete()
    back.state = BackState.REPLACED
    back.save(update_fields=["state"])
