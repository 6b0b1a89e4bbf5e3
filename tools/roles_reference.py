"""Write docs/reference/roles-and-permissions.md from the tables of roles and of who grants what.

python tools/roles_reference.py            write the page
python tools/roles_reference.py --check    only compare; exit 1 when it is stale

A role or a permission without its English words here is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import generated_page

NAME = "roles-and-permissions.md"
#: role -> (English, whose children it sees)
ROLES = {
    "registrar": ("registrar", "the school's, and those of open cases in which the school takes part"),
    "school_head": (
        "head in charge of records",
        "the school's, and those of open cases in which the school takes part",
    ),
    "class_teacher": ("class teacher", "those of the own classes"),
    "teacher": ("teacher", "those of the own classes"),
    "central_clerk": ("clerk of a central school", "those of the schools under it"),
    "county_clerk": ("county clerk", "those of the schools that the county is in charge of"),
    "county_head": ("county head", "those of the schools that the county is in charge of"),
    "city_clerk": ("city clerk", "those of the city and its counties"),
    "city_head": ("city head", "those of the city and its counties"),
    "province_clerk": ("provincial clerk", "those of the province"),
    "province_head": ("provincial head", "those of the province"),
    "parent": ("parent", "the own children that are linked to the account"),
    "student": ("student", "the own record"),
    "system_admin": ("system administrator", "none"),
    "security_admin": ("security administrator", "none"),
    "audit_admin": ("audit administrator", "none"),
}
ACTIONS = {
    "privacy.view": "open the pages of data protection of the own unit",
    "privacy.act": "do the work of data protection: propose disposals, assess, keep registers",
    "privacy.approve": "approve a disposal that somebody else proposed",
    "notice.write": "write the privacy notice of the installation (the uppermost unit alone)",
    "notice.publish": "publish the privacy notice that somebody else wrote (the uppermost unit alone)",
    "privacy.designate": "name who answers for data protection in the own unit",
    "privacy.report": "report a security incident",
    "privacy.incident": "handle incidents: list who is concerned, tell families",
    "privacy.complaint": "answer reports of misuse about units below",
    "check.view": "read the log of security checks",
    "check.write": "run and enter security checks, close findings",
    "student.authorise": "authorise the registrar's edits of ordinary data",
    "emergency.open": "open one child beyond the own scope in an emergency",
    "emergency.answer": "take notice of an emergency access, or object",
    "duty.register": "see who of the unit has signed and learned",
    "duty.train": "write down trainings of colleagues",
    "org.review": "admit schools to the network, suspend them",
    "post.view": "see units and posts of the school",
    "post.edit": "open units of the school, appoint to posts",
    "officer.view": "see who keeps the records of each school, and trained when",
    "officer.name": "name the school's officer for records, and a successor",
    "officer.note": "take note of officers that schools name, enter their training for the post",
    "duty.text": "write the undertaking's words, set who must sign",
    "handover.write": "hand the work of an account to a successor",
    "student.list": "open lists of students and search them",
    "student.view": "open a student's page",
    "student.edit": "change ordinary data of a student",
    "student.export": "get a list of students as a file",
    "export.view": "open the own unit's applications for files with data of many children",
    "export.apply": "take, review and file applications for data of many children, make the file once it is allowed",
    "export.approve": "allow or refuse such a file",
    "export.use": "apply for data of the own class",
    "export.rule": "put the unit's rule about exports in force",
    "export.open": "open the page export to a county",
    "termbook.view": "read marks, attendance and awards",
    "termbook.write": "enter marks, attendance and awards",
    "export.county": "take the masked list of the county out, once the province has opened it",
    "identity.reveal": "show a masked number for a stated purpose, logged first",
    "intake.import": "bring a sheet, check it, publish it",
    "creation.view": "see lists of new records on their way to approval, and of seniors to be registered",
    "creation.send": "send new records and seniors up for approval",
    "creation.decide": "approve or return new records and senior registrations",
    "creation.window": "open and close the time in which schools make records",
    "takeover.view": "see takeovers of a running register and their differences",
    "takeover.run": "take a running register over: bring the export, balance it, settle differences",
    "takeover.sign": "sign for a difference of totals; take a number over from the official system",
    "offline.view": "see packages for work without the platform and what came of them",
    "offline.run": "make a package, hand it back, decide what differs",
    "collect.view": "see collection tasks and how far they are",
    "collect.open": "open, extend and end collection tasks, give progress to the authority",
    "collect.check": "check, return, remind and fill in for families of the own class",
    "collect.confirm": "confirm collected information, by which it takes effect",
    "collect.fields": "say which fields are demanded, optional or not collected",
    "collect.note": "write lines about home visits and observations of own pupils",
    "case.start": "start a case",
    "case.decide": "decide a step that waits for the own office",
    "case.view": "open cases",
    "absence.view": "see whose suspension or absence ends, and who left without being taken up",
    "case.backfill": "enter afterwards what was done on paper while the system was down (补录)",
    "case.intervene": "step in where a unit below holds a case too long, with a reason",
    "case.overview": "see clocks, longest holders and cases at risk of all units below",
    "register.print": "print the registers of pupils who came, left, paused and returned",
    "relay.manage": "connect other installations, look after messages",
    "stamp.view": "see which registers are endorsed for the school year",
    "stamp.ask": "hand the school's register in for its yearly endorsement",
    "stamp.give": "endorse the registers of the schools below for the school year",
    "exam.view": "see registrations for exams of the authority, tickets and marks",
    "exam.enter": "register the pupils of a cohort for an exam",
    "exam.check": "verify registrations for an exam against the record",
    "exam.run": "announce an exam, give out tickets, return marks",
    "placing.view": "see transfers that a full school refused, and where the children were placed",
    "placing.decide": "name a school with room for a transfer that a full school refused",
    "relay.view": "open transfers from and to other installations",
    "statistics.submit": "hand in the monthly report of movements",
    "family.invite": "make invitation codes for families, see which accounts see a child",
    "family.answer": "answer what parents and pupils ask to have corrected or deleted; their appeals",
    "guardian.view": "see who may see a child and what limits that",
    "guardian.record": "record guardianship, courts' orders and homes kept secret, with their papers",
    "guardian.confirm": "confirm what the registrar recorded; only then is anything opened again",
    "consent.view": "see which families agreed to what",
    "copy.release": "hand a copy of a record to a parent at the counter",
    "family.end": "stop an account from seeing a child, with a reason",
    "duplicate.check": "look for duplicates (查重) and decide suspicions",
    "population.view": "see comparisons with the population register and distributions of numbers",
    "population.compare": "have records compared with the population register",
    "number.distribute": "distribute formal student numbers",
    "person.merge": "propose, decide and undo a merge of two records",
    "problem.view": "open problem records (问题学籍) that the own unit takes part in",
    "dropout.view": "open the watch on drop-outs (控辍保学)",
    "dropout.write": "put a child on that watch, follow up, say how it ended",
    "yearly.view": "open the year's work: promotion, graduation lists, admission",
    "headcount.view": "see the term's comparison of heads with names",
    "headcount.write": "compare a class's heads with the names in the system",
    "headcount.settle": "settle a difference that a class reported",
    "submission.view": "see rounds of submission and their schools",
    "submission.round": "open rounds of submission and inspections",
    "submission.send": "hand in a school's data and its term review",
    "submission.decide": "review what schools handed in",
    "yearly.confirm": "confirm that classes were compared with the system after the promotion",
    "yearly.place": "assign graduates to schools, decide what schools ask for",
    "admission.view": "see the admission of new pupils",
    "admission.prepare": "enter candidates, check eligibility, print notices, check in new pupils",
    "admission.submit": "send the school's admission list, ask for another plan",
    "admission.plan": "set admission plans and service areas",
    "admission.approve": "decide admission lists, send the unified list, settle double admissions, clear unlawful entries",
    "placement.view": "see placement into classes, changes of class and mid-term entries",
    "placement.write": "place pupils into classes, number a class, swap two, ask for a mid-term entry",
    "placement.decide": "decide swaps and mid-term entries",
    "placement.receive": "acknowledge a pupil who comes in in the middle of a term",
    "term.view": "see the registration of a term",
    "term.register": "register pupils for a term, check the list of a class",
    "class.view": "open classes",
    "class.edit": "make, change and stop classes",
    "roster.print": "print a class roster or get it as a sheet",
    "card.view": "see pupils' cards and their batches",
    "card.run": "make cards, send them to be sealed, replace and void them",
    "card.report": "report a card lost",
    "card.seal": "seal batches of cards (验印)",
    "certificate.issue": "issue a certificate",
    "certificate.view": "see certificates that were issued",
    "statistics.view": "head-counts and movements",
    "org.view": "see units",
    "org.edit": "change units",
    "account.manage": "manage all accounts below the own unit",
    "account.manage_own": "manage accounts of the own unit, with the roles named below",
    "audit.view": "read the audit",
    "audit.school": "see who looked at the own school's pupils and what the own staff read",
    "system.view": "see the state of the system",
    "teaching.scope": "set how far subject teachers look: own classes, their grades, the whole school",
    "fields.identity": "see papers and identity (masked)",
    "fields.contact": "see telephones and mail (masked)",
    "fields.family": "see the family and guardians",
    "fields.address": "see home and household",
    "fields.health": "see health and disability",
    "fields.aid": "see hardship, aid and family circumstances",
    "fields.conduct": "see conduct and political status",
    "permission.view": "read the table of rights of all roles",
    "permission.change": "narrow or widen rights at the own unit, within what the table lets a place change",
    "permission.approve": "agree, as the second person, to a right that was widened",
    "policy.view": "read the rules in force",
    "policy.stage": "propose a version of the own authority's rules",
    "policy.approve": "put a version that somebody else proposed into force",
}
INTRO = """# Roles and permissions

