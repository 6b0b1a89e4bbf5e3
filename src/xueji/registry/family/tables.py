"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table(
        "invitation",
        "local",
        scope=Scope(orgs=("school_id",), klass="class_id"),
        writer="select, insert, update",
    )
]
