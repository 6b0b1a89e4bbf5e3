"""Rights on the tables of this room: nobody updates, nobody deletes."""

from xueji.ground.db.guards import Table

TABLES = [
    Table("audit_entry", "local", app="", writer="", intake="", audit="select, insert"),
    Table("audit_seal", "local", app="", writer="", audit="select, insert"),
]
