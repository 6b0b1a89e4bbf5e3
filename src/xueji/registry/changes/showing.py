"""What a case says, in words for a page or for paper: the child, what is asked, before and after, checks, log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.orgs.models import Org
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words, caveat_words
from xueji.ground.policy.values import speak

from .kinds import ACTIONS
from .models import Case, CaseLog

FORCES = {
    "must": gettext_lazy("必须遵守"),
    "general": gettext_lazy("一般应遵守, 可说明理由例外"),
    "may": gettext_lazy("可以"),
    "advisory": gettext_lazy("提倡"),
}
_ICONS = {
    "urge": "bell-ringing",
    "return": "arrow-back-up",
    "take_back": "arrow-back-up",
    "refuse": "circle-x",
    "pass": "check",
    "apply": "circle-check",
    "submit": "send",
    "resubmit": "send",
}
_TONES = {"refuse": "red", "return": "amber", "intervene": "amber", "apply": "green", "pass": "green"}


def stamp(moment: Any) -> str:
    """A moment as pages write it."""
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


def child_rows(case: Case) -> list[dict[str, str]]:
    """The child as the case found it."""
    s = case.summary
    rows = (
        (_("姓名"), s.get("name")),
        (_("性别"), s.get("sex")),
        (_("出生日期"), s.get("birth_date")),
        (_("学籍所在学校"), s.get("school")),
        (_("年级和班级"), s.get("class") or s.get("grade")),
        (_("入学届别"), _("%s级") % s["cohort"] if s.get("cohort") else ""),
        (_("学籍状态"), s.get("status")),
    )
    return _pairs(rows)


def wanted_rows(business: str, summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the case asks for: the fields that every business may have, then the rows of its own."""
    s = summary
    start = s.get("effective_on")
    rows = (
        (_("转入学校"), s.get("to_school") if business == "transfer" else ""),
        (_("编入班级"), s.get("to_class")),
        (_("原因"), s.get("reason")),
        (_("转入日期") if business == "transfer" else _("起始日期"), start),
        (_("休学开始") if business == "suspend" else _("开始日期"), s.get("start")),
        (_("休学结束") if business == "suspend" else _("结束日期"), s.get("end")),
        (_("复学日期"), s.get("resume_on")),
        (_("发生日期"), s.get("happened_on")),
    )
    own = _pairs((r["label"], r["value"]) for r in s.get("rows", []))
    said = {r["value"] for r in own}  # a business names its days better than the common words do
    return [*(r for r in _pairs(rows) if r["value"] not in said), *own]


def _pairs(rows: Iterable[tuple[Any, Any]]) -> list[dict[str, str]]:
    return [{"label": str(label), "value": str(value)} for label, value in rows if value]


def before_after(case: Case, policy: PolicySet) -> list[dict[str, str]]:
    """Field by field what the record says now and what it will say: as declared, else school, class and status."""
    s = case.summary
    rows = [d | {"source": _("申请变更")} for d in s.get("diff", [])]
    named = {d["label"] for d in rows}
    to_school = s.get("to_school") if case.business == "transfer" else ""
    for label, old, new in (
        (_("学校"), s.get("school"), to_school),
        (_("班级"), s.get("class") or s.get("grade"), s.get("to_class")),
        (_("学籍状态"), s.get("status"), _status_after(case, policy)),
    ):
        if new and label not in named and new != old:
            rows.append({"label": label, "old": old or "", "new": str(new), "source": _("办结后生效")})
    return rows


def _status_after(case: Case, policy: PolicySet) -> str:
    """The status to which the packs let this business lead from the present one; empty when they name several."""
    now = case.summary.get("status")
    ways = [t for t in policy.transitions(case.business) if t.source.code_label == now]
    targets = {t.target.code_label for t in ways}
    return targets.pop() if len(targets) == 1 else ""


def findings(found: Iterable[Mapping[str, Any]], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Checks as a case keeps them: verdict, sentence, article, exact words and the values used, the gravest first."""
    out = []
    for f in found:
        verdict = f["verdict"] if f["verdict"] in ("pass", "warn", "ask") else "block"
        if verdict == "block" and (not f.get("stops", True) or f.get("overridden")):
            verdict = "warn"
        out.append(
            {
                "verdict": verdict,
                "sentence": f["sentence"],
                "article": _article(f),
                "phrase": f.get("phrase", ""),
                "force": str(FORCES.get(f.get("force", ""), "")),
                "values": _values(f, labels),
                "papers": "、".join(f.get("missing_docs", ())),
                "caveats": "；".join(caveat_words(c) for c in f.get("caveats", ())),
                "overridden": f.get("overridden", ""),
                "rule": f.get("rule", ""),
            }
        )
    order = {"block": 0, "ask": 1, "warn": 2, "pass": 3}
    return sorted(out, key=lambda f: order[f["verdict"]])


def _article(f: Mapping[str, Any]) -> str:
    if not f.get("source"):
        return ""
    number = f"（{f['doc_no']}）" if f.get("doc_no") else ""
    return f"《{f['source']}》{number}{article_words(f['article'])}"


def _values(f: Mapping[str, Any], labels: Mapping[str, str]) -> list[dict[str, str]]:
    """Facts and parameters under the names that people know; those without a name in the packs are not shown."""
    values: Mapping[str, Any] = f.get("values", {})
    rows = []
    for key, value in values.items():
        name = key[1:]
        label = labels.get(name, "")
        if not label or name.endswith(".label") or value is None:
            continue
        text = speak(values.get(f"{key}.label", value))
        rows.append({"label": label, "value": text, "article": f.get("value_cites", {}).get(name, "")})
    return rows


def reasons(case: Case) -> list[str]:
    """What a refusal can rest on: the rules that were asked, each with its article."""
    cited = dict.fromkeys(
        f"《{f['source']}》{article_words(f['article'])}“{f['phrase']}”"
        for f in case.findings
        if f.get("source") and f.get("phrase")
    )
    return [*cited, _("其他规定, 已在意见中写明")]


def log_entry(entry: CaseLog, orgs: Mapping[int, Org], *, staff: bool) -> dict[str, Any]:
    """One line of what happened."""
    org = orgs.get(entry.org_id) if entry.org_id is not None else None
    return {
        "at": stamp(entry.at),
        "title": str(ACTIONS.get(entry.action, entry.action)),
        "text": entry.text,
        "org": org.name if org else "",
        "actor": entry.actor_name if staff else "",
        "tone": _TONES.get(entry.action, ""),
        "icon": _ICONS.get(entry.action, "timeline-event"),
    }


def exceptions(case: Case) -> list[dict[str, str]]:
    """Stated exceptions of 一般 rules, and that a case was entered after an outage: who said so, when and why."""
    out = [
        {
            "title": _("例外放行"),
            "text": f"{found.get('article') or rule}: {found.get('reason', '')}",
            "by": " · ".join(str(found[k]) for k in ("org", "by", "at") if found.get(k)),
        }
        for rule, found in case.overrides.items()
    ]
    if case.outage:
        words = {"on": _("实际办理日期"), "reason": _("原因")}
        text = " · ".join(f"{words.get(k, k)} {v}" for k, v in case.outage.items() if v)
        out.append({"title": _("系统故障后补录"), "text": text, "by": ""})
    return out
