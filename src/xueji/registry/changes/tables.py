"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

_CASE = Scope(readers="parties", klasses="klasses", person="person_id")

TABLES = [
    Table(
        "case_",
        "local",
        scope=_CASE,
        writer="select, insert, update, delete",
        intake="select",
        extra=(withheld("case_", "case"),),
    ),
    Table(
        "case_step",
        "local",
        scope=_CASE,
        writer="select, insert, update, delete",
        extra=(withheld("case_step", "case"),),
    ),
    Table(
        "case_seat",
        "local",
        scope=Scope(orgs=("org_id", "county_id"), person="person_id"),
        writer="select, insert, update, delete",
        extra=(withheld("case_seat", "case"),),
    ),
    Table(
        "case_file",
        "local",
        scope=Scope(readers="parties", person="person_id"),
        writer="select, insert, update, delete",
        extra=(withheld("case_file", "case"),),
    ),
    # What was said stays; only who may read it follows the case.
    Table(
        "case_log",
        "local",
        scope=_CASE,
        writer="select, insert, delete",
        extra=(
            'grant update (parties, klasses, person_id) on "case_log" to xueji_writer',
            withheld("case_log", "case"),
        ),
    ),
    Table(
        "placing_request",
        "local",
        scope=Scope(orgs=("school_id", "placed_school_id", "county_id")),
        writer="select, insert, update",
    ),
    Table(
        "opinion_template",
        "local",
        scope=Scope(orgs=("org_id",), user="user_id"),
        writer="select, insert, update, delete",
    ),
    Table("case_lookup", "local", app="", writer="select, insert, delete"),
    Table("case_counter", "local", app="", writer="select, insert, update"),
]
