"""数据包: a central school or county gathers what its schools handed in; a copy is kept, the county accepts (C-SUB-08)."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.ground.files.queries import read
from xueji.ground.orgs.models import Org, School

from .. import packing
from ..errors import SubmissionError
from ..models import Package, Round, Submission
from ._base import need_words

MOST = 20_000
ZIP = "application/zip"


def gather(actor: Any, round_id: int) -> Package:
    """Pack the submissions of the actor's schools that have been sent in a round, and hand the package to the county.

    Gathered anew it gets the next number; the earlier ones stay. Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.decide")
    if actor.org_kind not in ("central", "county"):
        raise PermissionDenied(_("数据包由中心校和县级主管部门汇总"))
    found = Round.objects.filter(pk=round_id).first()
    mine = School.objects.filter(org__path__startswith=actor.org_path).values_list("org_id", flat=True)
    rows = list(
        Submission.objects.filter(round_id=round_id, school_id__in=list(mine), number__isnull=False)
        .exclude(state="returned")
        .order_by("school_id")[:500]
    )
    if found is None or not (rows or Submission.objects.filter(round_id=round_id).exists()):
        raise Http404
    if not rows:
        raise SubmissionError(_("还没有学校上报, 没有可以汇总的数据"))
    total = sum(r.snapshot["total"] for r in rows)
    if total > MOST:
        raise SubmissionError(_("一个数据包最多 %s 人, 请由各中心校分别汇总") % MOST)
    names = dict(Org.objects.filter(pk__in=[r.school_id for r in rows]).values_list("pk", "name"))
    data = packing.pack(actor, rows)
    county = rows[0].county_id
    with transaction.atomic():
        with acting("writer"):
            # The round's row keeps two who press at once apart.
            Round.objects.select_for_update().get(pk=round_id)
            file = StoredFile(
                sha256=storage.write(data), size=len(data), mime=ZIP, name="package.zip", purpose="package",
                readers=sorted({actor.org_id, county}), user_id=actor.user_id,
            )  # fmt: skip
            file.save(force_insert=True)
            row = Package.objects.create(
                round_id=round_id,
                org_id=actor.org_id,
                county_id=county,
                number=Package.objects.filter(round_id=round_id, org_id=actor.org_id).count() + 1,
                file_id=file.pk,
                sha256=hashlib.sha256(data).hexdigest(),
                schools=[
                    {
                        "school": r.school_id, "name": names[r.school_id], "number": r.number,
                        "n": r.snapshot["total"], "digest": bytes(r.digest or b"").hex(),
                    }
                    for r in rows
                ],
                total=total,
                maker_id=actor.user_id,
                maker_name=actor.user_name,
                made_at=timezone.now(),
            )  # fmt: skip
        record(
            actor,
            "submission.package.gather",
            object_type="submission_package",
            object_id=row.pk,
            after={"round": round_id, "schools": len(rows), "total": total},
            row_count=total,
            digest=bytes.fromhex(row.sha256),
        )
    return row


def answer_package(actor: Any, package_id: int, *, accept: bool, words: str = "") -> Package:
    """The county accepts a package, whose bytes still have their digest, or sends it back with a reason.

    Raises Http404, PermissionDenied, `SubmissionError`.
    """
    actor.require("submission.decide")
    with transaction.atomic():
        if not Package.objects.filter(pk=package_id, county_id=actor.org_id).exists():
            raise Http404
        with acting("writer"):
            row = Package.objects.select_for_update().get(pk=package_id)
            if row.state != "sent":
                raise SubmissionError(_("这个数据包已经处理过了, 请刷新"))
            if row.maker_id == actor.user_id:
                raise SubmissionError(_("汇总和接收不能是同一个人, 请由另一位同事接收"))
            read_package(row)
            row.state = "accepted" if accept else "returned"
            row.answer = words.strip()[:300] if accept else need_words(words)[:300]
            row.answered_name, row.answered_at = actor.user_name, timezone.now()
            row.save()
        record(
            actor,
            f"submission.package.{'accept' if accept else 'return'}",
            object_type="submission_package",
            object_id=row.pk,
            after={"state": row.state},
        )
    return row


def read_package(row: Package) -> bytes:
    """The bytes of a package, as they were gathered. Raises Http404, `SubmissionError` when they are not."""
    kept = StoredFile.objects.filter(pk=row.file_id).first()
    if kept is None:
        raise Http404
    data = read(kept)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise SubmissionError(_("数据包的内容与登记的摘要不一致, 请联系系统管理员"))
    return data
