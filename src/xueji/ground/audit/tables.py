"""Rights on the tables of this room: nobody updates, nobody deletes."""

from xueji.ground.db.guards import Table

_GROWS = "select, insert"

TABLES = [
    Table("audit_entry", "local", app="", writer="", intake="", audit=_GROWS),
    Table("audit_seal", "local", app="", writer="", audit=_GROWS),
    # Filled and emptied by functions of its own (sql/queue.sql): no role may touch a row that waits.
    Table("audit_queued", "local", app="", writer="", audit="select"),
    Table("audit_anchor", "local", app="", writer="", audit=_GROWS),
    Table("audit_archive", "local", app="", writer="", audit=_GROWS),
    Table("audit_finding", "local", app="", writer="", audit=_GROWS),
    Table("audit_review", "local", app="", writer="", audit=_GROWS),
]
