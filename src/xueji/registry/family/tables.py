"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table(
        "invitation",
        "local",
        scope=Scope(orgs=("school_id",), klass="class_id"),
        writer="select, insert, update",
    ),
    # The authority sees a request from the day on which the family appeals to it, not before.
    Table(
        "family_request",
        "local",
        scope=Scope(orgs=("school_id", "appeal_org_id"), person="person_id"),
        writer="select, insert, update",
    ),
]
