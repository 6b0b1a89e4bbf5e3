"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_OWN = Scope(orgs=("county_id", "school_id"))
_ALL = "select, insert, update, delete"

TABLES = [
    Table("graduation_list", "local", scope=_OWN),
    Table("graduation_vector", "local", scope=_OWN, writer=_ALL),
    Table("graduation_item", "local", scope=_OWN, writer=_ALL),
    Table("graduation_step", "local", scope=_OWN, writer=_ALL),
    Table("graduation_log", "local", scope=_OWN, writer="select, insert"),
    Table("promotion_check", "local", scope=_OWN),
    Table(
        "admission",
        "local",
        scope=Scope(orgs=("from_county_id", "from_school_id", "to_county_id", "to_school_id")),
    ),
    Table("graduate_destination", "local", scope=_OWN),
    Table("register_stamp", "local", scope=_OWN),
]
