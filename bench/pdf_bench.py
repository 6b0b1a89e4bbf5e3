"""Papers: a register of 4,000 children, and 1,000 certificates one after the other, each with QR code and seal."""

from __future__ import annotations

import statistics
import time
from datetime import date, datetime
from typing import Any

NAME = "pdf"
TITLE = "打印: 4000人花名册, 1000份在籍证明"
TEXT = TITLE
ROSTER_GOAL, CERTIFICATE_GOAL = 4.0, 6.0
SIZES = {"small": (400, 60), "full": (4_000, 1_000)}


def run(size: str = "small", **_options: Any) -> dict[str, Any]:
    """Seconds for both, against their goals; small sizes are held against their share of the goal.

    Ratio: the worse of the two over its goal (1 is the goal). No database: what is measured is the typesetting.
    """
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xueji.settings")
    import django

    django.setup()
    rows, papers = SIZES[size]
    _certificate(0)  # the fonts are read once per process
    roster_s, roster_bytes = _roster(rows)
    times, total_bytes = [], 0
    for i in range(papers):
        began = time.perf_counter()
        total_bytes += len(_certificate(i))
        times.append(time.perf_counter() - began)
    signed, signing = _signing(min(papers, 50))
    roster_ratio = roster_s / (ROSTER_GOAL * rows / SIZES["full"][0])
    paper_ratio = sum(times) / (CERTIFICATE_GOAL * papers / SIZES["full"][1])
    ratio = round(max(roster_ratio, paper_ratio), 2)
    return {
        "name": NAME,
        "ratio": ratio,
        "goal": 1.0,
        "met": ratio <= 1.0,
        "figures": {
            "roster_rows": rows,
            "roster_s": round(roster_s, 2),
            "roster_kb": roster_bytes // 1024,
            "certificates": papers,
            "certificates_s": round(sum(times), 2),
            "certificate_p50_ms": round(statistics.median(times) * 1000, 1),
            "certificate_kb": total_bytes // 1024 // papers,
            "signature_p50_ms": round(statistics.median(signing) * 1000, 1),
            "signed_kb": signed // 1024,
        },
    }


def _signing(papers: int) -> tuple[int, list[float]]:
    """Bytes of a signed certificate, and seconds of each signature: it is made after the request's transaction, paper by
    paper, and has no part in the goals of typesetting.
    """
    from xueji.ground.paper.signature import sign_pdf

    paper = _certificate(0)
    size, times = len(sign_pdf(paper)), []  # the first one reads the certificate
    for _i in range(papers):
        began = time.perf_counter()
        size = len(sign_pdf(paper))
        times.append(time.perf_counter() - began)
    return size, times


def _roster(rows: int) -> tuple[float, int]:
    from xueji.ground.paper.roster import ClassRoster, RosterRow, render_class_roster

    children = [
        RosterRow(
            student_number=f"G990***********{i % 10000:04d}",
            name="欧阳甲乙丙丁戊己庚辛"[i % 8 : i % 8 + 3],
            sex="男女"[i % 2],
            birth_date=date(2014 + i % 6, 1 + i % 12, 1 + i % 28),
            ethnicity="汉族",
            household="测试省甲州市青禾县",
            guardian="张某某",
            phone="138****0000",
            address="测试省甲州市****",
            remark=f"三年级({1 + i // 45 % 20})班",
        )
        for i in range(rows)
    ]
    began = time.perf_counter()
    data = render_class_roster(
        ClassRoster(
            school_name="青禾县第一小学",
            class_name="全校",
            head_teacher="—",
            term_name="2026-2027学年第一学期",
            rows=children,
            printed_by="王老师",
            printed_at=datetime(2026, 11, 22, 9, 0),
            watermark="王老师 2026-11-22 09:00",
        )
    )
    return time.perf_counter() - began, len(data)


def _certificate(i: int) -> bytes:
    from xueji.ground.paper.certificate import EnrolmentCertificate, render_enrolment_certificate

    code = f"{i:016d}".replace("0", "X").replace("1", "Y")
    return render_enrolment_certificate(
        EnrolmentCertificate(
            number=f"2199000001-2026-{i:05d}",
            school_name="青禾县第一小学",
            school_code="2199000001",
            school_phone="0990-1234567",
            issued_on=date(2026, 11, 22),
            valid_until=date(2027, 2, 20),
            purpose="转学、升学报名",
            verify_url=f"https://xueji.example.cn/verify/{code}/",
            verify_code=code,
            student_name="欧阳甲乙丙丁戊己庚辛"[i % 8 : i % 8 + 3],
            sex="男女"[i % 2],
            birth_date=date(2015, 1 + i % 12, 1 + i % 28),
            student_number=f"G**************{i % 10000:04d}",
            identity_number=f"**************{i % 10000:04d}",
            grade_name="三年级",
            class_name=f"（{1 + i % 9}）班",
            entered_on=date(2024, 9, 1),
            expected_graduation=date(2030, 7, 1),
        )
    )
