"""Rights on the tables of this room: nobody but the counting function touches the counts."""

from xueji.ground.db.guards import Table

TABLES = [
    Table("rate_count", "local", app="", writer="", search="select, insert, update, delete"),
]
