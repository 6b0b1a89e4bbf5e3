"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_READABLE = Scope(readers="readers", klasses="klasses", person="person_id")


def _kept(name: str, *, scope: Scope = _READABLE) -> Table:
    return Table(name, "person", scope=scope, intake="select, insert, update", search="select")


TABLES = [
    _kept("person"),
    _kept("person_profile"),
    _kept("person_name"),
    _kept("guardian"),
    _kept("identity_document"),
    _kept("student_number"),
    _kept("person_photo"),
    # Updated by nothing but an arbitration that gives a number to whom it belongs (`commands.award_identity`).
    Table("identity_lookup", "lookup", app="", intake="select, insert", search="select"),
    Table("number_lookup", "lookup", app="", intake="select, insert", search="select"),
    Table("number_counter", "local", app="", intake="select, insert, update"),
    Table("vault_key", "local", writer="select, insert, update", intake="select"),
]
