"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_PLACED = Scope(orgs=("county_id", "school_id"), klass="class_id")

TABLES = [
    Table("dropout_watch", "local", scope=_PLACED),
    Table("dropout_entry", "local", scope=_PLACED, writer="select, insert"),
    Table("dropout_report", "local", scope=Scope(orgs=("county_id", "school_id"))),
]
