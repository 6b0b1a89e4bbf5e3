"""Who may see which row, told from the facts alone: roles, the tree by its parents, chains, parties, family links.

Nothing here reads a policy, a `readers` column, a path or a roster: what the database's policies answer is held
against this. Each table that is declared with a scope has an entry in `ORACLES`; a table without one fails a test.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from tests.attacks import admission, charge, relay, submission

AUTHORITIES = {"nation", "province", "city", "county"}
REGISTERED, GUEST = 1, 2


@dataclass(frozen=True)
class Sight:
    """How far one account sees in one role: units and classes, the family's children, the account itself."""

    user: int
    role: str
    units: frozenset[int] = frozenset()
    classes: frozenset[int] = frozenset()
    persons: frozenset[uuid.UUID] = frozenset()
    #: Units whose accounts the role manages; None among them: accounts of no unit.
    manages: frozenset[int | None] = frozenset()

    def school(self, facts: Facts, school_id: int) -> bool:
        """Whether this school, or the authority in charge of it, is one of the units."""
        return school_id in self.units or facts.county[school_id] in self.units


@dataclass
class Facts:
    """The world as its owner sees it."""

    parent: dict[int, int | None]
    kind: dict[int, str]
    county: dict[int, int]
    homes: dict[uuid.UUID, set[tuple[int, int | None]]]
    cases: dict[uuid.UUID, CaseFacts]
    case_of_file: dict[uuid.UUID, uuid.UUID]
    roles: dict[int, list[tuple[int, str, int | None, int | None]]]
    family: dict[int, list[tuple[uuid.UUID, bool]]]
    relay: dict[uuid.UUID, tuple[set[int], set[int], uuid.UUID | None]]
    disputes: dict[uuid.UUID, set[int]] = field(default_factory=dict)
    account_home: dict[int, int | None] = field(default_factory=dict)

    def below(self, org: int) -> set[int]:
        """An organisation and everything under it."""
        out = {org}
        while True:
            more = {o for o, p in self.parent.items() if p in out} - out
            if not more:
                return out
            out |= more

    def sight(self, user: int, assignment: int | None = None) -> Sight:
        """How far an account sees in one of its roles (the first if none is named)."""
        held = self.roles[user]
        _id, role, org, _klass = next((r for r in held if r[0] == assignment), held[0])
        manages: frozenset[int | None] = frozenset()
        if role in ("registrar", "county_clerk", "security_admin"):
            top = role == "security_admin" and self.parent[org] is None  # type: ignore[index]
            manages = frozenset(self.below(org)) | (frozenset({None}) if top else frozenset())  # type: ignore[arg-type]
        if role in ("registrar", "school_head"):
            return Sight(user, role, units=frozenset({org}), manages=manages)  # type: ignore[arg-type]
        if role in ("class_teacher", "teacher"):
            klasses = {r[3] for r in held if r[1] == role and r[2] == org}
            return Sight(user, role, classes=frozenset(klasses))  # type: ignore[arg-type]
        if role == "central_clerk":
            return Sight(user, role, units=frozenset(self.below(org)))  # type: ignore[arg-type]
        if role in ("parent", "student"):
            mine = {p for p, own in self.family.get(user, []) if own == (role == "student")}
            return Sight(user, role, persons=frozenset(mine))
        if role.endswith(("_clerk", "_head")):
            units = {o for o in self.below(org) if self.kind[o] in AUTHORITIES}  # type: ignore[arg-type]
            return Sight(user, role, units=frozenset(units), manages=manages)
        return Sight(user, role, manages=manages)


@dataclass
class CaseFacts:
    """Who takes part in a case."""

    draft: bool
    start: int
    person: uuid.UUID | None
    units: set[int] = field(default_factory=set)
    classes: set[int] = field(default_factory=set)
    arrived: int | None = None


