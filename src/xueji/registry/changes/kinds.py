"""Words of cases that do not depend on their kind: deeds, and opinions offered as templates."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .business import KINDS, Kind, label_of

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
    "auto_refuse": _("满额自动拒绝, 转统筹安排"),
    "placing_placed": _("统筹安排学校"),
    "placing_none": _("统筹安排: 暂无学位"),
    "placing_dropped": _("取消统筹安排"),
    "placing_taken": _("按统筹安排发起"),
    "wait": _("转为等待"),
    "wake": _("自动继续"),
    "apply": _("生效"),
    "approve": _("批准, 到期自动生效"),
    "stop": _("终止"),
    "print": _("打印办理单"),
    "expiring": _("到期提醒"),
    "follow": _("跟进"),
    "received": _("对方已接收"),
    "file_handed": _("移交纸质档案"),
    "file_received": _("收到纸质档案"),
    "file_struck": _("登记册注销原学籍号"),
    "results": _("随附学业成绩证明"),
    "backfill": _("系统故障后补录"),
    "take_back": _("收回意见"),
    "ask": _("请求会签"),
    "agree": _("会签同意"),
    "disagree": _("会签不同意"),
    "file": _("备案"),
    "remind": _("到期提醒"),
    "press": _("超期督办"),
    "shift": _("期限顺延"),
    "force_pass": _("督办: 代为通过"),
    "force_stop": _("督办: 终止"),
    "force_return": _("督办: 退回"),
    "reassign": _("督办: 改派"),
}

#: Opinions offered as templates, by decision.
TEMPLATES = {
    "pass": (_("材料齐全, 同意"), _("情况属实, 同意办理")),
    "return": (_("材料照片不清楚, 请重新上传"), _("信息与材料不一致, 请核对")),
    "refuse": (_("不符合规定的办理条件"), _("材料与事实不符")),
}

__all__ = ["ACTIONS", "KINDS", "TEMPLATES", "Kind", "label_of"]
