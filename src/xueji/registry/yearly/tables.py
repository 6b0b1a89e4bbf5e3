"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_OWN = Scope(orgs=("county_id", "school_id"))
_ALL = "select, insert, update, delete"

TABLES = [
    Table("graduation_list", "county", scope=_OWN),
    Table("graduation_vector", "county", scope=_OWN, writer=_ALL),
    Table("graduation_item", "county", scope=_OWN, writer=_ALL),
    Table("graduation_step", "county", scope=_OWN, writer=_ALL),
    Table("graduation_log", "county", scope=_OWN, writer="select, insert"),
    Table("promotion_check", "county", scope=_OWN),
    Table(
        "admission",
        "county",
        scope=Scope(orgs=("from_county_id", "from_school_id", "to_county_id", "to_school_id")),
    ),
    Table("graduate_destination", "county", scope=_OWN),
]
