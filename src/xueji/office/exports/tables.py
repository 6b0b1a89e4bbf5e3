"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table("export_request", "local", scope=Scope(orgs=("org_id",))),
]
