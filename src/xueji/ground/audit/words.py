"""Chinese words for every deed of the audit. A new action needs a line here; a test fails on one without words.

An action is `room.verb` (or longer): exact words stand in `ACTIONS`; else the words are made of the room's and the
verb's. Where a room uses a verb in a sense of its own, it has its exact line.
"""

from __future__ import annotations

from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

ROOMS: dict[str, Promise] = {
    "accounts": _("账号"),
    "audit": _("日志"),
    "case": _("业务"),
    "certificate": _("证明"),
    "certificates": _("证明与打印"),
    "changes": _("学籍业务"),
    "completion": _("毕业证明"),
    "demo": _("演示"),
    "destinations": _("毕业去向"),
    "dropout": _("控辍保学"),
    "duty": _("岗位职责"),
    "emergency": _("紧急查看"),
    "enrolment": _("学籍"),
    "exam_list": _("考试名册"),
    "family": _("家庭"),
    "files": _("文件"),
    "form": _("登记表"),
    "charge": _("工作交接"),
    "exports": _("完整信息导出"),
    "handover": _("工作交接"),
    "home": _("首页和名单"),
    "photos": _("照片"),
    "portal": _("家长学生页"),
    "sso": _("统一登录"),
    "intake": _("导入"),
    "keys": _("密钥"),
    "ledger": _("台账"),
    "limits": _("限额"),
    "orgs": _("单位"),
    "people": _("学生信息"),
    "permission": _("权限"),
    "policy": _("规则"),
    "privacy": _("个人信息保护"),
    "problems": _("问题学籍"),
    "register": _("花名册"),
    "relay": _("跨系统转学"),
    "roster": _("班级名册"),
    "statistics": _("统计"),
    "student": _("学生名单"),
    "yearly": _("升级毕业"),
}

VERBS: dict[str, Promise] = {
    "accept": _("接受"),
    "add": _("新增"),
    "agree": _("会签同意"),
    "allow": _("准许"),
    "announce": _("公布"),
    "answer": _("答复"),
    "appeal": _("申诉"),
    "apply": _("生效"),
    "approve": _("批准"),
    "arbitrate": _("裁决"),
    "ask": _("请求"),
    "attach": _("上传材料"),
    "award": _("判定归属"),
    "backfill": _("补录"),
    "cancel": _("撤销申请"),
    "change": _("修改"),
    "check": _("核对"),
    "claim": _("申请接收"),
    "close": _("结束"),
    "confirm": _("确认"),
    "create": _("新建"),
    "decline": _("谢绝"),
    "delete_draft": _("删除草稿"),
    "detach": _("删除材料"),
    "disagree": _("会签不同意"),
    "discard": _("放弃"),
    "dispute": _("提出异议"),
    "done": _("办结"),
    "call": _("联系"),
    "download": _("下载"),
    "refused": _("打开被拒绝"),
    "seal": _("盖章"),
    "lift": _("解除"),
    "remove": _("移除"),
    "unlink": _("解除关联"),
    "drop": _("删除"),
    "edit": _("修改"),
    "end": _("结束"),
    "expiring": _("到期提醒"),
    "export": _("导出"),
    "fail": _("未能完成"),
    "file": _("备案"),
    "file_handed": _("移交纸质档案"),
    "file_received": _("收到纸质档案"),
    "find": _("查找"),
    "follow": _("跟进"),
    "force_pass": _("督办: 代为通过"),
    "force_return": _("督办: 退回"),
    "force_stop": _("督办: 终止"),
    "found": _("查到学生"),
    "give": _("给予"),
    "give_up": _("放弃"),
    "grant": _("授予"),
    "import": _("导入"),
    "issue": _("开具"),
    "keep": _("保存"),
    "list": _("打开名单"),
    "lookup": _("按号码查找"),
    "open": _("打开"),
    "pass": _("核办通过"),
    "place": _("分配"),
    "prepare": _("移交档案"),
    "press": _("超期督办"),
    "print": _("打印"),
    "publish": _("发布"),
    "ready": _("收到档案"),
    "reassign": _("督办: 改派"),
    "received": _("对方已接收"),
    "refuse": _("不同意"),
    "remind": _("到期提醒"),
    "report": _("报告"),
    "request": _("转到对方办理"),
    "resubmit": _("重新提交"),
    "retry": _("重新发送"),
    "return": _("退回修改"),
    "revoke": _("收回"),
    "rule": _("修改规定"),
    "save": _("保存"),
    "say": _("说明情况"),
    "search": _("搜索"),
    "set": _("设置"),
    "shift": _("期限顺延"),
    "sign": _("签署"),
    "stage": _("提交新版本"),
    "start": _("发起"),
    "stop": _("终止"),
    "store": _("上传"),
    "submit": _("提交"),
    "take_back": _("收回意见"),
    "text": _("修改文本"),
    "train": _("登记培训"),
    "unknown": _("没有查到"),
    "upload": _("上传"),
    "urge": _("催办"),
    "verify": _("核验"),
    "view": _("查看"),
    "wait": _("转为等待"),
    "wake": _("自动继续"),
    "withdraw": _("撤回"),
}

