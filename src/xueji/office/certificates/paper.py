"""A certificate on paper, drawn from its frozen content: the same bytes every time it is printed.

The PDF is not kept. It follows from the row alone (no clock, no present record), so a reprint in a year is the paper
of the day of issue, nothing lies on disk that a revocation would have to find, and one set of rights covers both.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.utils import timezone

from xueji.ground.crypto import vault
from xueji.ground.paper.certificate import (
    EnrolmentCertificate,
    GraduationProof,
    GuestProof,
    ResultsProof,
    SuspensionNotice,
    render_enrolment_certificate,
    render_graduation_proof,
    render_guest_proof,
    render_results_proof,
    render_suspension_notice,
)
from xueji.ground.paper.diploma import Diploma, render_diploma

from .facts import DIPLOMA, FOR_GOOD, GRADUATION, GUESTS, RESULTS, SUSPENSION, time_studied
from .models import Certificate


def sealed_at(certificate_id: object) -> str:
    """Where the vault keeps the code of a certificate."""
    return f"certificate.code_sealed:{certificate_id}"


def verify_url(content: dict[str, Any], code: str) -> str:
    """The address in the QR code, as it was when the paper was given out."""
    return f"{content['verify_base']}/verify/{code}/"


def render(certificate: Certificate) -> bytes:
    """The PDF of a certificate. Raises `fonts.MissingGlyphs` if the fonts of the site have shrunk since."""
    content: dict[str, Any] = certificate.content
    code = vault.open(bytes(certificate.code_sealed), sealed_at(certificate.id))
    common: dict[str, Any] = {
        "number": certificate.number,
        "school_name": content["school"],
        "school_code": content["school_code"],
        "school_phone": content["school_phone"],
        "issued_on": timezone.localtime(certificate.issued_at).date(),
        "valid_until": None if certificate.valid_until == FOR_GOOD else certificate.valid_until,
        "purpose": certificate.purpose,
        "verify_url": verify_url(content, code),
        "verify_code": code,
        "watermark": content.get("watermark", ""),
        "student_name": content["name"],
        "sex": content["sex"],
        "birth_date": date.fromisoformat(content["birth"]),
        "student_number": content["student_number"],
        "identity_number": content["identity"],
        "identity_kind": content["identity_kind"] or "身份证件",
        "grade_name": content["grade"],
        "class_name": content["class"],
    }
    if certificate.kind == SUSPENSION:
        return render_suspension_notice(
            SuspensionNotice(
                **common,
                suspended_from=date.fromisoformat(content["suspended_from"]),
                suspended_until=date.fromisoformat(content["suspended_until"]),
                case_number=content["case_number"],
            )
        )
    if certificate.kind == GRADUATION:
        return render_graduation_proof(
            GraduationProof(
                **common,
                status=content["status"],
                entered_on=date.fromisoformat(content["entered"]),
                finished_on=date.fromisoformat(content["finished"]),
                list_number=content["list_number"],
            )
        )
    if certificate.kind == DIPLOMA:
        entered, finished = date.fromisoformat(content["entered"]), date.fromisoformat(content["finished"])
        return render_diploma(
            Diploma(
                title=content["title"],
                number=certificate.number,
                school_name=content["school"],
                school_code=content["school_code"],
                student_name=content["name"],
                sex=content["sex"],
                birth_date=common["birth_date"],
                student_number=content["student_number"],
                identity_number=content["identity"],
                stage_name=content["grade"],
                status=content["status"],
                entered_on=entered,
                finished_on=finished,
                studied=time_studied(entered, finished),
                list_number=content["list_number"],
                sealed_by_county=content["stage"] in ("P", "J"),
                issued_on=common["issued_on"],
                verify_url=common["verify_url"],
                verify_code=code,
                watermark=common["watermark"],
            )
        )
    if certificate.kind == GUESTS:
        return render_guest_proof(
            GuestProof(
                **common,
                origin=content["origin"],
                borrowed_from=date.fromisoformat(content["borrowed_from"]),
                borrowed_until=date.fromisoformat(content["borrowed_until"])
                if content["borrowed_until"]
                else None,
            )
        )
    if certificate.kind == RESULTS:
        return render_results_proof(
            ResultsProof(
                **common, term=content["results_of"], results=tuple((a, b) for a, b in content["results"])
            )
        )
    return render_enrolment_certificate(
        EnrolmentCertificate(
            **common,
            status=content["status"],
            entered_on=date.fromisoformat(content["entered"]),
            expected_graduation=date.fromisoformat(content["expected"]),
        )
    )


def frame() -> dict[str, str]:
    """What the installation adds to the frozen content: where it is verified, and what a demonstration prints."""
    return {"verify_base": settings.PUBLIC_URL, "watermark": "演示样张" if settings.DEMO else ""}
