"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_OWN = Scope(orgs=("school_id", "county_id"))
_ALL = "select, insert, update, delete"

TABLES = [
    Table("adm_plan", "local", scope=_OWN),
    Table("adm_area", "local", scope=_OWN, writer=_ALL),
    Table("adm_child", "local", scope=_OWN, writer=_ALL),
    Table("adm_submission", "local", scope=_OWN),
    Table("adm_applicant", "local", scope=_OWN, intake="select, update"),
    Table(
        "adm_claim",
        "local",
        scope=Scope(orgs=("first_school_id", "first_county_id", "second_school_id", "second_county_id")),
    ),
    Table("adm_clearance", "local", scope=_OWN),
]
