"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_SCHOOL = Scope(orgs=("school_id", "county_id"))

TABLES = [
    Table("offline_package", "local", scope=_SCHOOL, writer="select, insert, update"),
    Table("offline_handback", "local", scope=_SCHOOL, writer="select, insert, update"),
    Table("offline_item", "local", scope=_SCHOOL, writer="select, insert, update, delete"),
]
