"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

_CASE = Scope(readers="parties", klasses="klasses", person="person_id")

TABLES = [
    Table("relay_own", "reference"),
    Table("relay_peer", "reference"),
    Table("relay_talk", "local", app=""),
    # Contents lie sealed; the columns beside them tell of machines, not of children.
    Table("relay_out", "local", writer="select, insert, update, delete"),
    Table("relay_in", "local", writer="select, insert, update, delete"),
    Table("relay_lookup", "local", app="", writer="select, insert, delete"),
    Table("relay_counter", "local", app=""),
    Table(
        "relay_case",
        "local",
        scope=_CASE,
        writer="select, insert, update, delete",
        extra=(withheld("relay_case", "case"),),
    ),
    Table(
        "relay_step",
        "local",
        scope=_CASE,
        writer="select, insert, update, delete",
        extra=(withheld("relay_step", "case"),),
    ),
    Table(
        "relay_log",
        "local",
        scope=_CASE,
        writer="select, insert, delete",
        extra=(withheld("relay_log", "case"),),
    ),
]
