"""The kinds of cases that can be started here, in the words of those who start them. What they demand is policy."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from xueji.ground.policy.statuses import Status


@dataclass(frozen=True)
class Kind:
    """One business: `task` is the plain question a registrar asks, `parent` the words for the family."""

    id: str
    label: Promise
    task: Promise
    hint: Promise
    parent: Promise
    icon: str
    from_statuses: frozenset[Status]
    fields: tuple[str, ...]


_STUDYING = frozenset({Status.STUDYING})
_OPEN = frozenset(s for s in Status if s.is_open)

KINDS: dict[str, Kind] = {
    k.id: k
    for k in (
        Kind(
            "transfer",
            _("转学"),
            _("转到我校"),
            _("凭姓名和学籍号(或证件号)调取对方学校的学籍"),
            _("转学"),
            "arrows-exchange",
            frozenset({Status.STUDYING, Status.ABROAD, Status.AWAY, Status.WITHDRAWN, Status.EXPELLED}),
            ("reason", "reason_note", "to_class_id", "effective_on"),
        ),
        Kind(
            "suspend",
            _("休学"),
            _("暂时不上学(休学)"),
            _("因病或其他原因停止上学一段时间, 学籍保留"),
            _("休学"),
            "player-pause",
            _STUDYING,
            ("reason", "reason_note", "start", "end"),
        ),
        Kind(
            "resume",
            _("复学"),
            _("回来上学(复学)"),
            _("休学后回到学校, 编入合适的班级"),
            _("复学"),
            "door-enter",
            frozenset({Status.SUSPENDED}),
            ("reason", "to_class_id", "resume_on"),
        ),
        Kind(
            "correct_key",
            _("关键信息变更"),
            _("改姓名、证件号、性别或出生日期"),
            _("要有户口簿等证明, 由主管部门核准"),
            _("信息变更"),
            "edit",
            _OPEN,
            ("new_name", "new_id_type", "new_number", "new_sex", "new_birth_date", "reason"),
        ),
    )
}

REASONS: dict[str, tuple[Promise | str, ...]] = {
    "transfer": (_("家庭住址变动"), _("监护人工作调动"), _("随监护人迁移户口"), _("其他")),
    "suspend": ("因病", "因事", "其他"),
    "resume": ("因病", "因事", "其他"),
}

#: Words of the log and of stale pages: what somebody did.
ACTIONS: dict[str, Promise] = {
    "start": _("建立草稿"),
    "submit": _("提交"),
    "resubmit": _("重新提交"),
    "pass": _("核办通过"),
    "refuse": _("核办不通过"),
    "return": _("退回修改"),
    "withdraw": _("撤回"),
    "cancel": _("撤销申请"),
    "urge": _("催办"),
    "wait": _("转为等待"),
    "wake": _("自动继续"),
    "apply": _("生效"),
    "approve": _("批准, 到期自动生效"),
    "stop": _("终止"),
    "print": _("打印办理单"),
}

#: Opinions offered as templates, by decision.
TEMPLATES = {
    "pass": (_("材料齐全, 同意"), _("情况属实, 同意办理")),
    "return": (_("材料照片不清楚, 请重新上传"), _("信息与材料不一致, 请核对")),
    "refuse": (_("不符合规定的办理条件"), _("材料与事实不符")),
}


def label_of(business: str) -> str:
    """Chinese name of a kind of case."""
    kind = KINDS.get(business)
    return str(kind.label) if kind else business
