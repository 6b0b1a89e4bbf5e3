"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    # The unit and the authorities above it; whoever applied (a class teacher has no unit in scope).
    Table("export_request", "local", scope=Scope(orgs=("org_id",), user="asked_by")),
    # Rules of units and what was opened to them tell nothing about children: everybody may read them.
    Table("export_rule", "reference"),
    Table("export_opening", "reference"),
]
