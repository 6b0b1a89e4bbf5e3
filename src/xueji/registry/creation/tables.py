"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_SCHOOL = Scope(orgs=("school_id", "county_id"))

TABLES = [
    Table("creation_list", "local", scope=_SCHOOL),
    Table("creation_item", "local", scope=_SCHOOL),
    Table("creation_step", "local", scope=_SCHOOL),
    Table("special_record", "local", scope=_SCHOOL),
    # When records may be made is public within the installation and holds nothing of a pupil.
    Table("creation_window", "reference", intake="select"),
]
