"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_PARTIES = Scope(readers="parties")

TABLES = [
    Table("duplicate_run", "local", scope=Scope(orgs=("org_id", "county_id"))),
    Table("duplicate_pair", "local", scope=_PARTIES),
    Table("person_merge", "local", scope=_PARTIES),
    # What an undoing takes back: read by its commands only, never changed.
    Table(
        "person_merge_row",
        "local",
        app="",
        writer="select, insert",
        extra=("grant select on person_merge_row to xueji_relink",),
    ),
]
