"""Rights on the tables of this room: versions and readings only grow; drafts are read and written by commands alone."""

from xueji.ground.db.guards import Table

TABLES = [
    Table("policy_notice", "reference", writer="select, insert"),
    Table("notice_draft", "local", app="", writer="select, insert, update"),
    Table("notice_reading", "local", app="", writer="select, insert"),
]
