"""The one status vocabulary: word, icon and tone. Colour never stands alone, so every entry has all three."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop


@dataclass(frozen=True, slots=True)
class StatusFace:
    """How a status looks: word, icon, tone (one of TONES) and whether only a border is drawn."""

    label: str
    icon: str
    tone: str
    outline: bool = False

    @property
    def text(self) -> str:
        """The word in the language of the reader."""
        return gettext(self.label)


N = gettext_noop

CASE: dict[str, StatusFace] = {
    "draft": StatusFace(N("草稿"), "pencil", "grey"),
    "guardian": StatusFace(N("待家长确认"), "user", "purple"),
    "internal": StatusFace(N("待校内审核"), "clock", "blue"),
    "verifying": StatusFace(N("查重核验中"), "loader-2", "blue"),
    "running": StatusFace(N("办理中"), "clock", "blue"),
    "pending": StatusFace(N("待核办"), "clock", "blue"),
    "blocked": StatusFace(N("等待前置业务"), "link", "amber"),
    "returned": StatusFace(N("退回待修改"), "arrow-back-up", "amber"),
    "fetching": StatusFace(N("调档中"), "package", "blue"),
    "done": StatusFace(N("已办结"), "check", "green"),
    "approved": StatusFace(N("已批准待生效"), "calendar-check", "green", outline=True),
    "rejected": StatusFace(N("未通过"), "x", "red"),
    "withdrawn": StatusFace(N("已撤回"), "ban", "grey"),
    "cancelled": StatusFace(N("已撤销"), "ban", "grey"),
    "overdue": StatusFace(N("已超时"), "bell", "red", outline=True),
}

ENROLMENT: dict[str, StatusFace] = {
    # Being in school is the rule and stays unmarked; only exceptions get colour.
    "enrolled": StatusFace(N("在校"), "", "plain"),
    "reading": StatusFace(N("在读"), "", "plain"),
    "registered": StatusFace(N("注册学籍"), "", "plain"),
    "suspended": StatusFace(N("休学"), "player-pause", "amber"),
    "reserved": StatusFace(N("保留学籍"), "flag", "amber"),
    "reserved_entry": StatusFace(N("保留入学资格"), "flag", "amber"),
    "declined_entry": StatusFace(N("放弃入学资格"), "ban", "grey"),
    "abroad": StatusFace(N("出国出境"), "plane-departure", "blue"),
    "away": StatusFace(N("其他离校"), "door-exit", "amber"),
    "missing": StatusFace(N("失踪"), "alert-triangle", "red"),
    "dropout_risk": StatusFace(N("疑似辍学"), "alert-triangle", "red", outline=True),
    "withdrew": StatusFace(N("退学"), "door-exit", "grey"),
    "expelled": StatusFace(N("开除"), "circle-x", "red"),
    "deceased": StatusFace(N("死亡注销"), "circle-minus", "grey"),
    "cancelled_record": StatusFace(N("注销"), "circle-minus", "grey"),
    "transferred_out": StatusFace(N("转出"), "arrow-right", "grey"),
    "graduated": StatusFace(N("毕业"), "school", "green"),
    "completed": StatusFace(N("结业"), "school", "grey"),
    "incomplete": StatusFace(N("肄业"), "school", "grey"),
}

VERIFY: dict[str, StatusFace] = {
    "unverified": StatusFace(N("未核验"), "circle-dashed", "grey"),
    "verifying": StatusFace(N("核验中"), "loader-2", "blue"),
    "verified": StatusFace(N("已核验"), "circle-check", "green"),
    "no_such_id": StatusFace(N("证件号不存在"), "circle-x", "red"),
    "name_mismatch": StatusFace(N("与姓名不匹配"), "circle-x", "red"),
    "id_duplicate": StatusFace(N("证件号重复"), "alert-triangle", "red"),
    "info_duplicate": StatusFace(N("信息重复"), "alert-triangle", "amber"),
    "manual": StatusFace(N("人工核验通过"), "user-check", "green"),
}

BATCH: dict[str, StatusFace] = {
    "uploaded": StatusFace(N("已上传"), "file-import", "grey"),
    "checking": StatusFace(N("检查中"), "loader-2", "blue"),
    "checked": StatusFace(N("待修改或发布"), "list-check", "amber"),
    "publishing": StatusFace(N("发布中"), "loader-2", "blue"),
    "published": StatusFace(N("已发布"), "check", "green"),
    "matching": StatusFace(N("待对应列"), "alert-triangle", "amber"),
    "failed": StatusFace(N("未能读取"), "circle-x", "red"),
    "discarded": StatusFace(N("已放弃"), "ban", "grey"),
    "undoing": StatusFace(N("撤销中"), "loader-2", "blue"),
    "undone": StatusFace(N("已撤销"), "arrow-back-up", "grey"),
}

KINDS = {"case": CASE, "enrolment": ENROLMENT, "verify": VERIFY, "batch": BATCH}

_BY_LABEL = {kind: {face.label: face for face in table.values()} for kind, table in KINDS.items()}
# Other codes and words in use for the same states.
_ALIASES = {
    "waiting": "blocked",
    "refused": "rejected",
    "死亡": "deceased",
    "出国": "abroad",
    "离校": "away",
    "休学中": "suspended",
}

TONES = ("grey", "purple", "blue", "amber", "green", "red", "plain")


def face(value: object, kind: str = "") -> StatusFace:
    """Return the look of a status given by code or by its Chinese word; an unknown word is shown in grey.

    Without ``kind`` the vocabularies are asked in the order of KINDS.
    """
    key = str(value)
    for name in [kind] if kind in KINDS else list(KINDS):
        table = KINDS[name]
        found = table.get(key) or _BY_LABEL[name].get(key) or table.get(_ALIASES.get(key, ""))
        if found:
            return found
    return StatusFace(key, "", "grey")
