"""Every table with something of a person, and what becomes of it when two records are merged. A test compares this list
with the database: whoever adds such a table must say here what a merge does with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

What = Literal["record", "move", "history"]


@dataclass(frozen=True)
class Attached:
    """`record`: copied or led over by the room that owns it, row by row. `move`: the rows get the key of the record that
    goes on, `unless` a condition (of table alias t, new key %(kept)s) keeps them back. `history`: stays under the key
    under which it happened; whoever reads the record that goes on reads it through the alias.
    """

    what: What
    key: tuple[str, ...] = ("id",)
    guardian: bool = False
    unless: str = ""
    why: str = ""


def _record(why: str) -> Attached:
    return Attached("record", why=why)


def _history(why: str) -> Attached:
    return Attached("history", why=why)


ATTACHED: dict[str, Attached] = {
    # The record itself: `people.join`, `enrolment.apply_step`, `problems`.
    "person": _record("facts as decided, alias"),
    "person_profile": _record("fields that are missing are filled in"),
    "person_name": _record("names of both stay findable"),
    "guardian": _record("members whom only one record knows are copied, sealed anew"),
    "identity_document": _record("copied, sealed anew"),
    "identity_lookup": _record("finds the record that goes on"),
    "student_number": _record("copied, sealed anew"),
    "number_lookup": _record("finds the record that goes on"),
    "person_photo": _record("copied when missing or chosen"),
    "enrolment_state": _record("the chain that ends gets a closing link"),
    "roster": _record("follows the chain"),
    "pending_link": _record("a merge waits until nothing is planned"),
    "problem_side": _record("a problem between the two is closed"),
    # Attributes of things that have a key of their own.
    "stored_file": Attached("move"),
    "portal_link": Attached(
        "move",
        guardian=True,
        unless="exists (select 1 from portal_link x where x.person_id = %(kept)s and x.user_id = t.user_id"
        " and x.until is null)",
    ),
    "case_": Attached("move", ("case_id",)),
    "case_step": Attached("move"),
    "case_seat": Attached("move"),
    "case_file": Attached("move"),
    "case_log": Attached("move"),
    "placing_request": Attached("move"),
    "certificate": Attached("move"),
    "student_card": Attached(
        "move",
        unless="t.state in ('made', 'valid', 'lost') and exists (select 1 from student_card x where x.person_id = %(kept)s"
        " and x.kind = t.kind and x.school_id = t.school_id and x.state in ('made', 'valid', 'lost'))",
        why="a child has one card of a kind at a school: the one of the record that ended is made void by hand",
    ),
    "family_request": Attached("move"),
    "guardianship": Attached("move", guardian=True),
    "consent": Attached("move", guardian=True),
    "invitation": Attached(
        "move",
        guardian=True,
        unless="t.used_at is null and t.ended_at is null",
        why="an open code was made for the other record's key",
    ),
    "dropout_watch": Attached(
        "move",
        ("watch_id",),
        unless="t.result in ('open', 'not_returned') and exists (select 1 from dropout_watch x"
        " where x.person_id = %(kept)s and x.result in ('open', 'not_returned'))",
    ),
    "privacy_hold": Attached("move"),
    "privacy_affected": Attached(
        "move",
        unless="exists (select 1 from privacy_affected x where x.person_id = %(kept)s"
        " and x.incident_id = t.incident_id)",
    ),
    "privacy_notice": Attached(
        "move",
        unless="exists (select 1 from privacy_notice x where x.person_id = %(kept)s"
        " and x.incident_id = t.incident_id and x.audience = t.audience)",
    ),
    # What happened, under the key under which it happened.
    "event": _history("append-only"),
    "enrolment_superseded": _history("append-only"),
    "audit_entry": _history("sealed in a chain"),
    "audit_queued": _history("on its way into the chain"),
    "record_edit": _history("who edited that record"),
    "verification": _history("who was verified for that record"),
    "emergency_grant": _history("a grant for that record, over in a day"),
    "relay_case": _history("a conversation with another installation about that record"),
    "relay_step": _history("as relay_case"),
    "relay_log": _history("as relay_case"),
    "graduation_item": _history("a line of a list that was decided"),
    "graduate_destination": _history("where the graduate of that record went"),
    "admission": _history("a way into the next stage, ended with its decision"),
    "photo_item": _history("a line of a batch"),
    "staged_row": _history("staging of a batch"),
    "placement_item": _history("a line of a placement that was drawn"),
    "placement_ask": _history("a question about that record's class"),
    "population_item": _history("a line of a comparison of that record"),
    "number_given": _history("a line of a distribution"),
    "term_line": _history("what a term left at that school"),
    "term_mark": _history("registered for a term at that school"),
    "school_number": _history("the number stays with that record at that school"),
    "entry_review": _history("reviewed after entry at that school"),
    "adm_applicant": _history("a line of an admission, as it was decided"),
    "collect_form": _history("a form of a collection task of the school that asked"),
    "collect_entry": _history("as collect_form"),
    "pupil_note": _history("a note of the teachers of that school"),
    "submission_child": _history("a line of a return that was submitted"),
    "submission_proof": _history("as submission_child"),
    "class_check_line": _history("a line of a check of a class"),
    "special_record": _history("a type of going to school, of one school"),
    "creation_item": _history("a pupil of a list that was decided"),
    "takeover_row": _history("staging of a takeover"),
    "takeover_difference": _history("a line of a comparison"),
    "offline_item": _history("a line of a comparison"),
    "exam_entry": _history("sat an exam under that record"),
}


def moved() -> dict[str, Attached]:
    """Tables whose rows change their key."""
    return {name: a for name, a in ATTACHED.items() if a.what == "move"}
