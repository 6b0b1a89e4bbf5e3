"""Rights on the tables of this room. A unit and the authorities above it see a row; a report of misuse is seen by the
authority that handles it and those above, never by the unit that it is about."""

from xueji.ground.db.guards import Scope, Table, withheld

_UNIT = Scope(orgs=("org_id",))
_UNITS = Scope(orgs=("org_id", "county_id"))
_EDIT = "select, insert, update, delete"

TABLES = [
    # Published by name: everybody may read who answers for a unit.
    Table("privacy_officer", "reference"),
    Table("privacy_hold", "local", scope=_UNIT, intake="select"),
    # Certificates of disposal and signed papers are proof: nothing here deletes them.
    Table("privacy_disposal", "local", scope=_UNIT),
    Table("privacy_paper", "local", scope=Scope(orgs=("org_id", "superior_id"))),
    Table("privacy_incident", "local", scope=_UNITS, intake="select"),
    Table("privacy_affected", "local", scope=_UNITS, writer=_EDIT),
    # Names the school: closed to a guardian from whom the school is withheld, who is told by letter.
    Table(
        "privacy_notice",
        "local",
        scope=Scope(orgs=("org_id", "county_id"), person="person_id"),
        extra=(withheld("privacy_notice", "school"),),
    ),
    Table("privacy_complaint", "local", scope=_UNIT, writer=_EDIT),
    Table("privacy_share", "local", scope=_UNITS),
    Table("privacy_transfer", "local", scope=_UNITS, writer="select, insert"),
    # What checks of the installation found tells of machines and accounts, not of children.
    Table("privacy_check", "local"),
    Table("privacy_finding", "local"),
]