<!-- Written by tools/roles_reference.py from the code; do not edit. -->

A permission says *what* a role may do; *whose* children it may do it to is decided by the database from the facts of the
record (see [security](../explanation/security.md)). An account may hold several roles and acts in one at a time; each is
held at an organisation, a teacher's at a class besides, from a date and, if stated, to a date.

## Roles
"""


def render() -> str:
    """Return the whole page; raises SystemExit when a role or permission lacks its words."""
    generated_page.setup_django()
    from django.utils import translation

    from xueji.ground.accounts import roles, rules

    _complete("ROLES", set(ROLES), set(roles.Role.values))
    _complete("ACTIONS", set(ACTIONS), set(roles.PERMISSIONS))
    with translation.override("zh-hans"):
        label = {str(r): str(roles.Role(r).label) for r in roles.Role}
    lines = [INTRO.rstrip(), ""]
    rows = []
    for role in roles.Role.values:
        english, whose = ROLES[role]
        kinds = rules.kinds_of(role)
        held = ", ".join(k for k in _KINDS if k in kinds) or "none: linked to a child"
        rows.append([f"`{role}`", label[role], english, held, whose])
    lines += generated_page.table(["Code", "中文", "English", "Held at a", "Sees which children"], rows)
    lines += ["", "## Permissions", ""]
    local = {(r.action, r.role): r.local for r in roles.rights()}
    mark = {"narrow": " -", "reach": " *"}
    rows = []
    for action, holders in roles.PERMISSIONS.items():
        names = [f"`{r}`{mark.get(local[action, r], '')}" for r in roles.Role.values if r in holders]
        given = [f"`{r}`" for r in roles.Role.values if local.get((action, r)) == "widen"]
        pupils = "yes" if roles.actions()[action].pupils else ""
        rows.append([f"`{action}`", ACTIONS[action], pupils, ", ".join(names), ", ".join(given)])
    lines += generated_page.table(
        ["Permission", "To", "Shows pupils", "Roles", "A place may give it to"], rows
    )
    lines += [
        "",
        "`-`: a place may take it away; `*`: a school may let it reach further. Shipped in `standards/permissions.csv`; what an",
        "installation changed stands on its page 权限表 ([how](../how-to/change-rights.md)).",
    ]
    lines += ["", "## Who hands out which roles", ""]
    rows = []
    for giver, given in rules.GRANTS.items():
        names = (
            "all"
            if set(given) == set(roles.Role)
            else ", ".join(f"`{r}`" for r in roles.Role.values if r in given)
        )
        rows.append([f"`{giver}`", names])
    lines += generated_page.table(["Role", "Gives"], rows)
    lines += [
        "",
        "Nobody manages the own account here, nor one that holds a role which he could not give. System, security and audit",
        "administration are never joined in one account, nor with any other role; two of them the database itself refuses.",
        "`xueji user` gives any role, and writes so to the audit.",
    ]
    return "\n".join(lines) + "\n"


_KINDS = ("nation", "province", "city", "county", "central", "school")


def _complete(what: str, here: set[str], code: set[str]) -> None:
    if here != code:
        raise SystemExit(f"tools/roles_reference.py: {what} does not fit the code: {sorted(here ^ code)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the page."""
    return generated_page.run((__doc__ or "").splitlines()[0], NAME, render, argv)


if __name__ == "__main__":
    sys.exit(main())
