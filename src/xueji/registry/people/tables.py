"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table, withheld

_READABLE = Scope(readers="readers", klasses="klasses", person="person_id")


def _kept(name: str, *, scope: Scope = _READABLE, extra: tuple[str, ...] = ()) -> Table:
    # Copies that a merge of two records made are taken away by one function alone, when the merge is undone.
    undo = (
        f'grant select, delete on "{name}" to xueji_relink',
        f'create policy by_relink on "{name}" to xueji_relink using (true)',
    )
    return Table(
        name, "person", scope=scope, intake="select, insert, update", search="select", extra=(*undo, *extra)
    )


def _home(name: str) -> Table:
    """A table that tells where a child lives and how to reach its family."""
    guarded = (
        f'create policy guarded on "{name}" as restrictive for select to xueji_app'
        " using (not guarded or xueji_contact_open(person_id))"
    )
    return _kept(name, extra=(withheld(name, "contact"), guarded))


TABLES = [
    _kept("person"),
    _home("person_profile"),
    _kept("person_name"),
    _home("guardian"),
    _kept("identity_document"),
    _kept("student_number"),
    _kept("person_photo"),
    # Updated by nothing but an arbitration that gives a number to whom it belongs (`commands.award_identity`).
    Table(
        "identity_lookup",
        "lookup",
        app="",
        intake="select, insert",
        search="select",
        # For `xueji_release_identity` alone: the numbers of an import that was undone.
        extra=("grant select, delete on identity_lookup to xueji_relink",),
    ),
    Table(
        "number_lookup",
        "lookup",
        app="",
        intake="select, insert",
        search="select",
        extra=("grant select on number_lookup to xueji_relink",),
    ),
    Table("number_counter", "local", app="", intake="select, insert, update"),
    Table("vault_key", "local", writer="select, insert, update", intake="select"),
]
