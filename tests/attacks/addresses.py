"""Every address of the site: how it is asked, who may ask, and about which object. A new address needs a line here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver
from tests.attacks import admission
from tests.attacks.world import CHILDREN, World

from xueji.ground.accounts.roles import PERMISSIONS, Role

PUBLIC, SIGNED_IN = "public", "signed in"
ACCOUNTS = "account.any"
PORTAL = "portal"


#: Addresses of whoever may do one of several things.
COLLECTING = "collect.any"
PERMISSIONS_PAGE, SETTLING = "permission.any", "permission.settle"
EITHER = {
    PERMISSIONS_PAGE: ("permission.view", "permission.approve"),
    "export.any": ("export.view", "export.use"),
    "export.ask": ("export.apply", "export.use"),
    SETTLING: ("permission.change", "permission.approve", "teaching.scope"),
    ACCOUNTS: ("account.manage", "account.manage_own"),
    "corrections.any": ("register.print", "case.overview"),
    "authorise.any": ("student.edit", "student.authorise"),
    "emergency.any": ("emergency.open", "emergency.answer"),
    COLLECTING: ("collect.check", "collect.confirm"),
    "staff": ("student.list", "account.manage", "system.view", "audit.view"),
}


@dataclass(frozen=True)
class Address:
    """`permission` names who may (a key of PERMISSIONS, or one of the words above); `about` the object's kind.

    `answers` are the statuses for whoever may, about an object that he sees.
    """

    path: str
    permission: str
    about: str = ""
    post: bool = False
    answers: tuple[int, ...] = (200,)
    #: Asked with GET and POST both; the POST is asked with an empty form.
    both: bool = False
    #: What the POST carries, so that it reaches the object.
    data: tuple[tuple[str, str], ...] = ()

    def body(self) -> dict[str, Any]:
        """The form of the POST."""
        files = {"file": SimpleUploadedFile("x.xlsx", b"x")} if self.path.endswith("/correct/") else {}
        return dict(self.data) | files

    def may(self, role: str) -> bool:
        """Whether a role may ask at all."""
        if self.permission in (PUBLIC, SIGNED_IN):
            return True
        if self.permission == PORTAL:
            return role in (Role.PARENT, Role.STUDENT)
        if self.permission in EITHER:
            return any(role in PERMISSIONS[action] for action in EITHER[self.permission])
        return role in PERMISSIONS[self.permission]


DEED = (200, 302, 303, 400, 422)
PAGE = (200, 302)

ADDRESSES: dict[str, Address] = {
    "home:home": Address("/", SIGNED_IN, answers=PAGE),
    "home:healthz": Address("/healthz", PUBLIC),
    "home:system": Address("/system/", "system.view"),
    "home:help": Address("/help/", SIGNED_IN),
    "policy:rules": Address("/rules/", "policy.view"),
    "policy:print": Address("/rules/print/", "policy.view"),
    "policy:values": Address("/rules/values/", "policy.view"),
    "policy:businesses": Address("/rules/businesses/", "policy.view"),
    "policy:compare": Address("/rules/compare/?a=cn-99&b=cn-31", "policy.view"),
    "policy:differences": Address("/rules/differences/", "policy.view"),
    "policy:try": Address("/rules/try/?event=transfer.apply", "policy.view", both=True),
    "policy:versions": Address("/rules/versions/", "policy.stage"),
    "policy:new": Address("/rules/versions/new/", "policy.stage", both=True),
    "policy:stage": Address("/rules/stages/{stage}/", "policy.stage", about="stage"),
    "policy:download": Address("/rules/stages/{stage}/pack.toml", "policy.stage", about="stage"),
    "changes:stage_cases": Address("/rules/stages/{stage}/cases/", "policy.stage", about="stage"),
    "policy:approve": Address(
        "/rules/stages/{stage}/approve/", "policy.approve", about="stage", post=True, answers=DEED
    ),
    "policy:refuse": Address(
        "/rules/stages/{stage}/refuse/", "policy.approve", about="stage", post=True, answers=DEED
    ),
    "policy:withdraw": Address(
        "/rules/stages/{stage}/withdraw/", "policy.stage", about="stage", post=True, answers=DEED
    ),
    "home:orgs": Address("/orgs/", "org.view"),
    "home:org": Address("/orgs/{org}/", "org.view", about="org"),
    "home:org_new": Address("/orgs/{org}/new/", "org.edit", about="org", both=True),
    "home:entries": Address("/orgs/entries/", "org.review"),
    "home:entry": Address("/orgs/entries/{org}/", "org.review", about="org_entry", both=True),
    "home:org_edit": Address("/orgs/{org}/edit/", "org.edit", about="org", both=True),
    "home:classes": Address("/classes/", "class.view", answers=PAGE),
    "home:class_new": Address("/classes/new/", "class.edit", both=True),
    "home:class": Address("/classes/{klass}/", "class.view", about="klass"),
    "home:class_profile": Address("/classes/{klass}/profile/", "class.view", about="klass"),
    "home:class_close": Address(
        "/classes/{klass}/close/", "class.edit", about="klass", post=True, answers=DEED
    ),
    "accounts:login": Address("/login/", PUBLIC, answers=PAGE),
    "accounts:logout": Address("/logout/", SIGNED_IN, post=True, answers=DEED),
    "accounts:role": Address("/role/", SIGNED_IN, post=True, answers=(404,)),
    "accounts:extend": Address("/session/extend/", SIGNED_IN, post=True, answers=(204,)),
    "accounts:me": Address("/me/", SIGNED_IN),
    "accounts:password": Address("/me/password/", SIGNED_IN, both=True),
    "accounts:passkey_options": Address("/login/passkey/options/", PUBLIC, post=True),
    "accounts:passkey": Address("/login/passkey/", PUBLIC, post=True, answers=(422,)),
    "accounts:sso": Address("/login/oidc/start/", PUBLIC, answers=(404,)),
    "accounts:sso_back": Address("/login/oidc/back/", PUBLIC, answers=(404,)),
    "accounts:sso_unbind": Address("/me/sso/oidc/end/", SIGNED_IN, post=True, answers=(404,)),
    "accounts:factor": Address("/me/factor/", SIGNED_IN, both=True),
    "accounts:factor_app": Address("/me/factor/app/", SIGNED_IN, both=True, answers=(200, 303, 422)),
    "accounts:factor_codes": Address("/me/factor/codes/", SIGNED_IN, post=True, answers=DEED),
    "accounts:factor_options": Address(
        "/me/factor/passkey/options/", SIGNED_IN, post=True, answers=(200, 422)
    ),
    "accounts:factor_passkey": Address("/me/factor/passkey/", SIGNED_IN, post=True, answers=(422,)),
    "accounts:factor_prove": Address("/me/factor/passkey/prove/", SIGNED_IN, post=True, answers=(422,)),
    "accounts:factor_remove": Address(
        f"/me/factor/{uuid.UUID(int=1)}/remove/", SIGNED_IN, post=True, answers=(404,)
    ),
    "accounts:factor_rules": Address("/accounts/factor/", "account.manage"),
    "accounts:factor_rule_set": Address(
        "/accounts/factor/set/", "account.manage", post=True, answers=(404, 302), data=(("role", "-"),)
    ),
    "accounts:session_end": Address("/me/sessions/end/", SIGNED_IN, post=True, answers=DEED),
    "accounts:standin": Address("/me/standin/", "case.decide", both=True),
    "accounts:standin_end": Address("/me/standin/1/end/", "case.decide", post=True, answers=(404,)),
    "accounts:rights": Address("/me/rights/", SIGNED_IN),
    "accounts:permissions": Address("/permissions/", PERMISSIONS_PAGE),
    "accounts:permission_change": Address(
        "/permissions/change/", "permission.change", post=True, answers=(404,)
    ),
    "accounts:teaching": Address("/permissions/teaching/", "teaching.scope"),
    "accounts:permission_settle": Address("/permissions/1/end/", SETTLING, post=True, answers=(404,)),
    "accounts:list": Address("/accounts/", ACCOUNTS),
    "accounts:batch": Address("/accounts/batch/", ACCOUNTS, both=True),
    "accounts:new": Address("/accounts/new/", ACCOUNTS, both=True),
    "accounts:account": Address("/accounts/{user}/", ACCOUNTS, about="user"),
    "accounts:do": Address("/accounts/{user}/disable/", ACCOUNTS, about="user", post=True, answers=DEED),
    "audit:audit": Address("/audit/", "audit.view"),
    "audit:verify": Address("/audit/verify/", "audit.view", post=True, answers=DEED),
    "audit:entry": Address("/audit/1/", "audit.view", answers=(200, 404)),
    "audit:export": Address("/audit/export.xlsx", "audit.view"),
    "audit:find": Address("/audit/person/", "audit.view", both=True),
    "audit:unusual": Address("/audit/unusual/", "audit.view"),
    "audit:judge": Address(
        "/audit/unusual/1/",
        "audit.view",
        post=True,
        answers=(404,),
        data=(("verdict", "fine"), ("note", "日常工作")),
    ),
    "audit:figures": Address("/audit/figures/", "audit.view"),
    "audit:school": Address("/audit/school/", "audit.school"),
    "audit:school_readers": Address("/audit/school/readers/", "audit.school"),
    "audit:school_read": Address("/audit/school/pupils/", "audit.school"),
    "audit:proof": Address("/audit/proof/", "audit.view"),
    "audit:new_anchor": Address("/audit/anchor/", "audit.view", post=True, answers=DEED),
    "audit:anchor_page": Address("/audit/anchor/1/anchor.pdf", "audit.view", answers=(404,)),
    "audit:anchor_file": Address("/audit/anchor/1/anchor.json", "audit.view", answers=(404,)),
    "files:file": Address("/files/{file}/", SIGNED_IN, about="file"),
    "files:thumb": Address("/files/{file}/thumb/", SIGNED_IN, about="file"),
    "people:reveal": Address(
        "/people/{person}/reveal/?what=identity",
        "identity.reveal",
        about="record",
        post=True,
        data=(("purpose", "核对证件"),),
    ),
    "people:photo": Address("/people/{photo}/photo.jpg", "student.view", about="photo"),
    "enrolment:students": Address("/students/", "student.list"),
    "enrolment:student": Address("/students/{person}/", "student.view", about="person"),
    "creation:list": Address("/creation/", "creation.view"),
    "creation:senior": Address("/creation/senior/", "creation.view"),
    "creation:batch": Address("/creation/batch/", "creation.decide", post=True, answers=DEED),
    # Only a school has numbers of its own.
    "creation:numbers": Address("/creation/numbers/", "creation.view", answers=(200, 404)),
    "creation:special": Address("/creation/special/", "creation.view"),
    "creation:special_sheet": Address("/creation/special/list.xlsx", "creation.view"),
    "creation:special_end": Address("/creation/special/1/end/", "creation.send", post=True, answers=DEED),
    "creation:windows": Address("/creation/windows/", "creation.view"),
    "creation:window_close": Address(
        "/creation/windows/1/close/", "creation.window", post=True, answers=DEED
    ),
    "creation:detail": Address("/creation/{batch}/", "creation.view", about="sent"),
    **{
        f"creation:{deed}": Address(
            f"/creation/{{batch}}/{deed}/",
            "creation.send" if deed == "withdraw" else "creation.decide",
            about="sent",
            post=True,
            answers=DEED,
            data=(("version", "1"), ("reason", "材料不全")),
        )
        for deed in ("decide", "return", "withdraw")
    },
    "offline:list": Address("/offline/", "offline.view"),
    "offline:package": Address("/offline/{batch}/", "offline.view", about="sent"),
    "offline:book": Address(
        "/offline/{batch}/package.xlsx", "offline.run", about="sent", answers=(200, *DEED)
    ),
    "offline:return": Address(
        "/offline/{batch}/return/", "offline.run", about="sent", post=True, answers=DEED
    ),
    "offline:end": Address(
        "/offline/{batch}/end/", "offline.run", about="sent", post=True, answers=DEED, data=(("why", ""),)
    ),
    "offline:items": Address("/offline/returns/{batch}/", "offline.view", about="sent"),
    "offline:apply": Address(
        "/offline/returns/{batch}/apply/", "offline.run", about="sent", post=True, answers=DEED
    ),
    "offline:settle": Address(
        "/offline/returns/{batch}/settle/",
        "offline.run",
        about="sent",
        post=True,
        answers=DEED,
        data=(("how", "keep"),),
    ),
    "offline:report": Address("/offline/returns/{batch}/report.xlsx", "offline.view", about="sent"),
    "takeover:list": Address("/takeover/", "takeover.view"),
    "takeover:template": Address("/takeover/template.xlsx", "takeover.run"),
    "takeover:detail": Address("/takeover/{batch}/", "takeover.view", about="sent"),
    "takeover:columns": Address("/takeover/{batch}/columns/", "takeover.run", about="sent"),
    "takeover:differences": Address("/takeover/{batch}/differences/", "takeover.view", about="sent"),
    "takeover:report": Address("/takeover/{batch}/report.xlsx", "takeover.run", about="sent"),
    "takeover:settle": Address(
        "/takeover/{batch}/settle/",
        "takeover.view",
        about="sent",
        post=True,
        # The difference picked is of one school: in a takeover of another it is not there.
        answers=(*DEED, 403, 404),
        data=(("how", "report"), ("pick", "1")),
    ),
    **{
        f"takeover:{deed}": Address(
            f"/takeover/{{batch}}/{deed}/",
            "takeover.sign" if deed == "sign" else "takeover.run",
            about="sent",
            post=True,
            answers=DEED,
            data=data,
        )
        for deed, data in (
            ("totals", ()),
            ("explain", (("text", "人数相差一人"),)),
            ("sign", (("version", "1"),)),
            ("publish", (("expected", "1"),)),
            ("close", ()),
            ("discard", ()),
        )
    },
    "intake:list": Address("/import/", "intake.import", both=True),
    "collect:list": Address("/collect/", "collect.view"),
    "collect:new": Address("/collect/new/", "collect.open", both=True),
    "collect:arrivals": Address("/collect/arrivals/", "collect.open", both=True),
    "collect:nonumber": Address("/collect/nonumber/", "collect.check"),
    # A pupil with a number has no such page, and no such paper.
    "collect:nonumber_one": Address(
        "/students/{person}/nonumber/", "collect.check", about="in_class", both=True, answers=(404,)
    ),
    "collect:nonumber_sheet": Address(
        "/students/{person}/nonumber.pdf", "collect.check", about="in_class", answers=(404,)
    ),
    "collect:fields": Address("/collect/fields/", "collect.fields", both=True),
    "collect:keys": Address("/collect/keys/", "case.start"),
    "collect:progress": Address("/collect/progress/", "collect.view"),
    "collect:task": Address("/collect/{task}/", "collect.view", about="task"),
    "collect:do": Address(
        "/collect/{task}/do/",
        "collect.open",
        about="task_own",
        post=True,
        answers=DEED,
        data=(("deed", "renew"),),
    ),
    "collect:confirm": Address("/collect/{task}/confirm/", "collect.confirm", about="task_own"),
    "collect:class": Address("/collect/{task}/classes/{klass}/", "collect.check", about="task_class"),
    "collect:sheets": Address(
        "/collect/{task}/classes/{klass}/sheets.pdf", "collect.check", about="task_class"
    ),
    "collect:form": Address("/collect/{task}/{person}/", COLLECTING, about="task_child"),
    "collect:form_do": Address(
        "/collect/{task}/{person}/do/",
        COLLECTING,
        about="task_child",
        post=True,
        answers=(302, 403),
        data=(("deed", "return"), ("reason", "请补充材料")),
    ),
    "collect:fill": Address("/collect/{task}/{person}/fill/", "collect.check", about="task_child"),
    "collect:reveal": Address(
        "/collect/{task}/{person}/reveal/?key=phone",
        COLLECTING,
        about="task_child",
        post=True,
        answers=(200, 403, 422),
        data=(("purpose", "核对证件"),),
    ),
    "collect:notes": Address("/students/{person}/notes/", "collect.note", about="in_class"),
    "collect:family": Address(
        "/my/{person}/collect/{task}/", PORTAL, about="task_family", both=True, answers=(200, 302, 303, 422)
    ),
    "collect:sign": Address(
        "/my/{person}/collect/{task}/sign/",
        PORTAL,
        about="task_family",
        both=True,
        answers=(200, 302, 303, 422),
    ),
    "collect:later": Address(
        "/my/{person}/collect/{task}/later/", PORTAL, about="task_family", post=True, answers=(302,)
    ),
    "placement:index": Address("/placement/", "placement.view"),
    "placement:hand": Address(
        "/placement/hand/?grade=P-2026", "placement.write", both=True, answers=(200, 303)
    ),
    "placement:seats": Address(
        "/placement/classes/{klass}/seats/",
        "placement.write",
        about="klass_office",
        both=True,
        answers=(200, 303),
    ),
    "placement:apart": Address("/placement/apart/", "placement.write"),
    "placement:reviews": Address("/placement/reviews/", "placement.view"),
    "placement:review_case": Address(
        "/placement/reviews/{person}/case/", "placement.write", about="own", post=True, answers=(*DEED, 404)
    ),
    "placement:new": Address(
        "/placement/new/", "placement.write", post=True, answers=DEED, data=(("grade", "P-2026"),)
    ),
    "placement:run": Address("/placement/runs/{run}/", "placement.write", about="run"),
    "placement:step": Address(
        "/placement/runs/{run}/step/", "placement.write", about="run", post=True, answers=DEED
    ),
    "placement:public": Address("/placement/runs/{run}/list.xlsx", "placement.write", about="run"),
    "placement:line": Address(
        "/placement/runs/{run}/1/", "placement.write", about="run", both=True, answers=(200, 303, 422)
    ),
    "placement:changes": Address("/placement/changes/", "placement.view"),
    "placement:claims": Address("/placement/claims/", "placement.view"),
    "placement:numbers": Address(
        "/placement/classes/{klass}/numbers/",
        "term.register",
        about="klass_own",
        both=True,
        answers=(200, 303),
    ),
    "placement:swap": Address("/placement/swap/", "placement.write", both=True, answers=(200, 422)),
    "placement:entries": Address("/placement/entries/", "placement.view"),
    "placement:ask": Address(
        "/placement/asks/{ask}/", "placement.view", about="ask", both=True, answers=(200, 303)
    ),
    "placement:terms": Address("/terms/", "term.view"),
    "placement:missing": Address("/terms/missing/", "term.view", answers=PAGE),
    "placement:overdue": Address("/terms/overdue/", "register.print", answers=PAGE),
    "placement:overdue_book": Address("/terms/overdue/list.xlsx", "register.print", answers=(200, 303)),
    "placement:term_class": Address("/terms/{klass}/", "term.view", about="klass_own"),
    "placement:check": Address(
        "/terms/{klass}/check/", "term.register", about="klass_own", post=True, answers=DEED
    ),
    "placement:term_pupil": Address(
        "/terms/{klass}/{person}/", "term.register", about="term_child", both=True, answers=(200, 303, 422)
    ),
    "photos:list": Address("/photos/", "student.edit"),
    "photos:lacking": Address("/photos/missing/", "student.edit"),
    "photos:batch": Address("/photos/{batch}/", "student.edit", about="batch"),
    "photos:item": Address("/photos/{batch}/1/", "student.edit", about="batch"),
    "photos:apply": Address("/photos/{batch}/apply/", "student.edit", about="batch", post=True, answers=DEED),
    "photos:cameras": Address("/photos/camera/", "student.edit", answers=(200, 404)),
    "photos:camera": Address("/photos/camera/{klass}/", "student.edit", about="klass_own", both=True),
    "photos:student": Address("/students/{person}/photo/new/", "student.edit", about="person"),
    "intake:template": Address("/import/template.xlsx", "intake.import"),
    "intake:header": Address("/import/header.csv", "intake.import"),
    "intake:update": Address("/import/update/", "intake.import", both=True, answers=(200, 400)),
    "intake:update_book": Address("/import/update/book.xlsx", "intake.import", answers=(200, 302)),
    "intake:apply": Address(
        "/import/{batch}/apply/", "intake.import", about="batch", post=True, answers=DEED
    ),
    "intake:batch": Address("/import/{batch}/", "intake.import", about="batch"),
    "intake:columns": Address("/import/{batch}/columns/", "intake.import", about="batch", answers=(200, 302)),
    "intake:alike": Address(
        "/import/{batch}/alike/", "intake.import", about="batch", post=True, answers=DEED
    ),
    "intake:progress": Address(
        "/import/{batch}/progress/", "intake.import", about="batch", answers=(200, 204)
    ),
    "intake:row": Address("/import/{batch}/rows/1/", "intake.import", about="batch", answers=(404,)),
    "intake:cell": Address(
        "/import/{batch}/rows/1/cell/", "intake.import", about="batch", post=True, answers=(404, 409)
    ),
    "intake:grid": Address("/import/{batch}/grid/", "intake.import", about="batch", answers=(200, 302)),
    "intake:suggested": Address(
        "/import/{batch}/suggested/", "intake.import", about="batch", post=True, answers=DEED
    ),
    "intake:undo": Address(
        "/import/{batch}/undo/", "intake.import", about="batch", both=True, answers=(200, 302, 400)
    ),
    "intake:again": Address(
        "/import/{batch}/again/", "intake.import", about="batch", post=True, answers=(302, 404)
    ),
    "intake:original": Address(
        "/import/{batch}/original/", "intake.import", about="batch", answers=(200, 404)
    ),
    "intake:errors": Address("/import/{batch}/errors.xlsx", "intake.import", about="batch", answers=PAGE),
    "intake:correct": Address(
        "/import/{batch}/correct/", "intake.import", about="batch", post=True, answers=DEED
    ),
    "intake:publish": Address(
        "/import/{batch}/publish/", "intake.import", about="batch", post=True, answers=DEED
    ),
    "intake:discard": Address(
        "/import/{batch}/discard/", "intake.import", about="batch", post=True, answers=DEED
    ),
    "changes:list": Address("/cases/", "case.view"),
    "changes:new": Address("/cases/new/?person={person}", "case.start", about="person"),
    "changes:absences": Address("/cases/absences/", "absence.view"),
    "exams:list": Address("/exams/", "exam.view"),
    "exams:exam": Address("/exams/999999/", "exam.view", answers=(404,)),
    "exams:enter": Address("/exams/999999/enter/", "exam.enter", post=True, answers=(404,)),
    "exams:check": Address("/exams/999999/check/", "exam.check", post=True, answers=(404,)),
    "exams:seat": Address("/exams/999999/seat/", "exam.run", post=True, answers=(404,)),
    "exams:marks": Address("/exams/999999/marks/", "exam.run", post=True, answers=(404,)),
    "exams:book": Address("/exams/999999/list.xlsx", "exam.view", answers=(404,)),
    "exams:tickets": Address("/exams/999999/tickets.pdf", "exam.view", answers=(404,)),
    "changes:placings": Address("/cases/placing/", "placing.view"),
    "changes:placing": Address("/cases/placing/{batch}/", "placing.view", about="sent"),
    "changes:placing_assign": Address(
        "/cases/placing/{batch}/assign/",
        "placing.decide",
        about="sent",
        post=True,
        answers=DEED,
        data=(("school", "0"),),
    ),
    "changes:placing_decline": Address(
        "/cases/placing/{batch}/decline/", "placing.decide", about="sent", post=True, answers=DEED
    ),
    "changes:placing_drop": Address(
        "/cases/placing/{batch}/drop/", "case.start", about="sent", post=True, answers=(*DEED, 404)
    ),
    "changes:placing_take": Address(
        "/cases/placing/{batch}/take/", "case.start", about="sent", post=True, answers=(*DEED, 404)
    ),
    "changes:new_arrival": Address("/cases/new/arrival/", "case.start", post=True, answers=DEED),
    "changes:new_transfer": Address("/cases/new/transfer/", "case.start", post=True, answers=(422,)),
    "changes:start": Address(
        "/cases/new/suspend/{person}/", "case.start", about="own", post=True, answers=DEED
    ),
    "changes:case": Address("/cases/{case}/", "case.view", about="case"),
    "changes:edit": Address("/cases/{case}/edit/", "case.start", about="case", answers=(200, 404)),
    "changes:save": Address(
        "/cases/{case}/save/", "case.start", about="case", post=True, answers=(*DEED, 403)
    ),
    "changes:upload": Address("/cases/{case}/files/", "case.start", about="case", post=True, answers=DEED),
    "changes:remove_file": Address(
        "/cases/{case}/files/{any}/remove/", "case.start", about="case", post=True, answers=(*DEED, 404)
    ),
    "changes:submit": Address("/cases/{case}/submit/", "case.start", about="case", post=True, answers=DEED),
    "changes:delete": Address("/cases/{case}/delete/", "case.start", about="case", post=True, answers=DEED),
    "changes:decide": Address(
        "/cases/{case}/decide/?x", "case.decide", about="case", post=True, answers=(*DEED, 403, 404)
    ),
    "changes:return": Address(
        "/cases/{case}/return/", "case.decide", about="case", post=True, answers=(*DEED, 403)
    ),
    "changes:withdraw": Address(
        "/cases/{case}/withdraw/", "case.start", about="case", post=True, answers=DEED
    ),
    "changes:cancel": Address("/cases/{case}/cancel/", "case.start", about="case", post=True, answers=DEED),
    "changes:follow": Address("/cases/{case}/follow/", "case.start", about="case", post=True, answers=DEED),
    "changes:outage": Address("/cases/{case}/outage/", "case.start", about="case", post=True, answers=DEED),
    "changes:urge": Address("/cases/{case}/urge/", "case.start", about="case", post=True, answers=DEED),
    "changes:overview": Address("/cases/overview/", "case.overview"),
    "changes:held": Address("/cases/held/", "case.overview"),
    "changes:corrections": Address("/cases/corrections/", "corrections.any"),
    "changes:corrections_file": Address("/cases/corrections/file/?form=xlsx", "corrections.any"),
    "changes:late": Address("/cases/late/", "corrections.any"),
    "changes:registers": Address("/cases/registers/", "register.print"),
    "changes:register_file": Address("/cases/registers/file/?form=xlsx", "register.print"),
    "changes:ledger": Address("/classes/{klass}/ledger.xlsx", "roster.print", about="klass"),
    "changes:desk": Address("/cases/desk/", "case.decide", both=True),
    "changes:hand_over": Address(
        "/cases/{case}/hand-over/", "case.start", about="case", post=True, answers=DEED
    ),
    "changes:strike": Address("/cases/{case}/strike/", "case.decide", about="case", post=True, answers=DEED),
    "changes:again": Address("/cases/{case}/again/", "case.view", about="case", answers=(200, 404)),
    "changes:take_back": Address(
        "/cases/{case}/take-back/", "case.decide", about="case", post=True, answers=DEED
    ),
    "changes:ask": Address(
        "/cases/{case}/ask/", "case.decide", about="case", post=True, answers=(*DEED, 403)
    ),
    "changes:advise": Address(
        "/cases/{case}/advise/",
        "case.decide",
        about="case",
        post=True,
        answers=(*DEED, 403),
        data=(("answer", "agree"),),
    ),
    "changes:acknowledge": Address(
        "/cases/{case}/acknowledge/", "case.decide", about="case", post=True, answers=(*DEED, 403)
    ),
    "changes:intervene": Address(
        "/cases/{case}/intervene/",
        "case.intervene",
        about="case",
        post=True,
        answers=(*DEED, 403),
        data=(("action", "stop"),),
    ),
    "changes:template_keep": Address(
        "/cases/templates/",
        "case.decide",
        post=True,
        answers=DEED,
        data=(("decision", "pass"), ("text", "材料齐全")),
    ),
    "changes:template_drop": Address("/cases/templates/0/drop/", "case.decide", post=True, answers=(404,)),
    "changes:form": Address(
        "/cases/{case}/forms/transfer-form.pdf", "case.view", about="case", answers=(200, 404)
    ),
    "changes:sheet": Address("/cases/{case}/sheet.pdf", "case.view", about="case", answers=(200, 404)),
    "changes:guests": Address("/guests/", "problem.view"),
    "changes:guests_sheet": Address("/guests.xlsx", "student.export"),
    "changes:dispute": Address(
        "/cases/{case}/dispute/", "case.start", about="case", both=True, answers=(*DEED, 404)
    ),
    "duplicates:list": Address("/duplicates/", "duplicate.check"),
    "duplicates:check": Address("/duplicates/check/", "duplicate.check", both=True),
    "duplicates:run": Address("/duplicates/run/", "duplicate.check", post=True, answers=(*DEED, 403)),
    "duplicates:pair": Address("/duplicates/999999/", "duplicate.check", answers=(404,)),
    "duplicates:different": Address(
        "/duplicates/999999/different/", "duplicate.check", post=True, answers=(404,)
    ),
    "duplicates:problem": Address(
        "/duplicates/999999/problem/", "duplicate.check", post=True, answers=(403, 404)
    ),
    "duplicates:merges": Address("/merges/", "duplicate.check"),
    "duplicates:merge_new": Address(
        "/merges/new/{person}/{any}/", "person.merge", about="person", answers=(404,)
    ),
    "duplicates:merge": Address("/merges/{any}/", "duplicate.check", answers=(404,)),
    "duplicates:merge_decide": Address("/merges/{any}/decide/", "person.merge", post=True, answers=(404,)),
    "duplicates:merge_withdraw": Address(
        "/merges/{any}/withdraw/", "person.merge", post=True, answers=(404,)
    ),
    "duplicates:merge_undo": Address(
        "/merges/{any}/undo/",
        "person.merge",
        post=True,
        answers=(404,),
        data=(("reason", "合并有误, 请核对"),),
    ),
    "duplicates:merge_undo_decide": Address(
        "/merges/{any}/undo/decide/", "person.merge", post=True, answers=(404,)
    ),
    "population:results": Address("/population/", "population.view"),
    "population:batches": Address("/population/batches/", "population.view"),
    "population:begin": Address("/population/begin/", "population.compare", post=True, answers=DEED),
    "population:again": Address(
        "/population/batches/999999/again/", "population.compare", post=True, answers=(404,)
    ),
    "population:problems": Address(
        "/population/batches/999999/problems/", "population.compare", post=True, answers=(404,)
    ),
    "population:distributions": Address("/distributions/", "population.view"),
    "population:start": Address("/distributions/start/", "number.distribute", post=True, answers=DEED),
    "population:distribution": Address("/distributions/999999/", "population.view", answers=(404,)),
    "population:sheet": Address("/distributions/999999/sheet/", "student.export", answers=(404,)),
    "problems:list": Address("/problems/", "problem.view"),
    "problems:report": Address(
        "/problems/report/{person}/",
        "case.start",
        about="own",
        post=True,
        answers=DEED,
        data=(("note", "证件号与户口簿不一致"),),
    ),
    "problems:problem": Address("/problems/{problem}/", "problem.view", about="problem"),
    "problems:arbitrate": Address(
        "/problems/{problem}/arbitrate/", "case.decide", about="problem", post=True, answers=(*DEED, 403)
    ),
    "problems:say": Address(
        "/problems/{problem}/say/", "case.decide", about="problem", post=True, answers=DEED
    ),
    "dropout:list": Address("/dropout/", "dropout.view"),
    "dropout:new": Address("/dropout/new/", "dropout.write", both=True, answers=(200, 422)),
    "dropout:reports": Address("/dropout/reports/", "dropout.view", answers=PAGE),
    "dropout:watch": Address("/dropout/{watch}/", "dropout.view", about="watch"),
    "dropout:follow": Address(
        "/dropout/{watch}/follow/",
        "dropout.write",
        about="watch",
        post=True,
        answers=DEED,
        data=(("deed", "call"), ("text", "已联系家长")),
    ),
    "dropout:tell": Address(
        "/dropout/{watch}/tell/", "dropout.write", about="watch", post=True, answers=(*DEED, 403)
    ),
    "dropout:close": Address(
        "/dropout/{watch}/close/",
        "dropout.write",
        about="watch",
        post=True,
        answers=(*DEED, 403),
        data=(("result", "returned"), ("text", "已到校")),
    ),
    "admission:overview": Address("/admission/", "admission.view"),
    "admission:candidates": Address("/admission/candidates/", "admission.view"),
    "admission:new": Address(
        "/admission/candidates/new/", "admission.prepare", both=True, answers=(200, 400)
    ),
    "admission:act": Address("/admission/candidates/act/", "admission.prepare", post=True, answers=DEED),
    "admission:notices": Address(
        "/admission/candidates/notices.pdf", "admission.prepare", post=True, answers=DEED
    ),
    "admission:candidate": Address(
        "/admission/candidates/{candidate}/",
        "admission.view",
        about="candidate",
        both=True,
        answers=(*DEED, 403),
    ),
    "admission:paper_file": Address(
        "/admission/candidates/{candidate}/papers/",
        "admission.prepare",
        about="candidate",
        post=True,
        answers=DEED,
    ),
    "admission:checkin": Address("/admission/checkin/", "admission.prepare", both=True),
    "admission:submission": Address("/admission/lists/{adm_list}/", "admission.view", about="adm_list"),
    "admission:decide": Address(
        "/admission/lists/{adm_list}/decide/",
        "admission.approve",
        about="adm_list",
        post=True,
        answers=(*DEED, 404),
    ),
    "admission:official": Address("/admission/official/", "admission.approve", both=True, answers=(200, 400)),
    "admission:claims": Address("/admission/claims/", "admission.view"),
    "admission:claim": Address(
        "/admission/claims/{adm_claim}/", "admission.view", about="adm_claim", both=True, answers=(*DEED, 403)
    ),
    "admission:plans": Address("/admission/plans/", "admission.view", both=True, answers=(*DEED, 403)),
    "admission:areas": Address(
        "/admission/areas/{adm_area}/", "admission.plan", about="adm_area", both=True, answers=DEED
    ),
    "admission:children": Address("/admission/children/", "admission.view"),
    "admission:children_act": Address(
        "/admission/children/act/", "admission.prepare", post=True, answers=DEED
    ),
    "admission:reports": Address("/admission/reports/", "admission.view"),
    "admission:export": Address(
        "/admission/reports/export/", "admission.view", post=True, data=(("what", "missing"),)
    ),
    "admission:clearances": Address("/admission/clearances/", "admission.view", both=True, answers=DEED),
    "admission:clear": Address(
        "/admission/clearances/{adm_clear}/",
        "admission.approve",
        about="adm_clear",
        post=True,
        answers=(*DEED, 404),
    ),
    "yearly:overview": Address("/yearly/", "yearly.view"),
    "yearly:promotion": Address("/yearly/promotion/", "yearly.view"),
    "yearly:promotion_confirm": Address(
        "/yearly/promotion/confirm/", "yearly.confirm", post=True, answers=DEED
    ),
    "yearly:stamps": Address("/yearly/stamps/", "stamp.view"),
    "yearly:stamp_ask": Address("/yearly/stamps/ask/", "stamp.ask", post=True, answers=DEED),
    "yearly:stamp_give": Address("/yearly/stamps/give/", "stamp.give", post=True, answers=DEED),
    "yearly:lists": Address("/yearly/lists/", "yearly.view"),
    "yearly:new": Address("/yearly/lists/new/", "case.start", post=True, answers=DEED),
    "yearly:add": Address("/yearly/add/{person}/", "case.start", about="own", post=True, answers=DEED),
    "submission:headcount": Address("/headcount/", "headcount.view"),
    "submission:roster": Address("/headcount/roster/", "headcount.write", both=True),
    "submission:class": Address(
        "/headcount/{klass}/", "headcount.view", about="task_class", both=True, answers=(200, 303, 403, 422)
    ),
    "submission:settle": Address(
        "/headcount/{check}/settle/", "headcount.settle", about="check", post=True, answers=(*DEED, 403)
    ),
    "submission:list": Address("/submission/", "submission.view"),
    "submission:new": Address("/submission/new/", "submission.round", both=True, answers=(200, 422)),
    "submission:checks": Address("/submission/checks/", "submission.send"),
    "submission:round": Address("/submission/rounds/{round}/", "submission.view", about="round"),
    **{
        f"submission:{deed}": Address(
            f"/submission/rounds/{{round}}/{deed}/",
            "submission.round",
            about="round",
            post=True,
            answers=(*DEED, 404),
        )
        for deed in ("slots", "inspect", "close")
    },
    "submission:gather": Address(
        "/submission/rounds/{round}/gather/",
        "submission.decide",
        about="round",
        post=True,
        answers=(*DEED, 403),
    ),
    "submission:package": Address(
        "/submission/packages/{package}/package.zip", "submission.decide", about="package", answers=(200, 404)
    ),
    "submission:package_answer": Address(
        "/submission/packages/{package}/answer/",
        "submission.decide",
        about="package",
        post=True,
        answers=(*DEED, 404),
    ),
    "submission:reviews": Address("/submission/reviews/", "submission.view"),
    "submission:review_send": Address(
        "/submission/reviews/send/", "submission.send", post=True, answers=DEED
    ),
    "submission:review_pdf": Address(
        "/submission/reviews/{review}/review.pdf", "submission.view", about="review"
    ),
    "submission:review_answer": Address(
        "/submission/reviews/{review}/answer/",
        "submission.decide",
        about="review",
        post=True,
        answers=(*DEED, 404),
    ),
    "submission:stale": Address("/submission/stale/", "submission.send"),
    "submission:proofreading": Address("/submission/proofreading/", "submission.send"),
    "submission:proof_file": Address("/submission/proofreading/list.xlsx", "submission.send"),
    "submission:correction_form": Address("/submission/proofreading/corrections.pdf", "submission.send"),
    "submission:submission": Address("/submission/{submission}/", "submission.view", about="submission"),
    "submission:explain": Address(
        "/submission/{submission}/explain/", "submission.send", about="submission", post=True, answers=DEED
    ),
    "submission:send": Address(
        "/submission/{submission}/send/", "submission.send", about="submission", post=True, answers=DEED
    ),
    **{
        f"submission:{deed}": Address(
            f"/submission/{{submission}}/{deed}/",
            "submission.decide",
            about="submission",
            post=True,
            answers=(*DEED, 403, 404),
        )
        for deed in ("pass", "return", "prove")
    },
    **{
        f"submission:{name}": Address(
            f"/submission/{{submission}}/{file}", "submission.view", about="submission", answers=(200, 303)
        )
        for name, file in (
            ("signatures", "signatures.pdf"),
            ("names_pdf", "list.pdf"),
            ("names_xlsx", "list.xlsx"),
            ("volume", "volume.pdf"),
        )
    },
    "yearly:list": Address("/yearly/lists/{list}/", "yearly.view", about="list"),
    **{
        f"yearly:{deed}": Address(
            f"/yearly/lists/{{list}}/{deed}/", "case.start", about="list", post=True, answers=DEED, data=data
        )
        for deed, data in (
            ("check", ()),
            ("days", ()),
            ("facts", ()),
            ("result", (("to", "12"), ("reason", "核对后更正"))),
            ("submit", ()),
            ("withdraw", ()),
            ("cancel", ()),
            ("undo", (("reason", "登记有误"),)),
            ("exchange", (("reason", "补考合格"),)),
            ("destinations", (("code", "16"),)),
        )
    },
    "yearly:decide": Address(
        "/yearly/lists/{list}/decide/",
        "case.decide",
        about="list",
        post=True,
        answers=(*DEED, 403),
        data=(("decision", "pass"),),
    ),
    "yearly:return": Address(
        "/yearly/lists/{list}/return/", "case.decide", about="list", post=True, answers=(*DEED, 403)
    ),
    "yearly:seal": Address(
        "/yearly/lists/{list}/seal/", "yearly.place", about="list", post=True, answers=(*DEED, 403)
    ),
    "yearly:register_pdf": Address(
        "/yearly/lists/{list}/register.pdf", "yearly.view", about="list", answers=(200, 302, 303, 403)
    ),
    "yearly:register_xlsx": Address(
        "/yearly/lists/{list}/register.xlsx", "yearly.view", about="list", answers=(200, 302, 303, 403)
    ),
    "yearly:destinations_xlsx": Address(
        "/yearly/lists/{list}/destinations.xlsx", "yearly.view", about="list", answers=(200, 302, 303, 403)
    ),
    "yearly:forms_pdf": Address(
        "/yearly/lists/{list}/forms.pdf", "yearly.view", about="list", answers=(200, 302, 303, 403)
    ),
    "yearly:admission": Address("/yearly/admission/", "yearly.view"),
    "yearly:place": Address("/yearly/admission/place/", "yearly.place", post=True, answers=DEED),
    "yearly:upload": Address("/yearly/admission/upload/", "yearly.place", post=True, answers=DEED),
    "yearly:admission_decide": Address("/yearly/admission/decide/", "yearly.place", post=True, answers=DEED),
    "yearly:accept": Address("/yearly/admission/accept/", "case.start", post=True, answers=DEED),
    "yearly:decline": Address("/yearly/admission/decline/", "case.start", post=True, answers=DEED),
    "yearly:back": Address("/yearly/admission/back/", "yearly.view", post=True, answers=(*DEED, 403)),
    "yearly:claim": Address("/yearly/admission/claim/", "case.start", post=True, answers=DEED),
    "cards:list": Address("/cards/", "card.view"),
    "cards:batches": Address("/cards/batches/", "card.view"),
    "cards:new": Address("/cards/batches/new/", "card.run", both=True),
    "cards:batch": Address("/cards/batches/{card}/", "card.view", about="card_staff"),
    "cards:cards_pdf": Address("/cards/batches/{card}/cards.pdf", "card.view", about="card_staff"),
    "cards:roster_pdf": Address("/cards/batches/{card}/roster.pdf", "card.view", about="card_staff"),
    "cards:seal": Address(
        "/cards/batches/{card}/seal/", "card.seal", about="card_county", post=True, answers=(*DEED, 403)
    ),
    "cards:batch_act": Address(
        "/cards/batches/{card}/send/", "card.run", about="card_staff", post=True, answers=DEED
    ),
    "cards:card": Address("/cards/{card}/", "card.view", about="card_staff"),
    "cards:notice": Address("/cards/{card}/notice.pdf", "card.run", about="card_staff", answers=DEED),
    "cards:act": Address(
        "/cards/{card}/lose/", "card.report", about="card", post=True, answers=DEED, data=(("why", "丢了"),)
    ),
    "cards:family": Address("/my/{person}/cards/", PORTAL, about="child"),
    "certificates:list": Address("/certificates/", "certificate.issue"),
    "certificates:new": Address("/certificates/new/?person={person}", "certificate.issue", about="record"),
    "certificates:certificate": Address(
        "/certificates/{certificate}/", "certificate.view", about="certificate"
    ),
    "certificates:pdf": Address(
        "/certificates/{certificate}/certificate.pdf", "certificate.view", about="certificate", answers=PAGE
    ),
    "certificates:go_along": Address(
        "/certificates/{certificate}/transfer/",
        "certificate.issue",
        about="certificate",
        post=True,
        answers=DEED,
    ),
    "certificates:revoke": Address(
        "/certificates/{certificate}/revoke/",
        "certificate.issue",
        about="certificate",
        post=True,
        answers=DEED,
    ),
    "certificates:roster_pdf": Address(
        "/classes/{klass}/roster.pdf", "roster.print", about="klass", answers=PAGE
    ),
    "certificates:record_cards": Address(
        "/classes/{klass}/record-cards.pdf", "roster.print", about="klass", answers=PAGE
    ),
    "certificates:roster_xlsx": Address(
        "/classes/{klass}/roster.xlsx", "roster.print", about="klass", answers=PAGE
    ),
    "certificates:exam_pdf": Address(
        "/classes/{klass}/exam-list.pdf", "register.print", about="klass", answers=PAGE
    ),
    "certificates:exam_xlsx": Address(
        "/classes/{klass}/exam-list.xlsx", "register.print", about="klass", answers=PAGE
    ),
    "certificates:completion_pdf": Address(
        "/yearly/lists/{list}/completion.pdf", "yearly.view", about="list", answers=(200, 302, 403)
    ),
    "certificates:completion_xlsx": Address(
        "/yearly/lists/{list}/completion.xlsx", "yearly.view", about="list", answers=(200, 302, 403)
    ),
    "termbook:index": Address("/termbook/", "termbook.write"),
    "termbook:grid": Address(
        "/termbook/{klass}/", "termbook.write", about="klass_own", both=True, answers=(200, 303, 422)
    ),
    "termbook:award": Address(
        "/students/{person}/awards/",
        "termbook.write",
        about="book",
        post=True,
        answers=DEED,
        data=(("name", "三好学生"), ("level", "60"), ("on", "2026-09-02")),
    ),
    "termbook:end_award": Address(
        "/students/{person}/awards/999999/end/", "termbook.write", about="book", post=True, answers=(404,)
    ),
    "portal:student_whole": Address("/students/{person}/whole/", "student.view", about="record"),
    "portal:terms": Address("/my/{person}/terms/", PORTAL, about="child"),
    "exports:list": Address("/exports/", "export.any"),
    "exports:new": Address("/exports/new/", "export.ask", both=True, answers=(200, 422)),
    "exports:rules": Address("/exports/rules/", "export.any"),
    "exports:rule_new": Address("/exports/rules/new/", "export.rule", both=True, answers=(200, 422)),
    "exports:openings": Address("/exports/openings/", "export.open"),
    "exports:open_county": Address(
        "/exports/openings/999999/open/",
        "export.open",
        post=True,
        answers=DEED,
        data=(("until", "2026-12-31"),),
    ),
    "exports:close_county": Address(
        "/exports/openings/999999/close/", "export.open", post=True, answers=DEED, data=(("why", "到期收回"),)
    ),
    "exports:request": Address("/exports/{export}/", "export.any", about="export"),
    **{
        f"exports:{deed}": Address(
            f"/exports/{{export}}/{deed}/", permission, about="export", post=True, answers=(*DEED, 403)
        )
        for deed, permission in (
            ("review", "export.apply"),
            ("decide", "export.approve"),
            ("acknowledge", "export.ask"),
            ("settle", "export.ask"),
            ("end", "export.any"),
        )
    },
    "exports:consent": Address(
        "/exports/{export}/consent/", "export.approve", about="export", post=True, answers=(403, 404)
    ),
    "exports:file": Address(
        "/exports/{export}/file.xlsx", "export.apply", about="export", post=True, answers=(*DEED, 403)
    ),
    "certificates:students_xlsx": Address("/students/export.xlsx", "student.export", post=True, answers=DEED),
    "certificates:verify": Address("/verify/", PUBLIC, both=True),
    "certificates:verify_code": Address("/verify/AAAABBBBCCCCDDDD/", PUBLIC),
    "statistics:headcount": Address("/statistics/?org={org}", "statistics.view", about="figures"),
    "statistics:headcount_file": Address(
        "/statistics/headcount.xlsx?org={org}", "statistics.view", about="figures"
    ),
    "statistics:movement": Address("/statistics/movement/?org={org}", "statistics.view", about="figures"),
    "statistics:movement_file": Address(
        "/statistics/movement.xlsx?org={org}", "statistics.view", about="figures"
    ),
    "statistics:reports": Address("/statistics/reports/?org={org}", "statistics.view", about="figures"),
    "statistics:report_file": Address(
        "/statistics/reports/file/?report=new&form=xlsx&org={org}", "statistics.view", about="figures"
    ),
    "statistics:report_names": Address(
        "/statistics/reports/names/?report=new&column=total", "statistics.view", answers=(200, 404)
    ),
    "statistics:list_file": Address(
        "/statistics/reports/list/?key=added&form=xlsx", "statistics.view", answers=(200, 404)
    ),
    "statistics:pivot": Address("/statistics/tables/?org={org}", "statistics.view", about="figures"),
    "statistics:pivot_file": Address(
        "/statistics/tables/file/?form=xlsx&org={org}", "statistics.view", about="figures"
    ),
    "statistics:termly": Address("/statistics/terms/?org={org}", "statistics.view", about="figures"),
    "statistics:term_make": Address(
        "/statistics/terms/make/", "statistics.view", post=True, answers=(*DEED, 404), data=(("term", "x"),)
    ),
    "statistics:term_report": Address("/statistics/terms/999999/", "statistics.view", answers=(404,)),
    "statistics:term_pdf": Address("/statistics/terms/999999/set.pdf", "statistics.view", answers=(404,)),
    "statistics:handling": Address("/statistics/problems/?org={org}", "statistics.view", about="figures"),
    "statistics:handling_file": Address(
        "/statistics/problems/file/?form=xlsx&org={org}", "statistics.view", about="figures"
    ),
    "statistics:monthly": Address("/statistics/monthly/", "statistics.view"),
    "statistics:monthly_file": Address("/statistics/monthly/file/?form=xlsx", "statistics.view"),
    "statistics:monthly_submit": Address(
        "/statistics/monthly/submit/", "statistics.submit", post=True, answers=DEED
    ),
    "statistics:names": Address(
        "/statistics/names/?org={org}&column=present", "statistics.view", about="figures", answers=(200, 404)
    ),
    "relay:list": Address("/relay/", "relay.view"),
    "relay:new": Address("/relay/new/", "case.start", both=True),
    "relay:inbox": Address("/relay/inbox/", PUBLIC, answers=(405,)),
    "relay:system": Address("/relay/system/", "relay.manage"),
    "relay:own": Address("/relay/system/own/", "relay.manage", post=True, answers=DEED),
    "relay:rotate": Address("/relay/system/keys/", "relay.manage", post=True, answers=DEED),
    "relay:card": Address("/relay/system/card.json", "relay.manage", answers=(200, 303)),
    "relay:import": Address("/relay/system/import/", "relay.manage", post=True, answers=DEED),
    "relay:new_peer": Address("/relay/system/peers/new/", "relay.manage", both=True),
    "relay:peer": Address("/relay/system/peers/{peer}/", "relay.manage", about="peer", both=True),
    "relay:export": Address(
        "/relay/system/peers/{peer}/export/", "relay.manage", about="peer", post=True, answers=DEED
    ),
    "relay:retry": Address(
        "/relay/system/messages/out/{any}/retry/", "relay.manage", post=True, answers=(404,)
    ),
    "relay:case": Address("/relay/{relay}/", "relay.view", about="relay"),
    "relay:edit": Address("/relay/{relay}/edit/", "case.start", about="relay", answers=(404,)),
    "relay:state": Address("/relay/{relay}/state/", "relay.view", about="relay", answers=(204,)),
    "relay:save": Address(
        "/relay/{relay}/save/", "case.start", about="relay", post=True, answers=(*DEED, 404)
    ),
    "relay:remove": Address(
        "/relay/{relay}/remove/", "case.start", about="relay", post=True, answers=(*DEED, 404)
    ),
    "relay:discard": Address(
        "/relay/{relay}/discard/", "case.start", about="relay", post=True, answers=(*DEED, 404)
    ),
    "relay:decide": Address(
        "/relay/{relay}/decide/",
        "case.decide",
        about="relay",
        post=True,
        answers=(*DEED, 403),
        data=(("decision", "pass"),),
    ),
    "relay:return": Address(
        "/relay/{relay}/return/",
        "case.decide",
        about="relay",
        post=True,
        answers=(*DEED, 403),
        data=(("items", "材料不清楚"),),
    ),
    "relay:urge": Address(
        "/relay/{relay}/urge/", "case.start", about="relay", post=True, answers=(*DEED, 404)
    ),
    "relay:sheet": Address("/relay/{relay}/sheet.pdf", "relay.view", about="relay", answers=(200, 404)),
    "relay:cancel": Address(
        "/relay/{relay}/cancel/", "case.start", about="relay", post=True, answers=(*DEED, 404)
    ),
    "privacy:complain": Address("/privacy/complain/", PUBLIC, both=True, answers=(200, 422)),
    "privacy:officers": Address("/privacy/complain/officers/", PUBLIC),
    "privacy:answer": Address("/privacy/complain/answer/", PUBLIC, both=True, answers=(200, 422)),
    "privacy:overview": Address("/privacy/office/", "privacy.view"),
    "privacy:officer": Address("/privacy/office/officer/", "privacy.view", both=True),
    "privacy:classes": Address("/privacy/office/classes/", "privacy.view"),
    "privacy:retention": Address("/privacy/office/retention/", "privacy.view"),
    "privacy:propose": Address("/privacy/office/retention/propose/", "privacy.act", post=True, answers=DEED),
    "privacy:hold": Address("/privacy/office/holds/", "privacy.act", post=True, answers=DEED),
    # Ids that nobody in the world has: for everybody like a row of somebody else.
    "privacy:lift": Address(
        "/privacy/office/holds/999999/lift/", "privacy.approve", post=True, answers=(404,)
    ),
    "privacy:lift_ask": Address(
        "/privacy/office/holds/999999/ask/", "privacy.act", post=True, answers=(404,)
    ),
    "privacy:hold_confirm": Address(
        "/privacy/office/holds/999999/confirm/", "privacy.approve", post=True, answers=(404,)
    ),
    "privacy:hold_child": Address("/privacy/office/holds/child/", "privacy.act"),
    "privacy:disposal": Address("/privacy/office/disposals/999999/", "privacy.view", answers=(404,)),
    "privacy:decide": Address(
        "/privacy/office/disposals/999999/decide/", "privacy.approve", post=True, answers=(404,)
    ),
    "privacy:certificate": Address(
        "/privacy/office/disposals/999999/certificate.pdf", "privacy.view", answers=(404,)
    ),
    "privacy:papers": Address("/privacy/office/papers/impact/", "privacy.view"),
    "privacy:paper_new": Address(
        "/privacy/office/papers/impact/new/", "privacy.act", post=True, answers=(*DEED, 403)
    ),
    "privacy:paper": Address("/privacy/office/paper/999999/", "privacy.view", answers=(404,)),
    "privacy:paper_pdf": Address("/privacy/office/paper/999999/report.pdf", "privacy.view", answers=(404,)),
    "privacy:paper_deed": Address(
        "/privacy/office/paper/999999/sign/", "privacy.act", post=True, answers=(404,)
    ),
    "privacy:notice": Address("/privacy/office/notice/", "privacy.view"),
    # The uppermost unit's alone: others are refused although their role could.
    "privacy:notice_draft": Address(
        "/privacy/office/notice/draft/", "notice.write", both=True, answers=(200, 403, 422)
    ),
    "privacy:notice_deed": Address(
        "/privacy/office/notice/draft/send/",
        "notice.write",
        post=True,
        answers=(303, 403, 404),
        data=(("turn", "1"),),
    ),
    "privacy:plan": Address("/privacy/office/plan/", "privacy.report"),
    "privacy:incidents": Address("/privacy/office/incidents/", "privacy.incident"),
    "privacy:incident_new": Address("/privacy/office/incidents/new/", "privacy.report", both=True),
    "privacy:incident": Address(
        "/privacy/office/incidents/{incident}/", "privacy.incident", about="incident"
    ),
    "privacy:letters": Address(
        "/privacy/office/incidents/{incident}/letters/",
        "privacy.incident",
        about="incident",
        post=True,
        answers=DEED,
    ),
    "privacy:incident_deed": Address(
        "/privacy/office/incidents/{incident}/step/",
        "privacy.incident",
        about="incident",
        post=True,
        answers=DEED,
        data=(("code", "contain"), ("text", "已经处置")),
    ),
    "privacy:complaints": Address("/privacy/office/complaints/", "privacy.complaint"),
    "privacy:complaint": Address(
        "/privacy/office/complaints/{complaint}/",
        "privacy.complaint",
        about="complaint",
        both=True,
        answers=(200, 403),
    ),
    "privacy:shares": Address("/privacy/office/shares/", "privacy.view"),
    "privacy:share_new": Address("/privacy/office/shares/new/", "privacy.act", both=True),
    "privacy:share": Address("/privacy/office/shares/999999/", "privacy.view", answers=(404,)),
    "privacy:share_end": Address(
        "/privacy/office/shares/999999/end/", "privacy.act", post=True, answers=(*DEED, 403)
    ),
    "privacy:share_transfer": Address(
        "/privacy/office/shares/999999/transfer/", "privacy.act", post=True, answers=DEED
    ),
    "privacy:checks": Address("/privacy/office/checks/", "check.view"),
    "privacy:check_run": Address("/privacy/office/checks/run/", "check.write", post=True, answers=DEED),
    "privacy:check_enter": Address("/privacy/office/checks/enter/", "check.write", post=True, answers=DEED),
    "privacy:settle": Address("/privacy/office/findings/999999/", "check.write", post=True, answers=(404,)),
    "portal:home": Address("/my/", PORTAL, answers=PAGE),
    "family:of_class": Address(
        "/classes/{klass}/family/", "family.invite", about="klass", both=True, answers=PAGE
    ),
    "family:access": Address("/students/{person}/access/", "family.invite", about="person"),
    "family:end": Address(
        "/students/{person}/access/1/end/",
        "family.end",
        about="person",
        post=True,
        answers=(302, 303, 400, 404, 422),
    ),
    "family:guardianship": Address(
        "/students/{person}/guardianship/", "guardian.view", about="own", both=True, answers=(200, 403, 422)
    ),
    "family:guardianship_lift": Address(
        "/students/{person}/guardianship/999999/lift/",
        "guardian.record",
        about="own",
        post=True,
        answers=(302, 404),
    ),
    "family:guardianship_decide": Address(
        "/students/{person}/guardianship/999999/decide/",
        "guardian.confirm",
        about="own",
        post=True,
        answers=(404,),
    ),
    "family:guardianship_waiting": Address("/guardianship/", "guardian.confirm"),
    "family:consents": Address(
        "/my/{person}/consents/", PORTAL, about="child", both=True, answers=(200, 302, 404)
    ),
    "family:collection": Address("/classes/{klass}/collection.pdf", "roster.print", about="klass"),
    "family:class_consents": Address("/classes/{klass}/consents/", "consent.view", about="klass"),
    "notice:public": Address("/privacy/", PUBLIC),
    "notice:read": Address("/privacy/notice/", PUBLIC, both=True, answers=(200, 302)),
    "notice:version": Address("/privacy/notice/2026-11/", PUBLIC),
    "family:recover": Address("/join/recover/", PUBLIC, both=True, answers=(200, 302, 422)),
    "family:reset": Address(
        "/students/{person}/access/999999/reset/", "family.end", about="person", both=True, answers=(404,)
    ),
    "family:join": Address("/join/", PUBLIC, both=True, answers=(200, 302, 422)),
    "family:add": Address("/my/add/", PORTAL, both=True, answers=(200, 422)),
    "family:ask": Address("/my/{person}/request/", PORTAL, about="child", both=True, answers=(200, 302, 422)),
    # Ids that nobody in the world has: for everybody like a request of somebody else.
    "family:appeal": Address("/my/requests/999999/appeal/", PORTAL, both=True, answers=(404,)),
    "family:requests": Address("/requests/", "family.answer"),
    "family:request": Address("/requests/999999/", "family.answer", both=True, answers=(404,)),
    "duty:own": Address("/me/duty/", "staff", both=True),
    "duty:lesson": Address("/me/duty/lesson/", "staff", both=True),
    "duty:paper": Address("/me/duty/undertaking.pdf", "staff"),
    "posts:posts": Address("/posts/", "post.view", both=True),
    "posts:officers": Address("/officers/", "officer.view"),
    "posts:note": Address("/officers/note/", "officer.note", post=True, answers=DEED),
    "posts:train": Address("/officers/train/", "officer.note", post=True, answers=DEED),
    "posts:sheet": Address("/officers/list.xlsx", "officer.view"),
    "duty:register": Address("/duty/", "duty.register", both=True),
    "duty:text": Address("/duty/text/", "duty.text", both=True),
    "charge:edit": Address("/students/{person}/edit/", "student.edit", about="own", both=True),
    "charge:family": Address("/students/{person}/edit/family/0/", "student.edit", about="own", both=True),
    "charge:authorisations": Address("/authorisations/", "authorise.any", both=True),
    "charge:routine": Address("/authorisations/routine/", "student.authorise", post=True, answers=DEED),
    "charge:authorisation": Address(
        "/authorisations/{authorisation}/", "authorise.any", about="authorisation"
    ),
    "charge:authorisation_do": Address(
        "/authorisations/{authorisation}/end/",
        "authorise.any",
        about="authorisation",
        post=True,
        answers=DEED,
    ),
    "charge:emergencies": Address("/emergency/", "emergency.any", both=True),
    "charge:emergency": Address("/emergency/{grant}/", "emergency.any", about="grant"),
    "charge:emergency_child": Address(
        "/emergency/{grant}/child/", "emergency.any", about="opened", answers=(302,)
    ),
    "charge:emergency_reveal": Address(
        "/emergency/{grant}/reveal/?what=identity",
        "emergency.any",
        about="opened",
        post=True,
        answers=(404,),
        data=(("purpose", "核对证件"),),
    ),
    "charge:emergency_answer": Address(
        "/emergency/{grant}/answer/", "emergency.answer", about="grant", post=True, answers=DEED
    ),
    "charge:emergency_end": Address(
        "/emergency/{grant}/end/", "emergency.any", about="opened", post=True, answers=DEED
    ),
    "charge:hand_overs": Address("/handover/", "org.view"),
    "charge:hand_over_new": Address("/handover/new/{user}/", "handover.write", about="user", both=True),
    "charge:hand_over": Address("/handover/{handover}/", SIGNED_IN, about="handover"),
    "charge:hand_over_paper": Address("/handover/{handover}/list.pdf", SIGNED_IN, about="handover"),
    "charge:hand_over_confirm": Address(
        "/handover/{handover}/confirm/", SIGNED_IN, about="handover", post=True, answers=(*DEED, 404)
    ),
    "portal:child": Address("/my/{person}/", PORTAL, about="child"),
    "portal:data": Address("/my/{person}/data/", PORTAL, about="child"),
    "portal:copy": Address("/my/{person}/data/copy.zip", PORTAL, about="child", post=True, answers=(422,)),
    "portal:counter": Address(
        "/students/{person}/copy/", "copy.release", about="own", both=True, answers=(200, 422)
    ),
    "portal:receipt": Address("/students/{person}/copy/999999/", "copy.release", about="own", answers=(404,)),
    "portal:growth": Address("/my/{person}/growth/", PORTAL, about="child"),
    "portal:student_growth": Address("/students/{person}/growth/", "student.view", about="person"),
    "portal:certificate": Address(
        "/my/{person}/certificate/", PORTAL, about="child", post=True, answers=DEED
    ),
}

NOBODY = uuid.UUID("00000000-0000-4000-8000-000000000000")


def patterns() -> dict[str, str]:
    """Names and routes of all addresses that the site's resolver knows."""

    def walk(nodes: Any, space: str, route: str) -> Iterator[tuple[str, str]]:
        for node in nodes:
            if isinstance(node, URLResolver):
                yield from walk(node.url_patterns, node.namespace or space, route + str(node.pattern))
            elif isinstance(node, URLPattern):
                yield f"{space}:{node.name}", route + str(node.pattern)

    return dict(walk(get_resolver().url_patterns, "", ""))


