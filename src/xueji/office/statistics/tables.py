"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table(
        "monthly_report",
        "local",
        scope=Scope(orgs=("county_id", "school_id")),
        writer="select, insert, update",
    ),
    Table(
        "term_report",
        "local",
        scope=Scope(orgs=("county_id", "org_id")),
        writer="select, insert, update",
    ),
]
