"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table("officer", "local", scope=Scope(orgs=("org_id", "county_id"))),
]
