"""Rights on the tables of this room: a school reads its own lines, the authority those of its schools."""

from xueji.ground.db.guards import Scope, Table

_PLACED = Scope(orgs=("county_id", "school_id"))

TABLES = [
    Table("population_batch", "local", scope=Scope(orgs=("org_id", "county_id", "school_id"))),
    Table("population_part", "local", scope=Scope(orgs=("county_id",))),
    Table("population_item", "local", scope=_PLACED),
    # Letters and counts of a distribution; whose numbers they are stands in the lines.
    Table("number_distribution", "reference", writer="select, insert, update"),
    Table("number_given", "local", scope=_PLACED, writer="select, insert"),
]
