"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

TABLES = [
    Table("card_batch", "local", scope=Scope(orgs=("school_id", "county_id"), klass="class_id")),
    Table(
        "student_card",
        "local",
        scope=Scope(orgs=("school_id", "county_id"), klass="class_id", person="person_id"),
        extra=(withheld("student_card", "school"),),
    ),
]
