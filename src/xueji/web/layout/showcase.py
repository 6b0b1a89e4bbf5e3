"""The page /_face/ (DEBUG only): every component in every state, with invented people."""

from __future__ import annotations

from typing import Any

from django import forms as dj
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from xueji.web.layout import statuses
from xueji.web.layout.forms import PlainWords


class SampleForm(PlainWords, dj.Form):
    """One field of every kind."""

    name = dj.CharField(
        label=_("姓名"),
        max_length=50,
        help_text=_("与户口簿一致"),
        widget=dj.TextInput(attrs={"data-person-name": ""}),
    )
    id_number = dj.CharField(
        label=_("居民身份证号"),
        max_length=18,
        widget=dj.TextInput(attrs={"data-id-number": "", "inputmode": "text"}),
    )
    born = dj.DateField(label=_("出生日期"), help_text=_("可写 20190901 或 2019-9-1"))
    grade = dj.ChoiceField(
        label=_("年级"), choices=[("", _("请选择")), ("11", _("一年级")), ("12", _("二年级"))]
    )
    mode = dj.ChoiceField(
        label=_("就读方式"),
        choices=[("1", _("走读")), ("2", _("住校"))],
        widget=dj.RadioSelect,
        required=False,
    )
    reason = dj.CharField(label=_("理由"), widget=dj.Textarea(attrs={"rows": 3}), required=False)
    agree = dj.BooleanField(label=_("已告知监护人收集这些信息的用途"))


def _nav() -> list[dict[str, Any]]:
    rows: list[tuple[str, str, list[str]]] = [
        ("工作台", "home", []),
        ("学生", "users", ["学生名册", "照片", "数据问题"]),
        ("新生入学", "user-plus", ["采集任务", "导入与建籍", "分班"]),
        ("学籍业务", "arrows-exchange", ["全部业务", "转入", "转出", "休学", "复学", "信息变更"]),
        ("班级年级", "sitemap", ["年级", "班级", "调班"]),
        ("毕业升学", "school", ["毕业准备清单", "证书", "去向"]),
        ("统计与追踪", "chart-bar", ["报表", "控辍保学"]),
        ("打印与证明", "printer", ["打印中心", "证明", "验真"]),
        ("设置", "settings", ["学校信息", "用户与权限", "操作日志"]),
    ]
    nav: list[dict[str, Any]] = []
    for label, icon, names in rows:
        children = [
            {"label": n, "url": "#", "active": n == "学生名册", "badge": 3 if n == "数据问题" else 0}
            for n in names
        ]
        badge = 12 if label == "学籍业务" else 0
        nav.append(
            {
                "label": label,
                "icon": icon,
                "url": "#",
                "active": label == "学生",
                "badge": badge,
                "children": children,
            }
        )
    return nav


STEPS: list[dict[str, Any]] = [
    {
        "name": "转入学校申请",
        "org": "青禾区第一小学",
        "role": "学籍管理员",
        "holder": "王老师",
        "state": "done",
        "arrived": "2026-11-09 08:20",
        "decided": "2026-11-09 09:05",
        "used_days": 1,
        "limit_days": 3,
        "opinion": "材料齐全, 同意转入三年级(2)班",
    },
    {
        "name": "转入校审核",
        "org": "青禾区第一小学",
        "role": "负责人",
        "holder": "陈校长",
        "state": "returned",
        "arrived": "2026-11-09 09:05",
        "decided": "2026-11-10 15:30",
        "used_days": 2,
        "limit_days": 3,
        "opinion": "户口簿照片不清楚, 请重新上传",
    },
    {
        "name": "转出区县核办",
        "org": "临川市教育局",
        "role": "经办",
        "holder": "李老师",
        "state": "current",
        "arrived": "2026-11-11 10:00",
        "used_days": 12,
        "limit_days": 10,
        "branches": [
            {"org": "学籍科", "holder": "李老师", "state": "done"},
            {"org": "招生办", "holder": "周老师", "state": "current"},
        ],
    },
    {"name": "数据校验", "org": "系统", "state": "skipped"},
    {"name": "调档", "org": "青禾区第一小学", "state": "waiting", "limit_days": 5},
]

