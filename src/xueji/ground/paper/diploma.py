"""毕业证书, 结业证书, 肄业证书 and 义务教育证书: the certificate with its stub (存根), one landscape sheet A4."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from .seal import rosette_svg
from .typst import render
from .wording import grouped, mask_number, qr_svg, zh_date, zh_month

_CONCLUSIONS = {
    "毕业": "修完规定课程，成绩合格，准予毕业。",
    "结业": "修业期满，未达到毕业要求，准予结业。",
    "肄业": "因中途离校，按肄业处理。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diploma:
    """What a certificate of completion says. `status`: 毕业, 结业 or 肄业; `studied` the actual time of study.

    Photo, seal and signature come by hand (钢印 across the photo), so their places are left open.
    """

    title: str
    number: str
    school_name: str
    school_code: str
    student_name: str
    sex: str
    birth_date: date
    student_number: str
    identity_number: str
    stage_name: str
    status: str
    entered_on: date
    finished_on: date
    studied: str
    list_number: str = ""
    sealed_by_county: bool = False
    issued_on: date
    verify_url: str = ""
    verify_code: str = ""
    watermark: str = ""


def render_diploma(data: Diploma) -> bytes:
    """The certificate as one page of tagged PDF/A-2a (C-CER-01).

    Raises `fonts.MissingGlyphs` when a name cannot be printed, KeyError for a status that ends no stage.
    """
    period = f"{zh_month(data.entered_on)}至{zh_month(data.finished_on)}"
    short = data.status == "肄业"
    payload: dict[str, Any] = {
        "title": data.title,
        "number": data.number,
        "issuer": data.school_name,
        "name": data.student_name,
        "text": [
            ["学生", False],
            [data.student_name, True],
            [
                f"，性别{data.sex}，{zh_date(data.birth_date)}出生，于{period}在本校{data.stage_name}学习",
                False,
            ],
            [f"，实际修业{data.studied}" if short else "", True],
            [f"，{_CONCLUSIONS[data.status]}", False],
        ],
        "facts": [
            ["证书编号", data.number],
            ["学籍号", mask_number(data.student_number)],
            ["证件号", mask_number(data.identity_number)],
            ["学校标识码", data.school_code],
        ],
        "stub": [
            ["姓名", data.student_name],
            ["性别", data.sex],
            ["出生日期", zh_date(data.birth_date)],
            ["学籍号", mask_number(data.student_number)],
            ["结论", data.status],
            ["修业时间", f"{period}（{data.studied}）" if short else period],
            ["名册编号", data.list_number or "—"],
            ["颁发日期", zh_date(data.issued_on)],
        ],
        "county": data.sealed_by_county,
        "issued_on": zh_date(data.issued_on),
        "qr_svg": qr_svg(data.verify_url) if data.verify_url else None,
        "verify_groups": grouped(data.verify_code).split(" ") if data.verify_code else [],
        "rosette_svg": rosette_svg(),
        "watermark": data.watermark,
    }
    return render("diploma", payload, at=datetime.combine(data.issued_on, time()), tagged=True)
