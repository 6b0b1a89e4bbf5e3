"""The sheets of a package: one workbook a school, named by the school's code and full name (C-SUB-08, C-SUB-10)."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import School
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.people import queries as people

from .books import file_name
from .models import Child, Submission

_HEADS = ("序号", "学籍号", "姓名", "性别", "出生日期", "学段", "入学年份", "班号")
_STEP = 500


def pack(actor: Any, rows: Sequence[Submission]) -> bytes:
    """A zip with a workbook for each of these submissions and a list of contents. Numbers are masked.

    A query for each five hundred pupils and three more, whatever the number of schools.
    """
    schools = {
        s.pk: s for s in School.objects.select_related("org").filter(pk__in=[r.school_id for r in rows])
    }
    children: dict[uuid.UUID, list[Child]] = {r.pk: [] for r in rows}
    for child in Child.objects.filter(submission_id__in=list(children)).order_by(
        "submission_id", "stage", "-cohort_year", "class_id", "class_seat", "name", "person_id"
    ):
        children[child.submission_id].append(child)
    ids = [c.person_id for some in children.values() for c in some]
    numbers: dict[uuid.UUID, str] = {}
    for i in range(0, len(ids), _STEP):
        numbers |= {k: c.number for k, c in people.cards(actor, ids[i : i + _STEP]).items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for row in rows:
            school = schools[row.school_id]
            lines = [
                (str(i), numbers.get(c.person_id, ""), c.name, SEX_WORDS.get(c.sex, ""), c.birth_date.isoformat(), c.stage,
                 str(c.cohort_year), str(c.class_id or ""))
                for i, c in enumerate(children[row.pk], start=1)
            ]  # fmt: skip
            book = write_table(
                [SheetColumn(label=h) for h in _HEADS],
                lines,
                title=school.org.name,
                notes=[
                    _("批次号 %(n)s, 数据摘要 %(d)s") % {"n": row.number, "d": bytes(row.digest or b"").hex()}
                ],
                watermark=f"{actor.user_name} {actor.org_name}",
            )
            out.writestr(f"{file_name(school)}.xlsx", book)
        contents = "\r\n".join(
            f"{file_name(schools[r.school_id])}.xlsx\t{r.number}\t{len(children[r.pk])}\t{bytes(r.digest or b'').hex()}"
            for r in rows
        )
        out.writestr("contents.txt", contents.encode())
    return buffer.getvalue()
