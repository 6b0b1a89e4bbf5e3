"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_SCHOOL = Scope(orgs=("school_id",))

TABLES = [
    Table("photo_batch", "local", scope=_SCHOOL),
    Table("photo_item", "local", scope=_SCHOOL),
]