def gather(owner: psycopg.Connection) -> Facts:
    """Read the facts as owner of the tables."""
    orgs = owner.execute("select id, parent_id, kind from org").fetchall()
    county = dict(owner.execute("select org_id, county_id from school").fetchall())
    homes: dict[uuid.UUID, set[tuple[int, int | None]]] = defaultdict(set)
    last: dict[tuple[uuid.UUID, int], tuple[int, int | None, int]] = {}
    for person, kind, school, klass, status in owner.execute(
        "select person_id, kind, school_id, class_id, status from enrolment_state where valid_from <= now()"
        " order by valid_from"
    ).fetchall():
        last[(person, kind)] = (school, klass, status)
    for (person, kind), (school, klass, status) in last.items():
        if kind == REGISTERED or status < 10:
            homes[person].add((school, klass))
    cases: dict[uuid.UUID, CaseFacts] = {}
    for case_id, status, start, source, target, person, klass in owner.execute(
        "select case_id, status, org_id, from_school_id, to_school_id, person_id,"
        " case when status in ('done', 'approved') then to_class_id end from case_"
    ).fetchall():
        draft = status == "draft"
        one = CaseFacts(draft, start, person, arrived=klass)
        schools = {start} if draft else {s for s in (start, source, target) if s is not None}
        one.units = schools if draft else schools | {county[s] for s in schools if s in county}
        cases[case_id] = one
    for case_id, org in owner.execute("select case_id, org_id from case_step").fetchall():
        cases[case_id].units.add(org)
    # The class that the child attended, as it was known when the case was sent: its teacher follows the case.
    for case_id, klass in owner.execute(
        "select distinct on (c.case_id) c.case_id, s.class_id from case_ c"
        " join enrolment_state s on s.person_id = c.person_id and s.kind = 1"
        " join event e on e.person_id = s.person_id and e.event_id = s.event_id and e.recorded_at <= c.submitted_at"
        " where c.status <> 'draft' order by c.case_id, s.valid_from desc"
    ).fetchall():
        if klass is not None:
            cases[case_id].classes.add(klass)
    roles: dict[int, list[tuple[int, str, int | None, int | None]]] = defaultdict(list)
    for row in owner.execute(
        "select user_id, id, role, org_id, school_class_id from role_assignment order by id"
    ).fetchall():
        roles[row[0]].append(row[1:])
    family: dict[int, list[tuple[uuid.UUID, bool]]] = defaultdict(list)
    for user, person, guardian in owner.execute(
        "select user_id, person_id, guardian_no from portal_link where until is null"
    ).fetchall():
        family[user].append((person, guardian is None))
    parent = {o[0]: o[1] for o in orgs}
    disputes: dict[uuid.UUID, set[int]] = defaultdict(set)
    above: dict[uuid.UUID, list[int]] = {}
    for problem, school in owner.execute(
        "select problem_id, school_id from problem_side order by id"
    ).fetchall():
        disputes[problem] |= {school, county[school]}
        line: list[int] = []
        unit: int | None = county[school]
        while unit is not None:
            line.append(unit)
            unit = parent[unit]
        above[problem] = [u for u in above.get(problem, line) if u in line]
    for problem, line in above.items():
        disputes[problem].add(line[0])
    return Facts(
        parent=parent,
        kind={o[0]: o[2] for o in orgs},
        county=county,
        homes=homes,
        cases=cases,
        case_of_file=dict(owner.execute("select file_id, case_id from case_file").fetchall()),
        roles=roles,
        family=family,
        disputes=dict(disputes),
        relay=relay.facts(owner, county),
        account_home=dict(owner.execute("select id, home_org_id from account_user").fetchall()),
    )


Row = dict[str, Any]
Oracle = Callable[[Facts, Sight, Row], bool]


def has_child(f: Facts, s: Sight, row: Row) -> bool:
    """The whole record: whoever has the child now, the authorities above, its class's teachers, its family."""
    person = row["person_id"]
    return person in s.persons or any(
        s.school(f, school) or (klass is not None and klass in s.classes) for school, klass in f.homes[person]
    )


def at_the_time(f: Facts, s: Sight, row: Row) -> bool:
    """A row of history belongs to the school of its time, for good; to the class of its time; to the family."""
    return (
        s.school(f, row["school_id"])
        or (row["class_id"] is not None and row["class_id"] in s.classes)
        or row["person_id"] in s.persons
    )


def of_school(f: Facts, s: Sight, row: Row) -> bool:
    """Counts and batches: the school and the authorities above."""
    return s.school(f, row["school_id"])


def shares_problem(f: Facts, s: Sight, row: Row) -> bool:
    """A problem record: the schools of its sides, their authorities, and who stands above them all."""
    return bool(f.disputes[row["problem_id"]] & s.units)


def watched(f: Facts, s: Sight, row: Row) -> bool:
    """The watch on drop-outs: the school, the authorities above, the teacher of the class."""
    return s.school(f, row["school_id"]) or row["class_id"] in s.classes


def both_schools(f: Facts, s: Sight, row: Row) -> bool:
    """A graduate's way to another school: both schools, and the authorities of both."""
    return s.school(f, row["from_school_id"]) or s.school(f, row["to_school_id"])


