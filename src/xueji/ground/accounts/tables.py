"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

#: Oneself, colleagues of the units in scope, and whoever belongs to the unit whose accounts one manages.
_ACCOUNT = (
    "id = (select xueji_scope_user()) or id = any((select xueji_scope_peers())::bigint[])"
    " or ((select xueji_scope_unit()) is not null and (home_org_id in"
    " (select o.id from org o where o.path like (select xueji_scope_unit()) || '%')"
    " or (home_org_id is null and (select xueji_scope_unit()) ~ '^/[0-9]+/$')))"
)
_ASSIGNMENT = (
    "user_id = (select xueji_scope_user()) or org_id = any((select xueji_scope_orgs())::int[])"
    " or exists (select 1 from account_user u where u.id = user_id)"
)
_MANAGED = (
    "(select xueji_scope_unit()) is not null and org_id in"
    " (select o.id from org o where o.path like (select xueji_scope_unit()) || '%')"
)
_EDIT = "select, insert, update, delete"
TABLES = [
    Table("account_user", "local", scope=Scope(condition=_ACCOUNT), writer=_EDIT),
    Table("role_assignment", "local", scope=Scope(condition=_ASSIGNMENT), writer=_EDIT),
    Table("user_session", "local", scope=Scope(user="user_id"), writer=_EDIT),
    Table("login_failure", "local", app="", writer=_EDIT),
    Table("delegation", "local", scope=Scope(orgs=("org_id",), condition=_MANAGED), writer=_EDIT),
    Table("account_factor", "local", scope=Scope(user="user_id"), writer=_EDIT),
    Table("recovery_code", "local", scope=Scope(user="user_id"), writer=_EDIT),
    Table("factor_guard", "local", scope=Scope(user="user_id"), writer=_EDIT),
    Table("factor_rule", "local", writer=_EDIT),
    Table("former_password", "local", app="", writer=_EDIT),
    Table("sso_identity", "local", scope=Scope(user="user_id"), writer=_EDIT),
    Table("sign_in_log", "local", scope=Scope(user="user_id"), writer=_EDIT),
    Table("portal_link", "local", scope=Scope(user="user_id"), writer="select, insert, update"),
    Table("permission", "reference", writer="select"),
    Table("permission_change", "reference", writer="select, insert, update"),
]
