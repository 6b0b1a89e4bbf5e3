"""Rights on the tables of this room: versions, lines and activations are only ever added to."""

from xueji.ground.db.guards import Table

TABLES = [
    Table(
        "policy_version",
        "reference",
        writer="select, insert",
        intake="select",
        audit="select",
        search="select",
    ),
    Table("policy_line", "reference", writer="select, insert", intake="select", audit="select"),
    Table(
        "policy_activation",
        "reference",
        writer="select, insert",
        intake="select",
        audit="select",
        search="select",
    ),
    Table("policy_stage", "reference", writer="select, insert, update"),
    Table(
        "policy_state", "reference", writer="select, update", intake="select", audit="select", search="select"
    ),
]