#: Deeds whose words are not just room and verb.
ACTIONS: dict[str, Promise] = {
    "privacy.officer": _("指定个人信息保护负责人"),
    "privacy.hold": _("暂停销毁"),
    "privacy.hold.lift": _("恢复按期销毁"),
    "privacy.disposal.propose": _("提出销毁"),
    "privacy.disposal.approve": _("批准销毁"),
    "privacy.disposal.refuse": _("不批准销毁"),
    "privacy.disposal.done": _("销毁完成"),
    "privacy.disposal.print": _("打印销毁证明"),
    "privacy.paper.draft": _("起草影响评估或年度审计"),
    "privacy.paper.write": _("修改影响评估或年度审计"),
    "privacy.paper.sign": _("签署影响评估或年度审计"),
    "privacy.paper.submit": _("报送年度审计"),
    "privacy.paper.receive": _("接收年度审计"),
    "privacy.paper.print": _("打印影响评估或年度审计"),
    "privacy.incident.report": _("报告安全事件"),
    "privacy.incident.close": _("办结安全事件"),
    "privacy.incident.people": _("列出安全事件涉及的学生"),
    "privacy.incident.people.remove": _("从安全事件名单中去掉"),
    "privacy.incident.notice.write": _("填写安全事件告知"),
    "privacy.incident.notice.send": _("发出安全事件告知"),
    "privacy.incident.notice.print": _("打印安全事件告知书"),
    "privacy.incident.notice.speak": _("当面或电话告知安全事件"),
    "privacy.incident.view": _("查看安全事件"),
    "privacy.incident.step.contain": _("安全事件: 立即处置"),
    "privacy.incident.step.scope": _("安全事件: 查清范围"),
    "privacy.incident.step.authority": _("安全事件: 报告主管部门"),
    "privacy.incident.step.tell": _("安全事件: 逐一告知"),
    "privacy.incident.step.measure": _("安全事件: 补救措施"),
    "privacy.incident.step.review": _("安全事件: 复盘"),
    "privacy.incident.step.duty": _("安全事件: 追责"),
    "privacy.complaint.report": _("收到举报"),
    "privacy.complaint.view": _("打开举报"),
    "privacy.complaint.handle": _("调查举报"),
    "privacy.complaint.answer": _("答复举报"),
    "privacy.share.register": _("登记对外提供"),
    "privacy.share.refuse": _("拒绝对外提供"),
    "privacy.share.transfer": _("对外提供信息"),
    "privacy.share.export": _("按登记导出名单"),
    "privacy.share.end": _("结束对外提供"),
    "privacy.check.run": _("系统安全自查"),
    "privacy.check.enter": _("登记安全检查"),
    "privacy.check.settle": _("登记安全整改"),
    "accounts.permission.change": _("调整权限"),
    "accounts.permission.agree": _("复核放宽的权限"),
    "accounts.permission.end": _("结束权限调整"),
    "accounts.delegation.end": _("结束代办授权"),
    "accounts.delegation.set": _("授权他人代办"),
    "accounts.disable": _("停用账号"),
    "accounts.enable": _("启用账号"),
    "accounts.factor.add": _("登记第二重验证"),
    "accounts.factor.codes": _("换一批备用码"),
    "accounts.factor.prove": _("通过第二重验证"),
    "accounts.factor.refused": _("第二重验证失败"),
    "accounts.factor.remove": _("删除第二重验证"),
    "accounts.factor.reset": _("重置他人的第二重验证"),
    "accounts.factor.rule": _("设置哪些身份须有第二重验证"),
    "accounts.link_child": _("关联孩子"),
    "accounts.locked": _("账号锁定"),
    "accounts.password.change": _("修改密码"),
    "accounts.password.reset": _("重置密码"),
    "accounts.rest": _("久未登录, 自动停用账号"),
    "accounts.role.end": _("收回角色"),
    "accounts.role.grant": _("授予角色"),
    "accounts.session.end": _("结束会话"),
    "accounts.sign_in": _("登录"),
    "accounts.sign_in.refused": _("登录失败"),
    "accounts.sign_out": _("退出登录"),
    "accounts.sso.bind": _("绑定统一身份认证"),
    "accounts.sso.unbind": _("解除统一身份认证绑定"),
    "accounts.unlock": _("解锁账号"),
    "audit.anchor": _("开出日志锚点"),
    "audit.archive": _("日志归档"),
    "audit.archive.drop": _("移出已归档的日志"),
    "audit.export": _("导出日志"),
    "audit.find": _("按姓名或号码取学生代号"),
    "audit.print": _("打印日志锚点"),
    "audit.review": _("核查异常查看"),
    "audit.search": _("查询日志"),
    "audit.verify": _("校验日志完整性"),
    "audit.view": _("查看日志条目"),
    "case.changed_fields": _("查看业务改动的字段"),
    "case.start": _("发起业务"),
    "certificate.lookup": _("查验证明"),
    "changes.find": _("查找要办理业务的学生"),
    "changes.guests.export": _("导出借读生名册"),
    "changes.lookup": _("按号码查找他校学生"),
    "changes.list": _("打开业务清单"),
    "changes.print": _("打印办理单"),
    "changes.search": _("搜索业务"),
    "changes.template.drop": _("删除意见模板"),
    "changes.template.keep": _("保存意见模板"),
    "changes.view": _("查看业务"),
    "demo.build": _("装入演示数据"),
    "dropout.term_report": _("控辍保学学期报告"),
    "dropout.notice": _("发出劝返通知"),
    "duty.authorise.ask": _("申请校长授权"),
    "duty.authorise.end": _("结束校长授权"),
    "duty.authorise.grant": _("校长授权修改学籍信息"),
    "duty.authorise.refuse": _("不同意授权修改"),
    "duty.print": _("打印保密承诺书"),
    "duty.rule": _("设置哪些身份须签署保密承诺"),
    "duty.sign": _("签署保密承诺书"),
    "duty.text": _("更新保密承诺书内容"),
    "duty.train": _("登记保密培训"),
    "duty.verify": _("核验来人证件"),
    "emergency.acknowledge": _("知悉紧急查阅"),
    "emergency.end": _("结束紧急查阅"),
    "emergency.look": _("紧急查阅学生"),
    "emergency.missed": _("紧急查阅没有结果"),
    "emergency.object": _("对紧急查阅提出异议"),
    "emergency.open": _("打开紧急查阅"),
    "enrolment.birthday": _("满岁提醒"),
    "enrolment.class": _("打开班级名单"),
    "enrolment.list": _("打开学生名册"),
    "enrolment.photo": _("查看照片"),
    "enrolment.search": _("搜索学生"),
    "family.end": _("解除家长关联"),
    "family.collection.print": _("打印空白采集表"),
    "family.consent": _("同意或撤回同意"),
    "family.guardianship.decide": _("确认监护与查阅限制"),
    "family.guardianship.lift": _("登记解除查阅限制"),
    "family.guardianship.put": _("登记监护与查阅限制"),
    "family.invite": _("发放家长邀请码"),
    "people.copy": _("读出完整信息制作副本"),
    "portal.copy": _("制作数据副本"),
    "portal.data": _("查看我的数据"),
    "family.join": _("家长加入"),
    "family.recover": _("用邀请码找回密码"),
    "family.reset": _("学校重置家长学生密码"),
    "family.join.refused": _("家长加入失败"),
    "files.open": _("打开文件"),
    "notice.read": _("阅读隐私政策"),
    "photos.bring": _("批量上传照片"),
    "handover.confirm": _("确认接收移交"),
    "handover.print": _("打印移交清单"),
    "handover.write": _("办理工作移交"),
    "intake.correct": _("回传改正表"),
    "intake.edit_row": _("修改导入行"),
    "intake.error_book": _("下载错误表"),
    "intake.fix_alike": _("一次改多行"),
    "intake.match_columns": _("指出表格的列"),
    "intake.open_row": _("查看导入行"),
    "intake.original": _("下载导入原文件"),
    "intake.undo": _("撤销导入"),
    "intake.update": _("按表格补全信息"),
    "intake.update_book": _("下载补全表"),
    "orgs.class.close": _("撤销班级"),
    "orgs.class.create": _("新建班级"),
    "orgs.school.create": _("新建学校"),
    "people.birth_sex.change": _("修改出生日期或性别"),
    "people.guardian.set": _("修改监护人"),
    "people.identity.award": _("判定证件号归属"),
    "people.identity.change": _("修改证件"),
    "people.identity.check": _("登记身份核验结果"),
    "people.identity.duplicate": _("查询证件号占用"),
    "people.identity.reveal": _("显示隐藏内容"),
    "people.name.change": _("修改姓名"),
    "people.number.add": _("登记号码"),
    "people.number.issue": _("赋学籍号"),
    "people.number.promote": _("转为正式学籍号"),
    "people.number.void": _("作废号码"),
    "people.photo.set": _("更换照片"),
    "people.profile.change": _("变更学生信息"),
    "people.profile.set": _("修改学生信息"),
    "people.view": _("查看学生"),
    "relay.detach": _("删除转学材料"),
    "relay.keys": _("更换连接密钥"),
    "relay.lookup": _("他系统查询学生"),
    "relay.own": _("设置本系统名片"),
    "relay.peer.add": _("连接其他系统"),
    "relay.peer.change": _("修改连接"),
    "relay.peer.keys": _("对方更换密钥"),
    "statistics.monthly.submit": _("报送变动月报"),
    "student.export": _("导出学生名单"),
    "export.ask": _("申请导出完整信息"),
    "export.end": _("收回完整信息导出申请"),
    "export.grant": _("批准导出完整信息"),
    "export.refuse": _("不批准导出完整信息"),
    "limits.reached": _("操作次数达到上限"),
    "people.release": _("导出完整号码"),
    "yearly.promotion": _("确认升级"),
}

