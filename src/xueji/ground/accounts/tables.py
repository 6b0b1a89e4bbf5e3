"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_EDIT = "select, insert, update, delete"
TABLES = [
    Table("account_user", "local", writer=_EDIT),
    Table("role_assignment", "local", writer=_EDIT),
    Table("user_session", "local", writer=_EDIT),
    Table("login_failure", "local", writer=_EDIT),
    Table("delegation", "local", scope=Scope(orgs=("org_id",)), writer=_EDIT),
    Table("portal_link", "local", scope=Scope(user="user_id"), writer="select, insert, update"),
    Table("permission", "reference", writer="select"),
    Table("permission_change", "reference", writer="select, insert, update"),
]
