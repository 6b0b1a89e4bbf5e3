"""Every page that people open in a day, as the accounts of the demo that open it.

The bench measures them, a test freezes how many queries each takes. Pages of one thing (a student, a case) are
reached the way a person reaches them: by the first link of that kind on a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

UUID = "[0-9a-f]{8}-[0-9a-f-]{27}"


@dataclass(frozen=True)
class Page:
    """An account of the demo, an address, and where a link leads on from there.

    `links`: patterns of the links to follow, one page after the other; none for `path` itself.
    `report`: a search or report, which may take twice as long.
    """

    user: str
    name: str
    path: str
    links: tuple[str, ...] = ()
    report: bool = False

    @property
    def key(self) -> str:
        """What tables of figures call it."""
        return f"{self.user} {self.name}"

    def address(self, client: Any) -> str:
        """The address to open; raises `LookupError` when the list offers no such link."""
        here = self.path
        for link in self.links:
            found = re.search(f'(?:href|data-href|action)="({link})"', client.get(here).content.decode())
            if found is None:
                raise LookupError(f"{here} offers no link {link}")
            here = found[1].replace("&amp;", "&")
        return here


_STUDENT, _CASE = f"/students/{UUID}/", f"/cases/{UUID}/"
_SCHOOL = ("registrar.a", "head.a", "teacher.a", "subject.a")
_OFFICE = (
    "central.clerk",
    "county1.clerk",
    "county1.head",
    "city1.clerk",
    "city1.head",
    "province.clerk",
    "province.head",
)
_WHO_HAS = {
    "registrar.a": ("import", "start", "cases", "classes", "statistics", "certificates"),
    "head.a": ("cases", "classes", "statistics"),
    "teacher.a": ("cases", "classes"),
    "subject.a": ("classes",),
    "central.clerk": ("cases", "statistics"),
    "county1.clerk": ("cases", "statistics"),
    "county1.head": ("cases", "statistics"),
    "city1.clerk": ("cases", "statistics"),
    "city1.head": ("cases", "statistics"),
    "province.clerk": ("cases", "statistics"),
    "province.head": ("cases", "statistics"),
}


def pages() -> Iterator[Page]:
    """All pages."""
    yield from (Page("", path, path) for path in ("/login/", "/verify/"))
    for user in (*_SCHOOL, *_OFFICE):
        yield from _staff(user, _WHO_HAS[user])
    yield from _registrar("registrar.a")
    yield from _families()
    yield from _administrators()
    yield from _rules("county1.clerk")
    yield from _protection()
    yield from _duties()


def _duties() -> Iterator[Page]:
    """What binds the staff: promise and lesson, authorisations, emergency access, hand-overs, edits."""
    for path in (
        "/me/duty/", "/me/duty/lesson/", "/duty/", "/duty/?state=missing", "/authorisations/", "/emergency/",
        "/handover/",
    ):  # fmt: skip
        yield Page("registrar.a", path, path)
    yield Page("head.a", "/authorisations/", "/authorisations/")
    for path in ("/audit/school/", "/audit/school/readers/", "/audit/school/pupils/"):
        yield Page("head.a", path, path)
    for path in ("/posts/", "/officers/"):
        yield Page("registrar.a", path, path)
    for path in ("/officers/", "/orgs/entries/"):
        yield Page("county1.head", path, path)
    yield Page("province.head", "/exports/openings/", "/exports/openings/")
    yield Page("head.a", "an authorisation", "/authorisations/", (r"/authorisations/\d+/",))
    yield Page("county1.head", "/emergency/", "/emergency/")
    yield Page("secadmin", "/duty/text/", "/duty/text/")
    yield Page("secadmin", "/duty/", "/duty/", report=True)
    edit = f"/students/{UUID}/edit/"
    yield Page("registrar.a", "a record to edit", "/students/", (_STUDENT, edit))


def _protection() -> Iterator[Page]:
    """The office of data protection, as the officer of a county sees it; what the public and the system's keeper see."""
    user = "county1.clerk"
    for path in (
        "", "officer/", "classes/", "plan/", "incidents/", "incidents/new/", "complaints/", "shares/", "shares/new/",
        "checks/", "notice/",
    ):  # fmt: skip
        yield Page(user, f"/privacy/office/{path}", f"/privacy/office/{path}")
    for path in ("retention/", "papers/impact/", "papers/year/"):
        yield Page(user, f"/privacy/office/{path}", f"/privacy/office/{path}", report=True)
    yield Page(
        user, "a report of misuse", "/privacy/office/complaints/", (f"/privacy/office/complaints/{UUID}/",)
    )
    yield Page(
        "head.a",
        "an incident",
        "/privacy/office/incidents/?tab=closed",
        (f"/privacy/office/incidents/{UUID}/",),
    )
    yield Page("head.a", "an assessment", "/privacy/office/papers/impact/", (r"/privacy/office/paper/\d+/",))
    yield Page("head.a", "a disposal", "/privacy/office/retention/", (r"/privacy/office/disposals/\d+/",))
    yield Page(
        "head.a",
        "an entry of the sharing register",
        "/privacy/office/shares/",
        (r"/privacy/office/shares/\d+/",),
    )
    for path in ("", "answer/", "officers/"):
        yield Page("", f"/privacy/complain/{path}", f"/privacy/complain/{path}")


