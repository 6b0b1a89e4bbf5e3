"""Rights on the tables of this room."""

from xueji.ground.db.guards import Scope, Table

_OWN = Scope(orgs=("county_id", "school_id"))
_CLASS = Scope(orgs=("county_id", "school_id"), klass="class_id")
_ALL = "select, insert, update, delete"
_KEPT = "select, insert"

TABLES = [
    Table("submission_round", "reference"),
    Table("submission", "local", scope=_OWN),
    Table("submission_step", "local", scope=_OWN, writer=_ALL),
    Table("submission_signature", "local", scope=_OWN, writer=_KEPT),
    Table("submission_log", "local", scope=_OWN, writer=_KEPT),
    Table("submission_child", "local", scope=_OWN, writer=_ALL, intake="select"),
    Table("submission_proof", "local", scope=_OWN, writer=_ALL),
    Table("class_check", "local", scope=_CLASS, writer=_ALL),
    Table("class_check_line", "local", scope=_CLASS, writer=_ALL),
    Table("term_review", "local", scope=_OWN),
    Table("submission_package", "local", scope=Scope(orgs=("org_id", "county_id"))),
    Table("inspection_result", "local", scope=_OWN, writer=_ALL),
]
