"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table("school_unit", "local", scope=Scope(orgs=("org_id", "county_id"))),
    Table("school_post", "local", scope=Scope(orgs=("org_id", "county_id"))),
    Table("officer", "local", scope=Scope(orgs=("org_id", "county_id"))),
]
