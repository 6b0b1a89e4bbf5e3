"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_PLACED = Scope(orgs=("county_id", "school_id"), klass="class_id")

TABLES = [
    Table("dropout_watch", "county", scope=_PLACED),
    Table("dropout_entry", "county", scope=_PLACED, writer="select, insert"),
    Table("dropout_report", "county", scope=Scope(orgs=("county_id", "school_id"))),
]
