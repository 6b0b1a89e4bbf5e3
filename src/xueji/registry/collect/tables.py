"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

_SCHOOL = Scope(orgs=("school_id",), klass="class_id", person="person_id")


TABLES = [
    # Names nobody: teachers see the tasks of their classes, authorities those below them.
    Table("collect_task", "local", scope=Scope(orgs=("school_id", "county_id"), klasses="class_ids")),
    Table(
        "collect_form",
        "local",
        scope=_SCHOOL,
        extra=(
            # A form holds both, the school and the address.
            withheld("collect_form", "case"),
            # A home that is kept secret is not told to the class teacher through the form either.
            "create policy guarded on collect_form as restrictive for select to xueji_app using"
            " (school_id = any((select xueji_scope_orgs())::int[])"
            " or person_id = any((select xueji_scope_persons())::uuid[]) or not xueji_home_guarded(person_id))",
        ),
    ),
    Table(
        "collect_entry",
        "local",
        scope=_SCHOOL,
        writer="select, insert",
        extra=(withheld("collect_entry", "case"),),
    ),
    # The check of a sheet asks which fields the place collects.
    Table("collect_level", "local", writer="select, insert, update, delete", intake="select"),
    Table("collect_progress", "local", scope=Scope(orgs=("school_id", "county_id"))),
    # For the child's own teachers and the family; neither the office nor an authority reads it.
    Table(
        "pupil_note",
        "local",
        scope=Scope(
            person="person_id",
            condition="exists (select 1 from roster r where r.person_id = pupil_note.person_id"
            " and r.reason <> 'former'"
            " and r.class_id = any((select nullif(current_setting('xueji.classes', true), '')::int[])::int[]))",
        ),
        writer="select, insert, update, delete",
        extra=(withheld("pupil_note", "school"),),
    ),
]
