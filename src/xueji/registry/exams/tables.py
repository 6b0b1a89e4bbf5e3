"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table("exam", "local", writer="select, insert, update"),
    Table(
        "exam_entry",
        "local",
        scope=Scope(orgs=("school_id", "county_id"), klass="class_id"),
        writer="select, insert, update",
    ),
]
