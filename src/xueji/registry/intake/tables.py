"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table(
        "import_batch",
        "local",
        scope=Scope(orgs=("school_id", "county_id")),
        writer="select, insert, update",
        intake="select, insert, update",
    ),
    Table(
        "known_heading",
        "local",
        scope=Scope(orgs=("school_id", "county_id")),
        writer="select",
        intake="select, insert, update, delete",
    ),
    # No policy and no grant for the application: only the intake role loads and reads staging.
    Table("staged_row", "local", app="", writer="", intake="select, insert, update, delete"),
]
