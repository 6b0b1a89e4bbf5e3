"""A package out, and back: kept sealed, compared, listed. Nothing of a pupil's record is written here."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.registry.intake import queries as intake
from xueji.registry.intake import updating
from xueji.registry.intake.errors import IntakeError

from .. import copies, queries
from ..errors import OfflineError
from ..merging import Found
from ..models import BackState, Decision, HandBack, ItemKind, OfflineItem, OfflinePackage, PackageState
from .kept import (
    LIMITS,
    UPLOAD_LIMIT,
    drop_base,
    move_base,
    plan,
    read_base,
    replaced,
    write_base,
    write_file,
)

_STEP = 2_000


def make(actor: Any, class_id: int | None = None) -> OfflinePackage:
    """Take the pupils of a class, or of the whole school, into a package (C-SUB-09). Its book is `take_book`.

    Raises PermissionDenied, Http404, `OfflineError`.
    """
    actor.require("offline.run")
    if actor.org_kind != "school" or actor.org_id is None:
        raise OfflineError(_("离线包由学校的学籍管理员制作"))
    with transaction.atomic():
        school = _school(actor.org_id)
        title = str(_("全校"))
        if class_id is not None:
            school_id, title = updating.class_of(actor, class_id)
            if school_id != actor.org_id:
                raise Http404
        found = copies.now(actor, actor.org_id, class_id=class_id)
        if not found:
            raise OfflineError(_("没有在读的学生"))
        with acting("writer"):
            package = OfflinePackage.objects.create(
                county_id=school.county_id, school_id=school.org_id, class_id=class_id, title=title, total=len(found),
                made_by=actor.user_id, made_name=actor.user_name,
            )  # fmt: skip
            write_base(actor, package, {str(p): n.copy for p, n in found.items()}, set())
            package.save(update_fields=["base_file"])
        record(
            actor,
            "offline.make",
            object_type="offline_package",
            object_id=package.pk,
            after={"title": title, "total": len(found)},
            row_count=len(found),
            persons=sorted(found),
        )
    return package


def take_book(actor: Any, package_id: int) -> tuple[OfflinePackage, bytes]:
    """The workbook of a package: what the base says, sensitive values masked. It leaves with personal data: in the audit
    with the pupils. Raises PermissionDenied, Http404, `OfflineError`.
    """
    actor.require("offline.run")
    package = queries.package(actor, package_id)
    if package.state == PackageState.ENDED:
        raise OfflineError(_("这个离线包已作废"))
    school = _school(package.school_id)
    with transaction.atomic():
        with acting("writer"):
            base, _settled = read_base(package)
        if base is None:
            raise OfflineError(_("这个离线包的底稿已按保管期限清除, 请重新制作"))
        data = copies.book(school, package.pk, package.title, base)
        record(
            actor,
            "offline.download",
            object_type="offline_package",
            object_id=package.pk,
            row_count=len(base),
            persons=[uuid.UUID(key) for key in base],
        )
    return package, data


def hand_back(actor: Any, package_id: int, data: bytes, filename: str) -> HandBack:
    """Take a package back: keep the sheet, compare it with its base and with the platform, list what differs. Nothing is
    changed yet. The sheet that was handed in last, once more, is that hand-back again.

    Raises PermissionDenied, Http404, `OfflineError`.
    """
    actor.require("offline.run")
    if len(data) > UPLOAD_LIMIT:
        raise OfflineError(_("文件超过 %s MB, 请分班制作离线包") % (UPLOAD_LIMIT >> 20))
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic():
        package = opened(actor, package_id)
        with acting("writer"):
            last = HandBack.objects.filter(package=package).order_by("-number").first()
            if last is not None and last.file_sha256 == digest and last.state != BackState.REPLACED:
                return last
            # Before anything is written: a sheet that cannot be read leaves the earlier hand-back as it is.
            lines = copies.read(data, filename, package.pk, LIMITS)
            if not lines:
                raise OfflineError(_("表里没有学生"))
            if last is not None and last.state == BackState.OPEN:
                replaced(actor, package, last)
            found = plan(actor, package, lines)
            number = HandBack.objects.filter(package=package).aggregate(n=Max("number"))["n"] or 0
            back = HandBack.objects.create(
                package=package, county_id=package.county_id, school_id=package.school_id, number=number + 1,
                file_name=filename[-200:], file_sha256=digest, counts=found.counts(), by_id=actor.user_id,
                by_name=actor.user_name,
            )  # fmt: skip
            write_file(back, data)
            back.save(update_fields=["file_id"])
            add_items(back, found.items)
            package.state = PackageState.BACK
            package.save(update_fields=["state", "base_file"])
            finish(actor, package, back)
        record(
            actor,
            "offline.hand_back",
            object_type="offline_package",
            object_id=package.pk,
            after={"number": back.number, "file": back.file_name, "sha256": digest, **_plain(back.counts)},
            row_count=found.rows,
        )
    return back


def end(actor: Any, package_id: int, why: str) -> None:
    """Give a package up: it cannot be handed back any more. Raises PermissionDenied, Http404, `OfflineError`."""
    actor.require("offline.run")
    if len(why.strip()) < 2:
        raise OfflineError(_("请写明作废的原因"))
    with transaction.atomic():
        package = opened(actor, package_id)
        with acting("writer"):
            last = HandBack.objects.filter(package=package, state=BackState.OPEN).first()
            if last is not None:
                replaced(actor, package, last)
            drop_base(actor, package)
            package.state = PackageState.ENDED
            package.ended_name, package.ended_at = actor.user_name, timezone.now()
            package.ended_why = why.strip()[:200]
            package.save()
        record(
            actor,
            "offline.end",
            object_type="offline_package",
            object_id=package.pk,
            after={"why": package.ended_why},
        )


def opened(actor: Any, package_id: int) -> OfflinePackage:
    """A package of the actor's own school, locked, that is not given up. Raises Http404, `OfflineError`."""
    found = queries.package(actor, package_id)
    if found.school_id != actor.org_id:
        raise Http404
    with acting("writer"):
        found = OfflinePackage.objects.select_for_update().get(pk=found.pk)
    if found.state == PackageState.ENDED:
        raise OfflineError(_("这个离线包已作废"))
    return found


