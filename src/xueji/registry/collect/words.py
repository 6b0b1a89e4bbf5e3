"""Words of collecting: scopes, faces on the board, cards of the form, commitments, kinds of notes and papers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: Whom a task is for.
SCOPES = {
    "school": _("全校学生"),
    "grade": _("一个或几个年级"),
    "classes": _("选定的班级"),
    "graduating": _("毕业年级"),
    "entrants": _("新生(起始年级)"),
}
#: A collection for children who came from another school; it is opened from their list.
ARRIVALS = "arrivals"
LEVELS = {"must": _("必填"), "may": _("选填"), "none": _("不采集")}
#: How a form stands, as the board shows it, in its order, with the colour of its badge.
FACES = {
    "unread": (_("未读"), "grey"),
    "opened": (_("已读未填"), "amber"),
    "later": (_("延期"), "purple"),
    "paper": (_("线下"), "purple"),
    "returned": (_("已退回"), "red"),
    "sent": (_("已提交"), "blue"),
    "differs": (_("有差异"), "amber"),
    "checked": (_("班主任已核"), "blue"),
    "done": (_("已确认"), "green"),
    "left": (_("已不在校"), "grey"),
}
#: Who waits for whom: what the family still has to do, and what the teacher has.
TO_FILL = ("unread", "opened", "returned", "paper", "later")
TO_CHECK = ("sent", "differs")
#: The cards of the form, in order, with the groups of the national form that they hold.
CARDS = (
    ("key", _("身份信息"), ()),
    ("basic", _("基本信息"), ("学生个人基础信息", "学籍基本信息", "学生个人辅助信息")),
    ("home", _("户籍与照顾"), ("个人扩展信息",)),
    ("contact", _("住址与联系方式"), ("个人联系信息",)),
    ("family", _("家庭成员"), ("家庭成员一", "家庭成员二")),
    ("way", _("上学路上"), ("交通方式",)),
)
#: What a guardian signs beside the declaration, where the school asks for it (C-COL-26).
COMMITMENTS = {
    "early": (
        _("未到入学年龄入学承诺书"),
        _(
            "本人知悉孩子未满入学年龄, 自愿申请入学, 对孩子适应学习生活的情况承担监护责任; 按规定需要清退时予以配合。"
        ),
    ),
    "guardian": (
        _("监护责任承诺书"),
        _("本人依法履行监护职责, 保证孩子按时接受并完成义务教育, 联系电话变更时当日告知班主任。"),
    ),
    "commute": (
        _("上下学安全承诺书"),
        _("本人负责孩子上下学途中的安全, 不让孩子乘坐非法营运或超载车辆, 不让未满12周岁的孩子骑自行车上路。"),
    ),
}
#: What every form is signed under (如实提供).
DECLARATION = _(
    "我提供的信息真实、准确。需要更正的已经改正, 没有改动的与证件一致。因提供不实信息造成的后果由本人承担。"
)
#: Optional records for the own teachers; the first three may be written by the family in the form (C-COL-21).
NOTES = {
    "interest": _("兴趣爱好"),
    "talent": _("特长"),
    "resume": _("简历(获奖、任职和奖惩)"),
    "self": _("自我评价"),
    "survey": _("家长问卷"),
    "visit": _("家访记录"),
    "observe": _("课堂观察"),
}
FAMILY_NOTES = ("interest", "talent", "resume", "self", "survey")
STAFF_NOTES = ("visit", "observe")
SURVEY = _("家长问卷: 孩子在家的学习和生活, 希望老师多关注什么")
#: Archive categories under which scans and pictures are kept (C-COL-17, C-COL-18).
PAPERS = {
    "household": _("户口簿"),
    "identity": _("身份证件"),
    "house": _("房产证或居住证明"),
    "vaccine": _("预防接种证"),
    "hospital": _("医院证明"),
    "transfer": _("转学表或调令"),
    "form": _("签字的采集核对单"),
    "other": _("其他材料"),
}
ACTIONS = {
    "open": _("发放"),
    "read": _("打开"),
    "send": _("提交并签字"),
    "behalf": _("老师代填"),
    "paper": _("改为线下填写"),
    "online": _("改回手机填写"),
    "scan": _("扫描件存档"),
    "ask_later": _("申请延期"),
    "later": _("同意延期"),
    "remind": _("提醒"),
    "return": _("退回"),
    "check": _("班主任核对"),
    "confirm": _("学校确认生效"),
    "case": _("发起关键信息变更"),
}
SIGNED = {
    "drawn": _("手写签名"),
    "password": _("账号密码确认"),
    "paper": _("纸质签字"),
    "behalf": _("老师代填, 未签字"),
}
GROUND = _("个人信息保护法第十三条第一款第三项; 中小学生学籍管理办法第七条")