CHECKS = [
    {"verdict": "pass", "sentence": "证件号与姓名已核验一致"},
    {
        "verdict": "warn",
        "sentence": "学生没有照片, 办结前请补上",
        "action_url": "#photo",
        "action_label": "去上传",
    },
    {"verdict": "ask", "sentence": "监护人电话与去年不同, 请确认是否已更新", "article": "采集说明第8条"},
    {
        "verdict": "block",
        "sentence": "该生正在办理休学(XX-2026-990101-000012), 不能同时转学",
        "article": "学籍管理办法第13条",
        "action_url": "#case",
        "action_label": "去查看",
    },
]

STUDENTS = [
    {
        "number": "G990101201809150021",
        "name": "欧阳頔玥",
        "sex": "女",
        "born": "2018-09-15",
        "class": "三年级(2)班",
        "status": "enrolled",
        "verify": "verified",
        "phone": "138****5678",
    },
    {
        "number": "G990101201803220035",
        "name": "王䶮",
        "sex": "男",
        "born": "2018-03-22",
        "class": "三年级(2)班",
        "status": "suspended",
        "verify": "verified",
        "phone": "139****1122",
    },
    {
        "number": "L990101201805010048",
        "name": "阿依古丽·麦麦提",
        "sex": "女",
        "born": "2018-05-01",
        "class": "三年级(2)班",
        "status": "enrolled",
        "verify": "name_mismatch",
        "phone": "136****9043",
    },
    {
        "number": "G99010120171230005X",
        "name": "李𬱖",
        "sex": "男",
        "born": "2017-12-30",
        "class": "三年级(1)班",
        "status": "transferred_out",
        "verify": "manual",
        "phone": "137****2218",
    },
    {
        "number": "J990101201811090062",
        "name": "㐱𠅤",
        "sex": "女",
        "born": "2018-11-09",
        "class": "三年级(1)班",
        "status": "dropout_risk",
        "verify": "id_duplicate",
        "phone": "—",
    },
]

EVENTS = [
    {
        "at": "2026-12-01",
        "title": "复学",
        "text": "复学到三年级(2)班",
        "icon": "door-enter",
        "tone": "green",
        "future": True,
        "org": "青禾区第一小学",
        "number": "FX-2026-990101-000031",
        "url": "#",
    },
    {
        "at": "2025-11-20",
        "title": "休学",
        "text": "因病休学一年, 至 2026-11-30",
        "icon": "player-pause",
        "tone": "amber",
        "org": "青禾区教育局",
        "actor": "周老师",
        "number": "XX-2025-990101-000107",
        "url": "#",
        "print_url": "#",
    },
    {
        "at": "2024-09-01",
        "title": "建立学籍",
        "text": "一年级(2)班, 就近入学",
        "icon": "user-plus",
        "tone": "blue",
        "org": "青禾区第一小学",
        "actor": "王老师",
    },
]

JOBS = [
    {"id": "1", "title": "导入新生名册", "state": "queued", "position": 3},
    {
        "id": "2",
        "title": "导出花名册",
        "state": "running",
        "done": 8640,
        "total": 12860,
        "message": "正在写第 8 个班",
    },
    {
        "id": "3",
        "title": "批量打印学籍卡",
        "state": "done",
        "done": 48,
        "total": 48,
        "result_url": "#",
        "message": "共 48 份",
    },
    {
        "id": "4",
        "title": "导入照片",
        "state": "failed",
        "done": 112,
        "total": 120,
        "error_url": "#",
        "message": "有 8 张照片对不上学生",
    },
]

