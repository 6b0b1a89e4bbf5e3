"""The only code that gives out and revokes certificates, and lets registers of names leave the system."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files.content import FileRefused
from xueji.ground.paper import fonts
from xueji.registry.changes import commands as changes
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import Case

from . import codes, facts, paper, queries
from .errors import CertificateRefused
from .models import Certificate

DAYS = (30, 90, 180)
#: What a parent or an adult student can ask a proof for without the school.
PORTAL_PURPOSES = {
    "transfer": gettext_lazy("转学、升学报名"),
    "household": gettext_lazy("户籍办理"),
    "insurance": gettext_lazy("社会保险、医疗保险"),
    "aid": gettext_lazy("资助、助学申请"),
    "bank": gettext_lazy("银行、证件办理"),
    "other": gettext_lazy("其他证明在籍的事项"),
}
PORTAL_DAYS = 30
PORTAL_A_DAY = 5


def issue(
    actor: Any,
    person_id: uuid.UUID,
    *,
    kind: str = facts.ENROLMENT,
    purpose: str,
    days: int = 30,
    term: str = "",
    results: str = "",
) -> Certificate:
    """Give out a numbered, verifiable certificate on a child of the actor's school (C-CER-01, C-CER-02, C-CER-04).

    `term` and `results` (a line for each subject) are for 成绩证明 only; a 毕业证书 needs no purpose and holds for good.

    Raises PermissionDenied, Http404 for a child out of scope, `CertificateRefused` with words for the person.
    """
    actor.require("certificate.issue")
    purpose = purpose.strip()
    if kind == facts.DIPLOMA:
        purpose = purpose or "颁发证书"
    if not purpose:
        raise CertificateRefused(_("请填写用途"))
    if len(purpose) > 50:
        raise CertificateRefused(_("用途最多50个字, 现在是%(n)s个") % {"n": len(purpose)})
    if days not in DAYS:
        raise CertificateRefused(_("有效期只能是30天、90天或180天"))
    more: dict[str, Any] = {}
    if kind == facts.RESULTS:
        term = term.strip()
        if not term or len(term) > 40:
            raise CertificateRefused(_("请填写是哪个学期的成绩, 如“2025-2026学年第二学期”"))
        more = {"results_of": term, "results": facts.read_results(results)}
    return _issue(actor, person_id, kind, purpose, days, school_id=actor.org_id, more=more)


def issue_for_portal(actor: Any, person_id: uuid.UUID, *, purpose: str = "other") -> Certificate:
    """A proof of enrolment that a parent, or the student, takes without the school (C-CER-04), 30 days valid.

    `purpose` is a key of `PORTAL_PURPOSES`. Raises Http404 for anybody else's child, `CertificateRefused`.
    """
    if not actor.is_portal or person_id not in actor.persons:
        raise Http404
    if purpose not in PORTAL_PURPOSES:
        raise CertificateRefused(_("请选择用途"))
    since = timezone.now() - timedelta(days=1)
    if Certificate.objects.filter(
        person_id=person_id, issued_by=actor.user_id, issued_at__gt=since
    ).count() >= (PORTAL_A_DAY):
        raise CertificateRefused(
            _("今天已开具%(n)s份证明, 请使用已开具的证明, 或明天再来") % {"n": PORTAL_A_DAY}
        )
    with translation.override("zh-hans"):  # the paper is Chinese, whatever the reader's screen is
        words = str(PORTAL_PURPOSES[purpose])
    return _issue(actor, person_id, facts.ENROLMENT, words, PORTAL_DAYS)


def _issue(
    actor: Any,
    person_id: uuid.UUID,
    kind: str,
    purpose: str,
    days: int,
    *,
    school_id: int | None = None,
    more: dict[str, Any] | None = None,
) -> Certificate:
    content = facts.gather(actor, person_id, kind) | paper.frame() | (more or {})
    missing = fonts.missing_glyphs(purpose + str((more or {}).values()))
    if missing:
        raise CertificateRefused(str(fonts.MissingGlyphs(missing)))
    code = codes.new_code()
    key = uuid.uuid4()
    now = timezone.now()
    with transaction.atomic(), acting("writer"):
        with connection.cursor() as c:
            c.execute("select org_id from school where school_code = %s", [content["school_code"]])
            place = c.fetchone()[0]
        certificate = Certificate(
            id=key,
            number=_next_number(content["school_code"]),
            kind=kind,
            code_digest=codes.digest(code),
            code_sealed=vault.seal(code, paper.sealed_at(key)),
            person_id=person_id,
            readers=[school_id or place],
            school_id=school_id or place,
            content=content,
            purpose=purpose,
            issued_at=now,
            issued_by=actor.user_id,
            valid_until=facts.FOR_GOOD if kind == facts.DIPLOMA else today() + timedelta(days=days),
        )
        if kind == facts.DIPLOMA:
            _not_twice(certificate)
        certificate.save(force_insert=True)
    record(
        actor,
        "certificate.issue",
        object_type="certificate",
        object_id=key,
        person_id=person_id,
        purpose=purpose,
        after={
            "number": certificate.number,
            "kind": kind,
            "valid_until": certificate.valid_until.isoformat(),
        },
    )
    return certificate


def _not_twice(certificate: Certificate) -> None:
    """One certificate of completion for a child and stage; the counter of the school, held by now, is the lock."""
    given = Certificate.objects.filter(
        person_id=certificate.person_id,
        kind=facts.DIPLOMA,
        revoked_at=None,
        content__stage=certificate.content["stage"],
    ).first()
    if given is not None:
        raise CertificateRefused(
            _("该生的%(t)s已经颁发, 编号%(n)s, 不能重复颁发; 遗失的不补发原件, 请开具毕业证明")
            % {"t": given.content["title"], "n": given.number}
        )


def _next_number(school_code: str) -> str:
    """School code, year and a serial without gaps. The counter's row is the lock of the school's year."""
    run = f"{school_code}-{today().year}"
    with connection.cursor() as c:
        c.execute(
            "insert into certificate_counter as k (run, last) values (%s, 1)"
            " on conflict (run) do update set last = k.last + 1 returning last",
            [run],
        )
        return f"{run}-{c.fetchone()[0]:05d}"


def revoke(actor: Any, certificate_id: uuid.UUID, reason: str) -> None:
    """Declare a certificate void; the public page says so from now on. Raises Http404, `CertificateRefused`."""
    actor.require("certificate.issue")
    reason = reason.strip()
    if not Certificate.objects.filter(pk=certificate_id, school_id=actor.org_id).exists():
        raise Http404
    if len(reason) < 2:
        raise CertificateRefused(_("请填写作废原因"))
    with transaction.atomic():
        with acting("writer"):
            done = Certificate.objects.filter(pk=certificate_id, revoked_at=None).update(
                revoked_at=timezone.now(), revoked_reason=reason[:200]
            )
        if not done:
            raise CertificateRefused(_("这份证明已经作废, 不需要再次操作"))
        row = Certificate.objects.get(pk=certificate_id)
        record(
            actor,
            "certificate.revoke",
            object_type="certificate",
            object_id=certificate_id,
            person_id=row.person_id,
            purpose=reason[:200],
            after={"number": row.number},
        )


def go_along(actor: Any, certificate_id: uuid.UUID) -> Case:
    """Put a certificate of marks to the transfer of a child in late grades who leaves this school (C-TRF-16).

    Raises PermissionDenied, Http404, `CertificateRefused`.
    """
    actor.require("certificate.issue")
    row = Certificate.objects.filter(pk=certificate_id, school_id=actor.org_id).first()
    if row is None:
        raise Http404
    case = queries.transfer_of(actor, row)
    if case is None:
        raise CertificateRefused(
            _("只有成绩证明可以随附, 并且该生要有正在办理的八年级、九年级或高中阶段的转学")
        )
    data = paper.render(row)
    try:
        return changes.attach_results(
            actor,
            case_id=case.pk,
            data=data,
            name=f"{row.content['title']}{row.number}.pdf",
            number=_("%(title)s %(number)s, 验证码可在证明核验页面核对")
            % {"title": row.content["title"], "number": row.number},
        )
    except (CaseError, FileRefused) as error:
        raise CertificateRefused(error.message) from error


def print_again(actor: Any, certificate_id: uuid.UUID) -> tuple[bytes, str]:
    """The PDF of a certificate and its file name, noted before it is answered (C-EXP-05).

    Raises PermissionDenied, Http404 when there is none in scope, `CertificateRefused` when it was revoked.
    """
    actor.require("certificate.view")
    row = Certificate.objects.filter(pk=certificate_id).first()
    if row is None:
        raise Http404
    if row.revoked_at is not None:
        raise CertificateRefused(_("这份证明已作废, 不能再打印。需要时请重新开具"))
    record(
        actor,
        "certificate.print",
        object_type="certificate",
        object_id=row.id,
        person_id=row.person_id,
        purpose=row.purpose,
        after={"number": row.number},
    )
    return paper.render(row), f"{row.content['title']}{row.number}.pdf"
