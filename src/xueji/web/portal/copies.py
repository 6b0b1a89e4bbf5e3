"""A copy of what is held about a child: JSON for machines, a page for people, checksums; made at once (个人信息保护法 45)."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.models import User
from xueji.ground.audit.commands import record
from xueji.ground.duty import verification
from xueji.registry.enrolment import page
from xueji.registry.enrolment import queries as enrolment
from xueji.registry.enrolment.models import GUEST, REGISTERED
from xueji.registry.family import consents, requests
from xueji.registry.family.errors import FamilyError
from xueji.registry.family.guardianship import sights
from xueji.registry.family.models import RequestState
from xueji.registry.family.sight import CONTACT, SCHOOL
from xueji.registry.people import commands as people

from . import mydata

FORMAT = "xueji-copy/1"


@dataclass(frozen=True)
class Copy:
    """The file with its checksum, and when it was made."""

    data: bytes
    sha256: str
    name: str
    made_at: datetime


def for_family(actor: Any, person_id: uuid.UUID, *, password: str) -> Copy:
    """The account's own copy, after the password was typed once more. Raises PermissionDenied, Http404, `FamilyError`."""
    own_no = consents.party_of(actor, person_id)
    user = User.objects.filter(pk=actor.user_id).first()
    if user is None or not user.check_password(password):
        raise FamilyError(_("密码不对"))
    school, contact = mydata.seen(person_id)
    return _make(actor, person_id, own_no, school, contact, purpose=_("家庭下载副本"))


def at_counter(
    actor: Any, person_id: uuid.UUID, *, guardian_no: int | None, form: verification.VerificationForm
) -> tuple[Copy, int]:
    """A copy that the registrar hands to a guardian or pupil who came with a paper; returns it and the record's id.

    Whom a court keeps out gets none, and whoever may see a part gets that part. Raises PermissionDenied, Http404,
    `FamilyError`, `verification.VerificationError`.
    """
    actor.require("copy.release")
    row = enrolment.get_row(actor, person_id)
    if row.former or row.school_id != actor.org_id:
        raise Http404
    seen = sights(person_id, [guardian_no])[guardian_no] if guardian_no is not None else 7
    if not seen:
        raise FamilyError(_("这位监护人被限制查阅, 不能提供副本。请看“监护与查阅限制”"))
    kept = form.kept(actor, person_id, f"copy:{person_id}")
    copy = _make(
        actor,
        person_id,
        guardian_no,
        bool(seen & SCHOOL),
        bool(seen & CONTACT),
        purpose=_("窗口办理查阅复制, 身份核验记录 %s") % kept,
    )
    return copy, kept


def _make(
    actor: Any, person_id: uuid.UUID, guardian_no: int | None, school: bool, contact: bool, *, purpose: str
) -> Copy:
    now = timezone.localtime()
    content: dict[str, Any] = {
        "格式": FORMAT,
        "制作时间": now.isoformat(timespec="seconds"),
        "制作依据": "个人信息保护法第四十五条",
        "个人": people.whole(actor, person_id, guardian_no=guardian_no, contact=contact, purpose=purpose),
        "学籍": _record(person_id) if school else [],
        "同意记录": _consents(person_id, guardian_no),
        "申请": _requests(person_id, guardian_no) if school else [],
        "说明": ""
        if school and contact
        else _("按照法院决定或家庭住址保密的登记, 一部分内容没有放进这份副本"),
    }
    readable = render_to_string("portal/copy.html", {"content": content, "sections": _sections(content)})
    files = {
        "data.json": json.dumps(content, ensure_ascii=False, indent=2).encode(),
        "data.html": readable.encode(),
    }
    sums = "".join(f"{hashlib.sha256(b).hexdigest()}  {n}\n" for n, b in files.items())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in [*files.items(), ("SHA256SUMS.txt", sums.encode())]:
            info = zipfile.ZipInfo(name, now.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, data)
    data = packed.getvalue()
    digest = hashlib.sha256(data)
    record(
        actor,
        "portal.copy",
        object_type="person",
        object_id=person_id,
        person_id=person_id,
        purpose=purpose,
        after={"sha256": digest.hexdigest(), "size": len(data), "school": school, "contact": contact},
        digest=digest.digest(),
    )
    return Copy(data, digest.hexdigest(), f"xueji-copy-{now:%Y%m%d-%H%M}.zip", now)


def _record(person_id: uuid.UUID) -> list[dict[str, str]]:
    links = enrolment.chain(person_id, REGISTERED) + enrolment.chain(person_id, GUEST)
    return [
        {
            "起": s["since"].isoformat(),
            "止": s["until"].isoformat() if s["until"] else "",
            "学校": s["school"],
            "班级": s["class"],
            "状态": s["status"],
            "业务": str(s["business"]),
        }
        for s in page.states(links)
    ]


def _consents(person_id: uuid.UUID, guardian_no: int | None) -> list[dict[str, str]]:
    words = {"given": _("同意"), "refused": _("不同意"), "withdrawn": _("撤回")}
    return [
        {
            "时间": timezone.localtime(c.at).isoformat(timespec="seconds"),
            "事项": consents.questions()[c.code].title if c.code in consents.questions() else c.code,
            "版本": c.version,
            "谁": _("本人") if c.guardian_no is None else _("您") if c.guardian_no == guardian_no else _("另一位监护人"),
            "回答": words[c.answer],
        }
        for c in consents.history(person_id)
    ]  # fmt: skip


def _requests(person_id: uuid.UUID, guardian_no: int | None) -> list[dict[str, str]]:
    return [
        {
            "时间": timezone.localtime(r.asked_at).isoformat(timespec="seconds"),
            "事项": f"{requests.KINDS[r.kind]} · {requests.FIELDS[r.field]}",
            "内容": r.words,
            "结果": str(RequestState(r.state).label),
            "答复": r.reply,
        }
        for r in requests.of_child(person_id)
        if guardian_no is None or not r.private
    ]


def _sections(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The same content as the readable page lays it out: a title with lines of label and value."""
    person: dict[str, Any] = content["个人"]
    out = [
        {"title": _("身份"), "lines": [(k, v) for k, v in person.items() if isinstance(v, str) and v]},
        {"title": _("基本信息"), "lines": list(person["基本信息"].items())},
    ]
    for title, rows in (
        (_("证件"), person["证件"]),
        (_("学籍号"), person["学籍号"]),
        (_("家庭成员"), person["家庭成员"]),
        (_("学籍"), content["学籍"]),
        (_("同意记录"), content["同意记录"]),
        (_("申请"), content["申请"]),
    ):
        lines = [(str(n), " · ".join(f"{k} {v}" for k, v in r.items() if v)) for n, r in enumerate(rows, 1)]
        out.append({"title": title, "lines": lines})
    return [s for s in out if s["lines"]]