#: Business steps of the record: `enrolment.<business>`; what is not here is called by its business.
_BUSINESS: dict[str, Promise] = {
    "admit": _("新生入学"),
    "arrival": _("到校"),
    "borrow": _("借读"),
    "class_change": _("调班"),
    "correct": _("更正"),
    "death": _("死亡注销"),
    "dropout": _("失学"),
    "expel": _("开除"),
    "finish": _("结业"),
    "go_abroad": _("出国"),
    "graduate": _("毕业"),
    "intake": _("建籍"),
    "leave": _("请长假"),
    "move": _("批量变动"),
    "problem": _("问题学籍"),
    "promote": _("升级"),
    "repeat": _("重读"),
    "return": _("复学"),
    "skip": _("跳级"),
    "suspend": _("休学"),
    "transfer": _("转学"),
    "transfer_in": _("转入"),
    "transfer_out": _("转出"),
    "undo": _("撤销"),
    "withdraw": _("退学"),
}

#: What kind of deed it is, by the last word; used by filters, by families, by the watch.
KINDS: dict[str, Promise] = {
    "look": _("查看"),
    "search": _("搜索和名单"),
    "reveal": _("显示隐藏内容"),
    "print": _("打印"),
    "export": _("导出和下载"),
    "change": _("修改"),
    "decide": _("核办"),
    "sign": _("登录"),
    "rights": _("账号和权限"),
    "refused": _("被拒绝"),
    "other": _("其他"),
}
_KIND_BY_VERB = {
    "look": {"view", "look", "open_row", "photo", "changed_fields"},
    "search": {"search", "find", "lookup", "list", "class", "duplicate"},
    "reveal": {"reveal"},
    "print": {"print"},
    "export": {"export", "error_book", "open", "copy", "download", "original", "update_book"},
    "decide": {
        "pass",
        "refuse",
        "return",
        "approve",
        "agree",
        "disagree",
        "force_pass",
        "force_stop",
        "force_return",
    },
    "sign": {"sign_in", "sign_out", "locked"},
    "refused": {"refused", "reached", "denied"},
}
_KIND = {verb: kind for kind, verbs in _KIND_BY_VERB.items() for verb in verbs}


