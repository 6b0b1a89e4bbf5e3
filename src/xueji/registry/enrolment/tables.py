"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

_ROW = Scope(orgs=("county_id", "school_id"), klass="class_id", person="person_id")
_RELINK = tuple(
    f'grant select, insert, update, delete on "{t}" to xueji_relink'
    for t in ("enrolment_state", "enrolment_superseded")
)

TABLES = [
    Table("transition", "reference", writer="select", intake="select"),
    Table(
        "enrolment_state",
        "person",
        scope=_ROW,
        writer="select, insert, update",
        intake="select, insert",
        search="select",
        extra=(
            _RELINK[0],
            "create policy by_relink on enrolment_state to xueji_relink using (true) with check (true)",
            withheld("enrolment_state", "school"),
        ),
    ),
    Table(
        "enrolment_superseded",
        "person",
        scope=_ROW,
        writer="select",
        extra=(
            _RELINK[1],
            "create policy by_relink on enrolment_superseded to xueji_relink using (true) with check (true)",
            withheld("enrolment_superseded", "school"),
        ),
    ),
    Table(
        "event",
        "person",
        scope=_ROW,
        writer="select, insert",
        intake="select, insert",
        search="select",
        extra=(
            "grant select on event to xueji_relink",
            "create policy by_relink on event for select to xueji_relink using (true)",
            withheld("event", "school"),
        ),
    ),
    Table(
        "roster",
        "county",
        scope=_ROW,
        writer="select, insert, update, delete",
        intake="select, insert, update",
        search="select",
        extra=(withheld("roster", "school"),),
    ),
    Table(
        "cube_delta",
        "county",
        scope=Scope(orgs=("county_id", "school_id")),
        writer="select, insert, update, delete",
        intake="select, insert, update",
    ),
    Table("class_serial", "local", scope=Scope(orgs=("county_id", "school_id"), klass="class_id")),
    Table("pending_link", "person", app="", writer="select, insert, update, delete"),
]