def evidence(f: Facts, s: Sight, row: Row) -> bool:
    """Papers of a case: its parties alone. Teachers and families follow the case without its papers."""
    return bool(f.cases[row["case_id"]].units & s.units)


def lists_evidence(f: Facts, s: Sight, row: Row) -> bool:
    """That a paper was brought is told to the family as well."""
    return evidence(f, s, row) or f.cases[row["case_id"]].person in s.persons


def takes_part(f: Facts, s: Sight, row: Row) -> bool:
    """A case, its chain and its log, all of it or nothing: the parties, the family, teachers of the class that the
    child was in, and of the one it came to."""
    case = f.cases[row["case_id"]]
    return bool(
        case.units & s.units
        or case.classes & s.classes
        or case.arrived in s.classes
        or case.person in s.persons
    )


def relays(f: Facts, s: Sight, row: Row) -> bool:
    """A transfer with another installation: this side's units, teachers of the child's class, the family."""
    units, classes, person = f.relay[row["case_id"]]
    return bool(units & s.units or classes & s.classes or person in s.persons)


def of_unit(f: Facts, s: Sight, row: Row) -> bool:
    """What belongs to a unit alone: that unit and those above."""
    return row["org_id"] in s.units


def stands_in(f: Facts, s: Sight, row: Row) -> bool:
    """Who stands in for whom: the unit and those above, and whoever manages its accounts."""
    return row["org_id"] in s.units or row["org_id"] in s.manages


def of_unit_and_county(f: Facts, s: Sight, row: Row) -> bool:
    """What a unit writes down for itself and the authority in charge of it."""
    return bool({row["org_id"], row["county_id"]} & s.units)


def knows_account(f: Facts, s: Sight, user: int) -> bool:
    """An account: oneself, colleagues of the units in sight, and whoever belongs to a unit that one manages."""
    return (
        user == s.user
        or any(r[2] in s.units for r in f.roles.get(user, []))
        or f.account_home[user] in s.manages
    )


def holds_office(f: Facts, s: Sight, row: Row) -> bool:
    """A role of an account: as the account itself."""
    return row["org_id"] in s.units or knows_account(f, s, row["user_id"])


def keeps_words(f: Facts, s: Sight, row: Row) -> bool:
    """An opinion kept for later: one's own, or the unit's."""
    return row["org_id"] in s.units or row["user_id"] == s.user


def has_seat(f: Facts, s: Sight, row: Row) -> bool:
    """A place at a case: the unit's own, and that of the schools below it; drafts are nobody else's."""
    case, org = f.cases[row["case_id"]], row["org_id"]
    if org in s.units or (not case.draft and f.county.get(org) in s.units):
        return True
    return not case.draft and case.person in s.persons


def may_open(f: Facts, s: Sight, row: Row) -> bool:
    """A file: evidence for the parties of its case, a photo as its child, papers of an export as who brought them."""
    if str(row.get("purpose", "")).startswith("export_"):
        return any(org in s.units for _id, _role, org, _klass in f.roles[row["user_id"]])
    case_id = f.case_of_file.get(row["id"])
    if case_id is not None:
        return evidence(f, s, {"case_id": case_id})
    return has_child(f, s, row)


def certified(f: Facts, s: Sight, row: Row) -> bool:
    """A certificate: the school that gave it, and the family."""
    return row["school_id"] in s.units or row["person_id"] in s.persons


