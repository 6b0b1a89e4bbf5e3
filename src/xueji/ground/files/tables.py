"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

TABLES = [
    Table(
        "stored_file",
        "local",
        # Not by `user_id`: whoever brought a file keeps no right to it when child or office go elsewhere.
        scope=Scope(readers="readers", klasses="klasses", person="person_id"),
        writer="select, insert, update, delete",
        intake="select, insert",
        extra=(withheld("stored_file", "case"),),
    ),
]
