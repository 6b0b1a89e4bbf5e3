"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

TABLES = [
    Table(
        "certificate",
        "local",
        scope=Scope(readers="readers", person="person_id"),
        writer="select, insert, update",
        search="select",
        extra=(withheld("certificate", "school"),),
    ),
    Table("certificate_counter", "local", app="", writer="select, insert, update"),
    Table("verify_visit", "local", app="", writer="", search="select, insert, update, delete"),
]
