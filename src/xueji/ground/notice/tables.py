"""Rights on the tables of this room: both only grow."""

from xueji.ground.db.guards import Table

TABLES = [
    Table("policy_notice", "reference", writer="select, insert"),
    Table("notice_reading", "local", app="", writer="select, insert"),
]