ORACLES: dict[str, Oracle] = {
    **dict.fromkeys(("relay_case", "relay_step", "relay_log"), relays),
    **dict.fromkeys(
        (
            "person",
            "person_profile",
            "person_name",
            "guardian",
            "identity_document",
            "student_number",
            "person_photo",
        ),
        has_child,
    ),
    **dict.fromkeys(("enrolment_state", "enrolment_superseded", "event", "roster"), at_the_time),
    "cube_delta": of_school,
    "import_batch": of_school,
    **dict.fromkeys(
        (
            "takeover",
            "takeover_difference",
            "offline_package",
            "offline_handback",
            "offline_item",
            "creation_list",
            "creation_item",
            "creation_step",
            "special_record",
        ),
        of_school,
    ),
    "export_request": lambda f, s, row: row["org_id"] in s.units or row["asked_by"] == s.user,
    "known_heading": of_school,
    **dict.fromkeys(
        ("photo_batch", "photo_item", "placement_run", "placement_item"),
        lambda f, s, row: row["school_id"] in s.units,
    ),
    **dict.fromkeys(
        (
            "graduation_list",
            "graduation_vector",
            "graduation_item",
            "graduation_step",
            "graduation_log",
            "promotion_check",
            "register_stamp",
            "graduate_destination",
        ),
        of_school,
    ),
    "admission": both_schools,
    "placing_request": lambda f, s, row: (
        s.school(f, row["school_id"])
        or (row["placed_school_id"] is not None and s.school(f, row["placed_school_id"]))
    ),
    **dict.fromkeys(("problem_record", "problem_side", "problem_log"), shares_problem),
    **dict.fromkeys(
        ("duplicate_pair", "person_merge"), lambda f, s, row: bool(set(row["parties"]) & s.units)
    ),
    **dict.fromkeys(("population_batch", "population_item", "number_given"), of_school),
    "duplicate_run": lambda f, s, row: bool({row["org_id"], row["county_id"]} & s.units),
    "population_part": lambda f, s, row: row["county_id"] in s.units,
    **dict.fromkeys(
        (
            "dropout_watch",
            "dropout_entry",
            "exam_entry",
            "class_serial",
            "placement_ask",
            "term_mark",
            "entry_review",
            "school_number",
            "class_list_check",
        ),
        watched,
    ),
    "dropout_report": of_school,
    "monthly_report": of_school,
    "case_": takes_part,
    "case_step": takes_part,
    "case_file": lists_evidence,
    "case_log": takes_part,
    "case_seat": has_seat,
    "stored_file": may_open,
    "certificate": certified,
    "term_report": of_unit_and_county,
    "student_card": at_the_time,
    "card_batch": watched,
    "invitation": lambda f, s, row: row["school_id"] in s.units or row["class_id"] in s.classes,
    "family_request": lambda f, s, row: (
        row["school_id"] in s.units
        or row["appeal_org_id"] in s.units
        or (row["person_id"] in s.persons and (not row["direct"] or row["asked_by"] == s.user))
    ),
    "collect_task": lambda f, s, row: (
        row["school_id"] in s.units or row["county_id"] in s.units or bool(set(row["class_ids"]) & s.classes)
    ),
    **dict.fromkeys(
        ("collect_form", "collect_entry"),
        lambda f, s, row: (
            row["school_id"] in s.units or row["class_id"] in s.classes or row["person_id"] in s.persons
        ),
    ),
    "collect_progress": lambda f, s, row: row["school_id"] in s.units or row["county_id"] in s.units,
    # For who has the child now, its class or its school, and the family: no authority.
    "term_line": lambda f, s, row: (
        row["person_id"] in s.persons
        or any(school in s.units or klass in s.classes for school, klass in f.homes[row["person_id"]])
    ),
    # For own teachers and the family: neither the office nor an authority.
    "pupil_note": lambda f, s, row: (
        row["person_id"] in s.persons
        or any(klass in s.classes for _school, klass in f.homes[row["person_id"]])
    ),
    "delegation": stands_in,
    **dict.fromkeys(("privacy_hold", "privacy_disposal", "privacy_complaint"), of_unit),
    **dict.fromkeys(
        ("privacy_incident", "privacy_affected", "privacy_share", "privacy_transfer"), of_unit_and_county
    ),
    "privacy_paper": lambda f, s, row: row["org_id"] in s.units or row["superior_id"] in s.units,
    "privacy_notice": lambda f, s, row: of_unit_and_county(f, s, row) or row["person_id"] in s.persons,
    "opinion_template": keeps_words,
    "account_user": lambda f, s, row: knows_account(f, s, row["id"]),
    "role_assignment": holds_office,
    "user_session": lambda f, s, row: row["user_id"] == s.user,
    **dict.fromkeys(
        ("account_factor", "recovery_code", "factor_guard", "sso_identity", "sign_in_log"),
        lambda f, s, row: row["user_id"] == s.user,
    ),
    "portal_link": lambda f, s, row: row["user_id"] == s.user,
    **charge.ORACLES,
    **submission.ORACLES,
    **dict.fromkeys(
        ("adm_plan", "adm_area", "adm_child", "adm_submission", "adm_applicant", "adm_clearance"), of_school
    ),
    "adm_claim": admission.of_claim,
}


def keys_of(owner: psycopg.Connection, table: str) -> list[str]:
    """The primary key's columns."""
    return [
        r[0]
        for r in owner.execute(
            "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid"
            " and a.attnum = any(i.indkey) where i.indrelid = %s::regclass and i.indisprimary order by a.attnum",
            (table,),
        ).fetchall()
    ]


def rows_of(c: psycopg.Connection, table: str) -> list[Row]:
    """All rows that this connection sees."""
    cursor = c.execute(f'select * from "{table}"')
    names = [d.name for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