def _rules(user: str) -> Iterator[Page]:
    for path in ("values", "businesses", "differences", "try", "print", "versions", "versions/new"):
        yield Page(user, f"/rules/{path}/", f"/rules/{path}/")
    yield Page(user, "rules, searched", "/rules/?q=班额", report=True)
    yield Page(user, "two places compared", "/rules/compare/?a=cn-99-0101&b=cn-31", report=True)


def _staff(user: str, has: tuple[str, ...]) -> Iterator[Page]:
    for path in ("/", "/students/", "/orgs/", "/rules/", "/help/", "/me/"):
        yield Page(user, path, path)
    yield Page(user, "students, searched by name", "/students/?q=王", report=True)
    yield Page(user, "students, searched by initials", "/students/?q=wxm", report=True)
    yield Page(user, "students, all of them", "/students/?view=all", report=True)
    yield Page(user, "a student", "/students/", (_STUDENT,))
    yield Page(user, "a unit", "/orgs/", (r"/orgs/\d+/",))
    if "cases" in has:
        yield Page(user, "/cases/", "/cases/")
        yield Page(user, "cases under way", "/cases/?tab=running")
        if user != "teacher.a":
            yield Page(user, "/me/standin/", "/me/standin/")
        if user not in ("teacher.a", "central.clerk"):  # no case of theirs has ended
            yield Page(user, "an ended case", "/cases/?tab=ended", (_CASE,))
        if user != "teacher.a":
            yield Page(user, "/cases/desk/", "/cases/desk/")
    if user in ("registrar.a", "head.a") or (user in _OFFICE and user != "central.clerk"):
        for path in ("/problems/", "/guests/", "/dropout/", "/dropout/reports/"):
            yield Page(user, path, path)
        for path in ("/duplicates/", "/merges/", "/population/", "/distributions/"):
            yield Page(user, path, path)
    if user == "registrar.a" or (user.endswith(".clerk") and user != "central.clerk"):
        yield Page(user, "/requests/", "/requests/")
        yield Page(user, "requests, answered", "/requests/?tab=done")
    if user in ("registrar.a", "head.a") or (user in _OFFICE and user != "central.clerk"):
        yield Page(user, "/exports/", "/exports/")
        yield Page(user, "/exports/rules/", "/exports/rules/")
    if user in ("registrar.a", "teacher.a"):
        yield Page(user, "/termbook/", "/termbook/")
    if user == "registrar.a" or (user.endswith(".clerk") and user != "central.clerk"):
        yield Page(user, "/exports/new/", "/exports/new/")
    if user == "teacher.a":
        yield Page(user, "/dropout/", "/dropout/")
        yield Page(user, "/dropout/new/", "/dropout/new/")
    if user == "county1.clerk":
        yield Page(user, "a problem record", "/problems/?tab=open", (f"/problems/{UUID}/",))
    if user in _OFFICE:
        yield Page(user, "/cases/overview/", "/cases/overview/", report=True)
        yield Page(user, "/cases/held/", "/cases/held/", report=True)
    if user in ("registrar.a", "head.a"):
        yield Page(user, "/cases/registers/", "/cases/registers/", report=True)
    if "start" in has:
        yield Page(user, "/cases/new/", "/cases/new/")
        yield Page(user, "/cases/absences/", "/cases/absences/")
        yield Page(user, "/cases/placing/", "/cases/placing/")
        yield Page(user, "/exams/", "/exams/")
        yield Page(user, "/yearly/stamps/", "/yearly/stamps/")
    if "classes" in has:
        yield Page(user, "/classes/", "/classes/")
        yield Page(user, "a class", "/classes/", (r"/classes/\d+/",))
    if not user.startswith(("teacher", "subject")):
        for path in ("/yearly/", "/yearly/lists/", "/yearly/admission/"):
            yield Page(user, path, path)
        yield Page(user, "/yearly/promotion/", "/yearly/promotion/", report=True)
    if "statistics" in has:
        yield Page(user, "/statistics/", "/statistics/", report=True)
        yield Page(user, "/statistics/movement/", "/statistics/movement/", report=True)
        yield Page(user, "/statistics/monthly/", "/statistics/monthly/", report=True)
        if user.startswith(
            ("registrar", "head", "county")
        ):  # above them figures lead on to units, not to names
            yield Page(
                user,
                "names of a figure",
                "/statistics/movement/",
                (r"/statistics/names/[^\"]+",),
                report=True,
            )


