"""Where sealed values lie: every column that the vault fills, with the place its values are bound to.

Re-sealing under a new key walks this list. A test compares it with the database, so that no column is
forgotten. Tables are named by their database names only: this floor knows no models of the floors above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xueji.ground.db.scope import Role

#: How many numbered places are tried for a staged value, whose final number stands nowhere in the row.
_PLACES = 20


@dataclass(frozen=True)
class SealedColumn:
    """One column of sealed values. `place` is the where-string with the row's key columns; {n} is tried from
    1 on.
    """

    table: str
    column: str
    keys: tuple[str, ...]
    place: str
    needs: tuple[str, ...] = ()
    role: Role = "writer"

    @property
    def read(self) -> tuple[str, ...]:
        """Columns needed to address a row and to name its place."""
        return self.keys + tuple(c for c in self.needs if c not in self.keys)

    def places(self, row: tuple[Any, ...]) -> Iterator[str]:
        """The where-strings under which the row's value may be sealed; nearly always one."""
        named = dict(zip(self.read, row, strict=True))
        if "{n}" not in self.place:
            yield self.place.format(**named)
            return
        for n in range(1, _PLACES + 1):
            yield self.place.format(n=n, **named)


def _staged(column: str, place: str) -> SealedColumn:
    return SealedColumn("staged_row", column, ("batch_id", "row_no"), place, ("person_id",), "intake")


COLUMNS = (
    SealedColumn(
        "identity_document",
        "sealed",
        ("person_id", "doc_no"),
        "identity_document.sealed:{person_id}:{doc_no}",
    ),
    SealedColumn(
        "student_number",
        "sealed",
        ("person_id", "number_no"),
        "student_number.sealed:{person_id}:{number_no}",
    ),
    SealedColumn("person_profile", "sealed", ("person_id",), "person_profile.sealed:{person_id}"),
    SealedColumn(
        "guardian", "sealed", ("person_id", "guardian_no"), "guardian.sealed:{person_id}:{guardian_no}"
    ),
    SealedColumn("certificate", "code_sealed", ("id",), "certificate.code_sealed:{id}"),
    SealedColumn("case_", "sealed", ("case_id",), "case_.sealed:{case_id}"),
    SealedColumn(
        "collect_form", "sealed", ("task_id", "person_id"), "collect_form.sealed:{task_id}:{person_id}"
    ),
    SealedColumn("pupil_note", "sealed", ("id",), "pupil_note.sealed:{id}"),
    SealedColumn("problem_record", "sealed", ("problem_id",), "problem_record.sealed:{problem_id}"),
    SealedColumn("relay_out", "sealed", ("id",), "relay_out.sealed:{id}"),
    SealedColumn("relay_in", "sealed", ("id",), "relay_in.sealed:{id}"),
    SealedColumn("relay_case", "sealed", ("case_id",), "relay_case.sealed:{case_id}"),
    SealedColumn("adm_child", "sealed", ("id",), "adm_child.sealed:{id}"),
    # A candidate's values lie where the record will have them: they are copied, never opened, at the check-in.
    SealedColumn("adm_applicant", "id_sealed", ("id",), "identity_document.sealed:{id}:1"),
    SealedColumn("adm_applicant", "profile_sealed", ("id",), "person_profile.sealed:{id}"),
    SealedColumn("adm_applicant", "guardian_sealed", ("id",), "guardian.sealed:{id}:1"),
    SealedColumn("account_factor", "sealed", ("id",), "account_factor.sealed:{id}"),
    SealedColumn("privacy_incident", "sealed", ("id",), "privacy_incident.sealed:{id}"),
    SealedColumn("privacy_complaint", "sealed", ("id",), "privacy_complaint.sealed:{id}"),
    SealedColumn(
        "takeover_row",
        "sealed",
        ("takeover_id", "row_no"),
        "takeover_row.sealed:{takeover_id}:{row_no}",
        role="intake",
    ),
    _staged("raw", "staged_row.raw:{person_id}"),
    _staged("id_sealed", "identity_document.sealed:{person_id}:{n}"),
    _staged("number_sealed", "student_number.sealed:{person_id}:{n}"),
    _staged("aux_sealed", "student_number.sealed:{person_id}:{n}"),
    _staged("profile_sealed", "person_profile.sealed:{person_id}"),
    _staged("g1_sealed", "guardian.sealed:{person_id}:{n}"),
    _staged("g2_sealed", "guardian.sealed:{person_id}:{n}"),
)