def objects(world: World, address: Address) -> list[tuple[dict[str, Any], str]]:
    """Values to put into an address, each with the key of the world's object; one that does not exist is last."""
    p = world.place
    nothing: dict[str, Any] = {
        "person": NOBODY, "photo": NOBODY, "case": NOBODY, "file": NOBODY, "certificate": NOBODY, "card": NOBODY, "org": 99999999,
        "peer": 99999999, "relay": NOBODY, "stage": 99999999, "klass": 99999999, "user": 99999999,
        "batch": 99999999, "any": NOBODY, "incident": NOBODY, "complaint": NOBODY,
        "list": NOBODY, "export": NOBODY, "problem": NOBODY, "watch": NOBODY, "submission": NOBODY,
        "round": 99999999, "check": 99999999, "review": 99999999, "package": 99999999,
        "run": NOBODY, "ask": NOBODY, "task": 99999999, "authorisation": 99999999, "grant": 99999999, "handover": 99999999,
    }  # fmt: skip
    nothing |= admission.NOTHING
    found: list[tuple[dict[str, Any], str]] = [({}, "")]
    match address.about:
        case "person" | "record" | "own" | "child":
            found = [({"person": world.persons[k]}, k) for k in ("one", "c1", "moved", "two")]
        case "photo":
            found = [({"photo": world.persons[k]}, k) for k in ("one", "c1", "moved")]
        case "case":
            found = [({"case": world.cases[k]}, k) for k in ("moving", "wanted", "two", "senior")]
        case "relay":
            found = [({"relay": v}, k) for k, v in world.relay.items()]
        case "peer":
            found = [({"peer": world.peer}, "peer")]
        case "file":
            found = [({"file": v}, k) for k, v in world.files.items() if k in _FILES]
        case "certificate":
            found = [({"certificate": v}, k) for k, v in world.certificates.items()]
        case "card" | "card_staff" | "card_county":
            found = [({"card": v}, k) for k, v in world.cards.items()]
        case "org" | "figures":
            found = [({"org": p.org(k).pk}, k) for k in ("a1", "c1", "a", "c", "city1")]
        case "klass":
            found = [({"klass": p.klass(k).pk}, k) for k in ("a1", "c1")]
        case "user":
            found = [
                ({"user": p.user("teacher", "a1").pk}, "a1"),
                ({"user": p.user("class_teacher", "c1").pk}, "c1"),
            ]
        case "stage":
            found = [({"stage": v}, k) for k, v in world.stages.items()]
        case "list":
            found = [({"list": v}, k) for k, v in world.lists.items()]
        case "problem":
            found = [({"problem": v}, k) for k, v in world.problems.items()]
        case "org_entry":
            found = [({"org": p.org(k).pk}, k) for k in ("a1", "c1")]
        case "round" | "submission" | "check" | "review" | "package":
            found = [({address.about: v}, k) for k, v in world.submission[address.about].items()]
        case "candidate" | "adm_list" | "adm_claim" | "adm_clear" | "adm_area":
            found = [({address.about: v}, k) for k, v in world.admission[address.about].items()]
        case "watch":
            found = [({"watch": v}, k) for k, v in world.watches.items()]
        case "authorisation" | "handover":
            found = [({address.about: v}, k) for k, v in world.charge[address.about].items()]
        case "grant" | "opened":
            found = [({"grant": v}, k) for k, v in world.charge["grant"].items()]
        case "export":
            found = [({"export": v}, k) for k, v in world.exports.items()]
        case "incident":
            found = [({"incident": v}, k) for k, v in world.incidents.items()]
        case "complaint":
            found = [({"complaint": v}, k) for k, v in world.complaints.items()]
        case "run" | "ask":
            kept = world.runs if address.about == "run" else world.asks
            found = [({address.about: v}, k) for k, v in kept.items()]
        case "klass_own" | "klass_office":
            found = [({"klass": p.klass(k).pk}, k) for k in ("a1", "c1")]
        case "book":
            found = [({"person": world.persons[k]}, k) for k in ("one", "c1")]
        case "term_child":
            found = [
                ({"klass": p.klass(school).pk, "person": world.persons[k]}, school)
                for k, school in (("one", "a1"), ("c1", "c1"))
            ]
        # `sent`: what a school brings before its authority, who sees it; a batch stays in the school.
        case "batch" | "sent":
            found = [({"batch": v}, k) for k, v in world.batches.items()]
        case "in_class":
            found = [({"person": world.persons[k]}, k) for k in ("one", "c1", "two")]
        case "task" | "task_own" | "task_class":
            found = [({"task": v, "klass": p.klass(k).pk}, k) for k, v in world.collect.items()]
        case "task_child" | "task_family":
            found = [
                ({"task": world.collect[school], "person": world.persons[k]}, k)
                for k, school in (("one", "a1"), ("c1", "c1"))
            ]
    if address.about:
        found.append(({}, ""))
    return [(nothing | values, key) for values, key in found]


_FILES = {"photo:one", "photo:moved", "photo:c1", "case:moving", "case:wanted", "case:senior"}
Visible = Callable[[Any, str], bool]


def names() -> dict[str, str]:
    """The children's names by key."""
    return {k: v[3] for k, v in CHILDREN.items()}
