"""Rights on the tables of this room."""

from xueji.ground.db.guards import Table

_EDIT = "select, insert, update, delete"
TABLES = [
    Table("org", "reference", writer=_EDIT, intake="select", search="select"),
    Table("school", "reference", writer=_EDIT, intake="select", search="select"),
    Table("campus", "reference", writer=_EDIT, intake="select"),
    Table("school_year", "reference", writer=_EDIT, intake="select"),
    Table("term", "reference", writer=_EDIT, intake="select"),
    Table("calendar_day", "reference", writer=_EDIT, intake="select"),
    Table("school_class", "reference", writer=_EDIT, intake="select, insert", search="select"),
]