DIFFS = [
    {
        "label": "姓名",
        "old": "王小明",
        "new": "王晓明",
        "key": True,
        "source": "户口簿变更页",
        "evidence_url": "#",
    },
    {"label": "民族", "old": "汉族", "new": "汉族", "source": "未变"},
    {"label": "现住址", "old": "", "new": "青禾区安定路 8 号", "source": "家长填写"},
]


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the base templates and the sample page need."""
    return {
        "actor": {
            "id": "face",
            "name": "王老师",
            "role_label": "学籍管理员",
            "org_name": "青禾区第一小学",
            "other_roles": [
                {"value": "2", "role_label": "三年级(2)班 班主任", "org_name": "青禾区第一小学(东校区)"}
            ],
        },
        "nav": _nav(),
        "todo_count": 12,
        "notice_count": 3,
        "term_label": "2026-2027学年第一学期",
        "session_seconds": 1800,
        "links": dict.fromkeys(
            ["home", "search", "todo", "notices", "help", "profile", "logout", "switch"], "#"
        )
        | {"login": "/login/", "extend": "/_face/"},
        "breadcrumbs": [
            {"label": "工作台", "url": "#"},
            {"label": "学生", "url": "#"},
            {"label": "界面样张", "url": ""},
        ],
        "steps": STEPS,
        "checks": CHECKS,
        "students": STUDENTS,
        "events": EVENTS,
        "jobs": JOBS,
        "diffs": DIFFS,
        "case_statuses": list(statuses.CASE),
        "enrolment_statuses": list(statuses.ENROLMENT),
        "verify_statuses": list(statuses.VERIFY),
        "batch_states": list(statuses.BATCH),
        "form": SampleForm({"name": "", "id_number": "99010120180915002", "mode": "1"}),
        "views": [
            {"label": "全部", "url": "#", "active": True, "count": 1286},
            {"label": "我的班", "url": "#", "count": 48},
            {"label": "休学将到期", "url": "#", "count": 2},
        ],
        "columns": [
            {"label": "学籍号"},
            {"label": "姓名", "sort_url": "#", "sorted": "asc"},
            {"label": "性别"},
            {"label": "出生日期", "sort_url": "#"},
            {"label": "班级"},
            {"label": "学籍状态"},
            {"label": "核验状态"},
            {"label": "监护人电话"},
            {"label": "操作", "class": "xj-col-actions"},
        ],
        "facts": [
            {"label": "性别", "value": "女", "source": "户口簿"},
            {"label": "出生日期", "value": "2018-09-15", "source": "核验"},
            {"label": "证件号", "value": "990***********0021", "reveal_url": "/reveal/"},
            {"label": "监护人电话", "value": "138****5678", "reveal_url": "/reveal/", "edit_url": "#"},
            {"label": "就读方式", "value": "走读", "edit_url": "#"},
            {
                "label": "现住址",
                "value": "青禾区安定路 8 号 3 栋 2 单元 501 室",
                "source": "家长填写",
                "edit_url": "#",
            },
        ],
        "tabs": [
            {"label": "基本信息", "url": "#", "active": True},
            {"label": "家庭与监护人", "url": "#"},
            {"label": "学籍时间线", "url": "#"},
            {"label": "业务", "url": "#", "count": 1},
            {"label": "材料", "url": "#"},
        ],
        "slots": [
            {
                "key": "hukou",
                "label": "户口簿-学生页",
                "required": True,
                "done": True,
                "file_name": "hukou.jpg",
                "url": "#",
            },
            {"key": "proof", "label": "居住证明", "required": True, "done": False},
        ],
        "sizes": [
            {"label": "20", "url": "#"},
            {"label": "50", "url": "#", "active": True},
            {"label": "100", "url": "#"},
        ],
        "tiles": [
            {"label": "在籍学生", "value": 1286, "unit": "人"},
            {"label": "待核办", "value": 12, "tone": "warning", "hint": "最早 2026-11-09"},
            {"label": "已超时", "value": 1, "tone": "danger"},
            {"label": "全市学生", "value": 1286420, "unit": "人"},
        ],
    }


PAGES = {
    "": "layout/showcase.html",
    "list": "layout/showcase_list.html",
    "student": "layout/showcase_student.html",
    "case": "layout/showcase_case.html",
    "phone": "layout/showcase_phone.html",
    "public": "layout/showcase_public.html",
}


def face(request: HttpRequest, page: str = "") -> HttpResponse:
    """Show one sample page; an unknown name shows the first. Mount only while DEBUG is on."""
    data = context(request)
    if page == "phone":
        data["nav"] = [
            {"label": "孩子", "icon": "home", "url": "#", "active": True},
            {"label": "申请", "icon": "file-text", "url": "#", "badge": 1},
            {"label": "通知", "icon": "bell", "url": "#"},
            {"label": "证明", "icon": "certificate", "url": "#"},
        ]
        data["actor"] = {**data["actor"], "name": "家长", "other_roles": []}
    if page == "" and hasattr(request, "_messages"):
        messages.success(request, _("已提交给 青禾区教育局, 应在 2026-12-03 前办理"))
    return render(request, PAGES.get(page, PAGES[""]), data)
