"""Proofs of enrolment on one sheet A4: 在籍证明, 休学证明, and 毕业证明 of those who have finished.

A paper shows the least that proves the fact: identity and student number by their last four characters only.
Whoever receives it checks it by the QR code or the code of sixteen characters, not by the looks of the seal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from .seal import rosette_svg, seal_svg
from .typst import render
from .wording import grouped, mask_number, qr_svg, zh_date, zh_month

Words = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """What every proof carries besides its wording.

    `verify_code` has 16 characters; `verify_url` is what the QR code opens. `seal_purpose` empty: no seal is
    drawn (the school stamps by hand). `watermark` is for specimens (样张) and demonstrations.
    """

    number: str
    school_name: str
    school_code: str = ""
    school_phone: str = ""
    issued_on: date
    valid_until: date | None = None
    purpose: str = ""
    verify_url: str = ""
    verify_code: str = ""
    seal_purpose: str = "学籍专用章"
    watermark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildProof(Issuance):
    """A proof about one child. Numbers may come whole or masked: printed is the tail. `photo`: JPEG or PNG."""

    student_name: str
    sex: str
    birth_date: date
    student_number: str
    identity_number: str
    identity_kind: str = "居民身份证"
    grade_name: str
    class_name: str
    photo: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentCertificate(ChildProof):
    """在籍证明."""

    status: str = "在校"
    entered_on: date
    expected_graduation: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionNotice(ChildProof):
    """休学证明. The reason, often a matter of health, is not printed. `resume_office` takes the return."""

    suspended_from: date
    suspended_until: date
    case_number: str = ""
    resume_office: str = "学校教务处"
    resume_materials: tuple[str, ...] = ("本证明", "复学申请")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraduationProof(ChildProof):
    """毕业证明, 结业证明 or 肄业证明 by `status`. It proves what is on record and replaces no 毕业证书."""

    status: str
    entered_on: date
    finished_on: date
    list_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestProof(ChildProof):
    """借读证明 of the school that a guest studies at; the record stays with `origin`."""

    origin: str
    borrowed_from: date
    borrowed_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsProof(ChildProof):
    """成绩证明: the marks of one term as the school states them, pairs of subject and mark."""

    term: str
    results: Sequence[tuple[str, str]]


def _born(data: ChildProof) -> Words:
    return [
        ("兹证明", False),
        (data.student_name, True),
        (f"，性别{data.sex}，{zh_date(data.birth_date)}出生", False),
    ]


def _person(data: ChildProof, role: str = "学生") -> Words:
    return [
        *_born(data),
        ("，系我校", False),
        (f"{data.grade_name}{data.class_name}", True),
        (role, False),
    ]


def _numbers(data: ChildProof) -> list[tuple[str, str]]:
    facts = [("学籍号", mask_number(data.student_number))]
    if data.identity_number:
        facts.append(
            (
                f"{data.identity_kind}号" if len(data.identity_kind) <= 5 else "身份证件号",
                mask_number(data.identity_number),
            )
        )
    return facts


def _sheet(data: ChildProof, title: str, paragraphs: list[Words], facts: list[tuple[str, str]]) -> bytes:
    notes = []
    if data.verify_url and data.verify_code:
        notes.append(
            "核验方式：扫描左侧二维码，或在学籍证明核验页面输入 16 位验证码。"
            "纸面与核验结果不一致的，以核验结果为准。"
        )
    notes.append("涂改或超过有效期的，本证明无效。" if data.valid_until else "经涂改的，本证明无效。")
    code = grouped(data.verify_code).split(" ") if data.verify_code else []
    payload: dict[str, Any] = {
        "title": title,
        "number": data.number,
        "issuer": data.school_name,
        "head_left": f"学校标识码：{data.school_code}" if data.school_code else "",
        "paragraphs": paragraphs,
        "facts": facts,
        "photo_bytes": list(data.photo) if data.photo else None,
        "qr_svg": qr_svg(data.verify_url) if data.verify_url else None,
        "verify_groups": code,
        "issued_on": zh_date(data.issued_on),
        "seal_svg": seal_svg(data.school_name, data.seal_purpose) if data.seal_purpose else None,
        "seal_alt": f"{data.school_name}{data.seal_purpose}",
        "rosette_svg": rosette_svg(),
        "watermark": data.watermark,
        "notes": notes,
    }
    return render("certificate", payload, at=datetime.combine(data.issued_on, time()), tagged=True)


def _common_facts(data: Issuance) -> list[tuple[str, str]]:
    facts = []
    if data.purpose:
        facts.append(("用途", data.purpose))
    if data.valid_until:
        facts.append(("有效期", f"{zh_date(data.issued_on)}至{zh_date(data.valid_until)}"))
    if data.school_phone:
        facts.append(("学校电话", data.school_phone))
    return facts


def render_enrolment_certificate(data: EnrolmentCertificate) -> bytes:
    """在籍证明 as one page of PDF/A-2a.

    Raises `fonts.MissingGlyphs` when a name cannot be printed with the installed fonts.
    """
    words = [
        *_person(data),
        (f"，于{zh_month(data.entered_on)}入学，学籍状态为", False),
        (data.status, True),
        ("。", False),
    ]
    facts = [
        *_numbers(data),
        ("年级班级", f"{data.grade_name}{data.class_name}"),
        ("学籍状态", data.status),
        ("入学时间", zh_month(data.entered_on)),
    ]
    if data.expected_graduation:
        facts.append(("预计毕业", zh_month(data.expected_graduation)))
    return _sheet(data, "在籍证明", [words], facts + _common_facts(data))


def render_suspension_notice(data: SuspensionNotice) -> bytes:
    """休学证明 as one page of PDF/A-2a, with what to do when the term ends.

    Raises `fonts.MissingGlyphs` when a name cannot be printed with the installed fonts.
    """
    period = f"{zh_date(data.suspended_from)}至{zh_date(data.suspended_until)}"
    first = [*_person(data), ("，经批准自", False), (period, True), ("休学，休学期间保留学籍。", False)]
    second: Words = [
        (f"休学期满前，请监护人持{'、'.join(data.resume_materials)}到{data.resume_office}办理复学；", False),
        ("需要继续休学的，请在期满前提出申请。", False),
    ]
    facts = [*_numbers(data), ("休学前班级", f"{data.grade_name}{data.class_name}"), ("休学期限", period)]
    if data.case_number:
        facts.append(("业务编号", data.case_number))
    return _sheet(data, "休学证明", [first, second], facts + _common_facts(data))


def render_graduation_proof(data: GraduationProof) -> bytes:
    """毕业证明 (结业证明, 肄业证明) as one page of PDF/A-2a.

    Raises `fonts.MissingGlyphs` when a name cannot be printed with the installed fonts.
    """
    period = f"{zh_month(data.entered_on)}至{zh_month(data.finished_on)}"
    words: Words = [
        *_born(data),
        (f"，于{period}在我校", False),
        (f"{data.grade_name}{data.class_name}", True),
        ("学习，经审核批准，", False),
        ({"毕业": "准予毕业", "结业": "按结业办理", "肄业": "按肄业办理"}[data.status], True),
        ("。", False),
    ]
    facts = [
        *_numbers(data),
        ("学段班级", f"{data.grade_name}{data.class_name}"),
        ("学籍状态", data.status),
        ("在校时间", period),
        ("生效日期", zh_date(data.finished_on)),
    ]
    if data.list_number:
        facts.append(("名册编号", data.list_number))
    second: Words = [("本证明只用于证明学籍记载，不代替毕业证书、结业证书和肄业证明原件。", False)]
    return _sheet(data, f"{data.status}证明", [words, second], facts + _common_facts(data))


def render_guest_proof(data: GuestProof) -> bytes:
    """借读证明 as one page of PDF/A-2a.

    Raises `fonts.MissingGlyphs` when a name cannot be printed with the installed fonts.
    """
    period = zh_date(data.borrowed_from) + (
        f"至{zh_date(data.borrowed_until)}" if data.borrowed_until else "起"
    )
    keeper = f"，学籍保留在{data.origin}" if data.origin else "，学籍保留在原学校"
    words = [
        *_person(data, "借读生"),
        ("，", False),
        (period, True),
        (f"借读{keeper}，借读期间学籍不变。", False),
    ]
    facts = [*_numbers(data), ("借读班级", f"{data.grade_name}{data.class_name}"), ("借读期限", period)]
    facts.append(("学籍所在学校", data.origin or "以学籍系统记载为准"))
    return _sheet(data, "借读证明", [words], facts + _common_facts(data))


def render_results_proof(data: ResultsProof) -> bytes:
    """成绩证明 as one page of PDF/A-2a; the marks stand in pairs.

    Raises `fonts.MissingGlyphs` when a name cannot be printed with the installed fonts.
    """
    words = [*_person(data), (f"，{data.term}各科成绩如下。", False)]
    pairs = [f"{subject}　{mark}" for subject, mark in data.results]
    lines = ["　　　".join(pairs[i : i + 4]) for i in range(0, len(pairs), 4)]
    facts = [*_numbers(data), ("学期", data.term)]
    facts += [("成绩" if i == 0 else "", line) for i, line in enumerate(lines)]
    return _sheet(data, "成绩证明", [words], facts + _common_facts(data))
