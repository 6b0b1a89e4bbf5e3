"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table(
        "stored_file",
        "local",
        scope=Scope(readers="readers", klasses="klasses", person="person_id", user="user_id"),
        writer="select, insert, update, delete",
        intake="select, insert",
    ),
]
