"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

TABLES = [
    Table(
        "invitation",
        "local",
        scope=Scope(orgs=("school_id",), klass="class_id"),
        writer="select, insert, update, delete",
    ),
    # The authority sees a request from the day on which the family appeals to it, not before.
    Table(
        "family_request",
        "local",
        scope=Scope(orgs=("school_id", "appeal_org_id"), person="person_id"),
        writer="select, insert, update, delete",
        extra=(
            # What a pupil of fourteen or more asked for himself, the parents are not told; whoever is kept from the
            # school or the address still reads what he asked himself, and nobody else of the family reads what he
            # asked of the authority.
            "create policy own_matter on family_request as restrictive for select to xueji_app using"
            " (asked_by = (select xueji_scope_user()) or (not private and not direct and"
            " (person_id = any((select xueji_no_case())::uuid[])) is not true)"
            " or school_id = any((select xueji_scope_orgs())::int[])"
            " or appeal_org_id = any((select xueji_scope_orgs())::int[]))",
        ),
    ),
    # Courts' orders and answers about consent follow the child from school to school: commands and queries read them
    # in the writing role after they have asked whether the actor sees the child; the login role has no right to them.
    Table(
        "guardianship",
        "local",
        app="",
        writer="select, insert",
        extra=(
            "grant update (decision, decided_by, decided_name, decided_at, decided_words)"
            " on guardianship to xueji_writer",
            # Two records of one child become one: only whose it is changes.
            "grant update (person_id, guardian_no) on guardianship to xueji_writer",
        ),
    ),
    Table(
        "consent",
        "local",
        app="",
        writer="select, insert",
        extra=("grant update (person_id, guardian_no) on consent to xueji_writer",),
    ),
]
