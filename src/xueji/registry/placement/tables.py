"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_SCHOOL = Scope(orgs=("school_id",))
_PLACED = Scope(orgs=("county_id", "school_id"), klass="class_id")

TABLES = [
    Table("placement_run", "local", scope=_SCHOOL),
    Table("placement_item", "local", scope=_SCHOOL, writer="select, insert, update, delete"),
    Table("placement_ask", "local", scope=_PLACED),
    Table("term_mark", "local", scope=_PLACED, writer="select, insert, update, delete"),
    Table("entry_review", "local", scope=_PLACED),
    Table("school_number", "local", scope=_PLACED, writer="select, insert"),
    Table("class_list_check", "local", scope=_PLACED),
]
