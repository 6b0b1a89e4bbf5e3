"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_EDIT = "select, insert, update, delete"
TABLES = [
    Table("account_user", "local", writer=_EDIT),
    Table("role_assignment", "local", writer=_EDIT),
    Table("user_session", "local", writer=_EDIT),
    Table("login_failure", "local", writer=_EDIT),
    Table("delegation", "local", scope=Scope(orgs=("org_id",)), writer=_EDIT),
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
