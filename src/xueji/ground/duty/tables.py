"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    # Nothing of pupils: like accounts, the queries narrow them to the unit.
    Table("duty_rule", "local"),
    Table("undertaking_text", "local", writer="select, insert"),
    Table("undertaking", "local", writer="select, insert"),
    Table("duty_training", "local", writer="select, insert"),
    Table("authorisation", "local", scope=Scope(orgs=("org_id",))),
    Table("record_edit", "local", scope=Scope(orgs=("org_id",)), writer="select, insert"),
    Table("verification", "local", scope=Scope(orgs=("org_id",)), writer="select, insert"),
]
