"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_EDIT = "select, insert, update, delete"
TABLES = [
    Table("org", "reference", writer=_EDIT, intake="select", search="select"),
    Table("school", "reference", writer=_EDIT, intake="select", search="select"),
    Table("school_review", "local", scope=Scope(orgs=("org_id", "county_id")), writer="select, insert"),
    Table("campus", "reference", writer=_EDIT, intake="select"),
    Table("school_year", "reference", writer=_EDIT, intake="select"),
    Table("term", "reference", writer=_EDIT, intake="select"),
    Table("calendar_day", "reference", writer=_EDIT, intake="select"),
    Table("school_class", "reference", writer=_EDIT, intake="select, insert", search="select"),
]
