"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_PARTIES = Scope(readers="parties")

TABLES = [
    Table("problem_record", "local", scope=_PARTIES, intake="select"),
    Table("problem_side", "local", scope=_PARTIES, intake="select"),
    Table("problem_log", "local", scope=_PARTIES, writer="select, insert"),
]
