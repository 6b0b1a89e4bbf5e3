"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

TABLES = [
    # Those who have the child now, its class or its school, read the whole book; authorities read none of it.
    Table(
        "term_line",
        "local",
        scope=Scope(
            person="person_id",
            condition="exists (select 1 from roster r where r.person_id = term_line.person_id"
            " and r.reason <> 'former'"
            " and (r.class_id = any((select nullif(current_setting('xueji.classes', true), '')::int[])::int[])"
            " or r.school_id = any((select nullif(current_setting('xueji.orgs', true), '')::int[])::int[])))",
        ),
        extra=(withheld("term_line", "school"),),
    ),
]
