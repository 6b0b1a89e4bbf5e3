"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_SCHOOL = Scope(orgs=("school_id", "county_id"))

TABLES = [
    Table(
        "takeover",
        "local",
        scope=_SCHOOL,
        writer="select, insert, update",
        intake="select, insert, update",
    ),
    # No policy and no grant for the application, as staging of sheets has none.
    Table("takeover_row", "local", app="", writer="", intake="select, insert, update, delete"),
    Table(
        "takeover_difference",
        "local",
        scope=_SCHOOL,
        writer="select, insert, update",
        intake="select, insert, update, delete",
    ),
]
