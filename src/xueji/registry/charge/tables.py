"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_SIDES = Scope(orgs=("org_id", "school_id", "county_id"), user="user_id")

TABLES = [
    # The writer may end a grant and change nothing else of it.
    Table(
        "emergency_grant",
        "local",
        scope=_SIDES,
        writer="select, insert",
        extra=('grant update (ended_at) on "emergency_grant" to xueji_writer',),
    ),
    Table("emergency_look", "local", scope=_SIDES, writer="select, insert"),
    Table("emergency_answer", "local", scope=_SIDES, writer="select, insert"),
    Table("emergency_try", "local", app="", writer="select, insert"),
    Table("hand_over", "local", scope=Scope(orgs=("org_id",), user="to_id")),
]
