"""The built-in promise, the ten rules of the short lesson, and its questions. Data; shown as they stand."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

#: The promise where no unit wrote its own (C-ROL-09; 个人信息保护法 51, 未成年人网络保护条例 36).
UNDERTAKING = _(
    "本人因工作需要使用学籍管理系统, 接触学生及其家庭的个人信息。本人承诺:\n"
    "1. 只为办理本职工作查看和使用学生信息, 不看与工作无关的人的信息。\n"
    "2. 不把账号、密码和验证方式交给他人, 离开座位时退出系统。\n"
    "3. 不抄录、拍照、截屏、转发学生信息, 不在聊天群、网盘、个人邮箱里存放和传递。\n"
    "4. 打印和导出的名册只用于写明的用途, 用完及时归档或销毁。\n"
    "5. 不公布学生的证件号码、住址、电话、健康、家庭经济状况等信息。\n"
    "6. 查看完整号码时如实填写用途, 知道每次查看都有记录。\n"
    "7. 发现信息泄露或被他人查看, 立即报告单位负责人。\n"
    "8. 调离岗位时按规定移交, 不留存任何学生信息; 离岗后继续保密。\n"
    "本人知道违反承诺要承担相应的纪律和法律责任。"
)

#: What everybody who sees pupils' data has to know.
RULES = (
    _("学生信息只为本职工作查看。好奇、帮人打听, 都不是工作。"),
    _("不满14周岁学生的个人信息都是敏感个人信息, 按最严的要求保管。"),
    _("号码、电话、住址平时显示为掩码; 确需查看全文时填写真实用途, 系统会记下是谁、何时、为什么看。"),
    _("账号只供本人使用。外出请假用“代办”, 调离岗位用“移交”, 不把密码告诉同事。"),
    _("不用聊天软件、网盘、个人邮箱传名册。需要报送时在系统内办理, 或按单位规定的渠道。"),
    _("打印件和导出文件写明用途和经手人, 用完归档或销毁, 不随手放在桌上。"),
    _("对外公示只写必要的内容, 不出现证件号码、住址、电话、健康和困难情况。"),
    _("家长和学生来查询、更正、复制时, 先看有效证件, 核对无误再办理, 并记下核验情况。"),
    _("修改学籍信息要有校长授权, 关键信息要按业务办理; 不替人“先改再补手续”。"),
    _("发现泄露、误发、丢失或可疑登录, 马上报告单位负责人和安全管理员, 不自行删改记录。"),
)


@dataclass(frozen=True)
class Question:
    """One question of the lesson; `right` is the place of the right answer."""

    key: str
    words: object
    answers: tuple[object, ...]
    right: int


QUESTIONS = (
    Question(
        "q1",
        _("朋友想知道邻居家孩子在哪个学校, 您能在系统里查了告诉他吗?"),
        (_("可以, 学校不是秘密"), _("不可以, 与工作无关的查看是违规的"), _("可以, 只要不说证件号码")),
        1,
    ),
    Question(
        "q2",
        _("出差期间有一件业务要办, 应当怎么做?"),
        (_("把密码告诉同事"), _("请同事用自己的账号代看后转告"), _("设置“代办”, 由同事用自己的账号办理")),
        2,
    ),
    Question(
        "q3",
        _("哪些学生的个人信息整体属于敏感个人信息?"),
        (_("不满14周岁的学生"), _("只有残疾学生"), _("只有受资助的学生")),
        0,
    ),
    Question(
        "q4",
        _("家长打电话要求把孩子的学籍材料发到微信, 应当怎么做?"),
        (_("核对姓名后发送"), _("请家长持有效证件来办理, 核验后按规定提供"), _("发到班级群里方便大家")),
        1,
    ),
    Question(
        "q5",
        _("发现一份名册被误发到群里, 第一步做什么?"),
        (_("立即报告单位负责人和安全管理员"), _("等等看有没有人发现"), _("删除系统里的记录")),
        0,
    ),
)

LESSON_TOPIC = _("学生信息保密: 十条规定")
LESSON_HOURS = "0.5"

#: Kinds of fields that an authorisation can name, and what the one-click routine authorisation covers.
KINDS = {
    "basic": _("基本信息"),
    "contact": _("联系信息"),
    "extended": _("扩展信息"),
    "family": _("家长和监护人"),
    "photo": _("照片"),
}
ROUTINE = ("contact", "extended", "family", "photo")

#: Papers by which somebody shows who he is (C-ROL-10).
PAPERS = {
    "id_card": _("居民身份证"),
    "household": _("居民户口簿"),
    "passport": _("护照"),
    "permit": _("港澳台居民通行证或居住证"),
    "foreigner": _("外国人永久居留身份证"),
    "court": _("法院文书或监护证明"),
    "proxy": _("委托书和受托人证件"),
    "student": _("学生证或毕业证书"),
}
SUBJECTS = {
    "guardian": _("父母或其他监护人"),
    "self": _("学生本人"),
    "other": _("受托人或其他有关人员"),
}