def known(code: str) -> bool:
    """Whether an action has words."""
    room, _dot, rest = code.partition(".")
    verb = code.rpartition(".")[2]
    if code in ACTIONS:
        return True
    if room == "enrolment":
        return bool(rest)
    return room in ROOMS and verb in VERBS


@cache
def _exact(code: str) -> Promise | str:
    return ACTIONS.get(code, "")


def action(code: str) -> str:
    """The words of an action."""
    if exact := _exact(code):
        return str(exact)
    room, _dot, rest = code.partition(".")
    verb = code.rpartition(".")[2]
    if room == "enrolment":
        business = rest.rpartition(".")[2]
        return _now("学籍变动: %(what)s") % {"what": _BUSINESS.get(business) or business_words(business)}
    return f"{ROOMS.get(room, room)}: {VERBS.get(verb, verb)}"


def business_words(code: str) -> str:
    """A business as the national pack names it; its code where the pack does not know it."""
    from xueji.ground.accounts.actor import today
    from xueji.ground.policy.library import library

    try:
        return str(library().resolve(("cn",), today()).business(code).label) or code
    except (KeyError, LookupError):
        return code


def kind(code: str) -> str:
    """What kind of deed it is: a key of `KINDS`."""
    verb = code.rpartition(".")[2]
    if verb in _KIND:
        return _KIND[verb]
    if code.startswith(("accounts.", "permission.", "duty.", "emergency.")):
        return "rights"
    return "change"


def role(code: str) -> str:
    """The words of a role; `system` and what is no role any more keep their own."""
    from xueji.ground.accounts.roles import Role

    if code in Role.values:
        return str(Role(code).label)
    return {"system": _now("系统"), "": ""}.get(code, code)


_THINGS: dict[str, Promise] = {
    "account": _("账号"),
    "address": _("页面"),
    "admission": _("升学接收"),
    "archive": _("归档"),
    "batch": _("导入批次"),
    "case": _("业务"),
    "certificate": _("证明"),
    "class": _("班级"),
    "enrolment": _("学籍"),
    "entry": _("日志条目"),
    "family_request": _("家长申请"),
    "file": _("文件"),
    "finding": _("异常查看"),
    "graduation_list": _("毕业名册"),
    "guardian": _("监护人"),
    "org": _("单位"),
    "page": _("页面"),
    "person": _("学生"),
    "register": _("花名册"),
    "relay_case": _("跨系统转学"),
    "search": _("搜索"),
    "seal": _("封条"),
    "session": _("会话"),
    "user": _("账号"),
}


def thing(object_type: str) -> str:
    """The words of what a deed was done to; its code where there are none."""
    return str(_THINGS.get(object_type, object_type))