def _registrar(user: str) -> Iterator[Page]:
    yield Page(user, "a graduation list", "/yearly/lists/", (f"/yearly/lists/{UUID}/",))
    yield Page(user, "/relay/", "/relay/")
    yield Page(user, "/relay/new/", "/relay/new/")
    yield Page("sysadmin", "/relay/system/", "/relay/system/")
    yield Page(user, "/headcount/", "/headcount/")
    yield Page("teacher.a", "/headcount/ of a teacher", "/headcount/")
    yield Page("county1.clerk", "/headcount/ of a county", "/headcount/")
    yield Page(user, "/headcount/roster/", "/headcount/roster/")
    yield Page(user, "/submission/", "/submission/")
    yield Page(user, "a submission", "/submission/", (f"/submission/{UUID}/",))
    yield Page("county1.clerk", "/submission/new/", "/submission/new/")
    yield Page("county1.clerk", "a round", "/submission/", (r"/submission/rounds/\d+/",))
    yield Page("county1.clerk", "/submission/reviews/ of a county", "/submission/reviews/")
    yield Page(user, "/submission/reviews/", "/submission/reviews/")
    yield Page(user, "/submission/stale/", "/submission/stale/", report=True)
    yield Page(user, "/submission/proofreading/", "/submission/proofreading/")
    for path in ("/placement/", "/placement/changes/", "/placement/entries/", "/placement/reviews/"):
        yield Page(user, path, path)
    yield Page(user, "/placement/apart/", "/placement/apart/")
    yield Page(user, "numbers of a class", "/placement/", (r"/placement/classes/\d+/seats/",))
    yield Page(user, "/terms/", "/terms/")
    yield Page(user, "/terms/missing/", "/terms/missing/")
    yield Page("teacher.a", "a class of the term", "/terms/", (r"/terms/\d+/",))
    yield Page("county1.clerk", "/terms/", "/terms/", report=True)
    yield Page(user, "/photos/", "/photos/")
    yield Page(user, "/photos/camera/", "/photos/camera/")
    yield Page(user, "a class before the camera", "/photos/camera/", (r"/photos/camera/\d+/",))
    yield Page(user, "/collect/", "/collect/")
    yield Page(user, "/collect/new/", "/collect/new/")
    yield Page(user, "/collect/arrivals/", "/collect/arrivals/")
    yield Page(user, "/collect/nonumber/", "/collect/nonumber/")
    yield Page(user, "/collect/fields/", "/collect/fields/")
    yield Page(user, "/collect/keys/", "/collect/keys/")
    yield Page(user, "a collection", "/collect/", (r"/collect/\d+/",))
    yield Page(
        "teacher.a", "a class of a collection", "/collect/", (r"/collect/\d+/", r"/collect/\d+/classes/\d+/")
    )
    yield Page("head.a", "collected, to confirm", "/collect/", (r"/collect/\d+/", r"/collect/\d+/confirm/"))
    yield Page("county1.clerk", "/collect/progress/", "/collect/progress/")
    yield Page(user, "/admission/", "/admission/")
    yield Page("county1.clerk", "/admission/ of a county", "/admission/")
    yield Page(user, "/admission/candidates/", "/admission/candidates/")
    yield Page(
        user, "a candidate", "/admission/candidates/?tab=approved", (f"/admission/candidates/{UUID}/",)
    )
    yield Page(user, "/admission/candidates/new/", "/admission/candidates/new/")
    yield Page(user, "/admission/checkin/", "/admission/checkin/")
    yield Page(user, "an admission list", "/admission/", (r"/admission/lists/\d+/",))
    yield Page("county1.clerk", "/admission/official/", "/admission/official/")
    yield Page(user, "/admission/claims/", "/admission/claims/")
    yield Page(user, "a double admission", "/admission/claims/", (r"/admission/claims/\d+/",))
    yield Page(user, "/admission/plans/", "/admission/plans/")
    yield Page("county1.clerk", "/admission/plans/ of a county", "/admission/plans/")
    yield Page("county1.clerk", "a service area", "/admission/plans/?stage=P", (r"/admission/areas/\d+/",))
    yield Page(user, "/admission/children/", "/admission/children/")
    yield Page(user, "/admission/reports/", "/admission/reports/")
    yield Page(user, "/admission/clearances/", "/admission/clearances/")
    yield Page(user, "/takeover/", "/takeover/")
    yield Page(user, "/offline/", "/offline/")
    yield Page(user, "/creation/", "/creation/", report=True)
    yield Page(user, "/creation/senior/", "/creation/senior/", report=True)
    yield Page(user, "/creation/numbers/", "/creation/numbers/", report=True)
    yield Page(user, "/creation/special/", "/creation/special/")
    yield Page(user, "/creation/windows/", "/creation/windows/")
    yield Page(user, "/cases/corrections/", "/cases/corrections/", report=True)
    yield Page(user, "/cases/late/", "/cases/late/", report=True)
    yield Page(user, "/photos/missing/", "/photos/missing/")
    yield Page(user, "/permissions/teaching/", "/permissions/teaching/")
    yield Page("head.a", "/guardianship/", "/guardianship/")
    yield Page("secadmin", "/permissions/", "/permissions/")
    yield Page(user, "/import/", "/import/")
    yield Page("registrar.b", "a batch", "/import/", (r"/import/\d+/",))
    yield Page("registrar.b", "a row to repair", "/import/", (r"/import/\d+/", r"/import/\d+/rows/\d+/"))
    yield Page(user, "/cards/", "/cards/")
    yield Page(user, "/cards/batches/", "/cards/batches/")
    yield Page(user, "/cards/batches/new/", "/cards/batches/new/")
    yield Page(user, "/statistics/tables/", "/statistics/tables/", report=True)
    yield Page(user, "/statistics/terms/", "/statistics/terms/", report=True)
    yield Page(user, "/statistics/reports/", "/statistics/reports/", report=True)
    yield Page(user, "/statistics/problems/", "/statistics/problems/", report=True)
    yield Page(user, "/certificates/", "/certificates/")
    yield Page(user, "a certificate", "/certificates/", (f"/certificates/{UUID}/",))
    yield Page(user, "a new certificate", "/students/", (_STUDENT, r"/certificates/new/[^\"]*"))
    yield Page(user, "growth of a student", "/students/", (_STUDENT, f"/students/{UUID}/growth/"))
    yield Page(user, "a running case", "/cases/?tab=running", (_CASE,))
    yield Page(user, "/classes/new/", "/classes/new/")
    yield Page(user, "cases, searched", "/cases/?q=王", report=True)