def add_items(back: HandBack, found: list[Found]) -> None:
    """Keep what differs, masked. In the writing role."""
    OfflineItem.objects.bulk_create(
        [
            OfflineItem(
                handback=back, county_id=back.county_id, school_id=back.school_id, row_no=i.row_no,
                person_id=i.person_id, version=i.version, name=i.name[:100], place=i.place[:60], kind=i.kind,
                field=i.field[:40], base=i.base[:200], here=i.here[:200], there=i.there[:200],
                decision=Decision.NOTED if i.kind == ItemKind.AHEAD else Decision.OPEN,
            )
            for i in found
        ],
        batch_size=_STEP,
    )  # fmt: skip


def finish(actor: Any, package: OfflinePackage, back: HandBack) -> bool:
    """When nothing waits for a decision any more, both copies are at one: the base moves on. In the writing role."""
    if back.state != BackState.OPEN:
        return False
    if OfflineItem.objects.filter(handback=back, decision=Decision.OPEN).exists():
        return False
    move_base(actor, package, back)
    back.state, back.done_name, back.done_at = BackState.DONE, actor.user_name, timezone.now()
    back.save(update_fields=["state", "done_name", "done_at"])
    package.state = PackageState.DONE
    package.save(update_fields=["state", "base_file"])
    return True


def _school(school_id: int) -> Any:
    try:
        return intake.school_facts(school_id)
    except IntakeError as error:
        raise OfflineError(error.message) from error


def _plain(counts: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in counts.items() if k != "arrived_names"}