def _families() -> Iterator[Page]:
    for user in ("parent", "student"):
        for path in ("/cases/", "/help/", "/me/"):
            yield Page(user, path, path)
    yield Page("parent", "/my/", "/my/")
    yield Page("parent", "a child", "/my/", (f"/my/{UUID}/",))
    yield Page("parent", "a request of the family", "/my/", (f"/my/{UUID}/", f"/my/{UUID}/request/"))
    yield Page("parent", "growth of a child", "/my/", (f"/my/{UUID}/", f"/my/{UUID}/growth/"))
    yield Page("parent", "all data of a child", "/my/", (f"/my/{UUID}/", f"/my/{UUID}/data/"))
    yield Page("parent", "consents", "/my/", (f"/my/{UUID}/", f"/my/{UUID}/consents/"))
    yield Page("parent", "/privacy/", "/privacy/")


def _administrators() -> Iterator[Page]:
    for user, paths in (
        ("sysadmin", ("/", "/orgs/", "/system/", "/rules/", "/help/", "/me/")),
        ("secadmin", ("/", "/accounts/", "/accounts/new/", "/rules/", "/help/", "/me/")),
        ("auditadmin", ("/", "/audit/", "/rules/", "/help/", "/me/")),
    ):
        yield from (Page(user, path, path) for path in paths)
    yield Page("sysadmin", "a unit", "/orgs/", (r"/orgs/\d+/",))
    yield Page("secadmin", "an account", "/accounts/", (r"/accounts/\d+/",))
    yield Page("secadmin", "accounts, searched", "/accounts/?q=王", report=True)
