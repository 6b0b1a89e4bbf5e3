"""What leaves on paper or as a workbook: names by the convention 学校代码+学校全称 (C-SUB-10), entered in the audit first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.orgs.grades import class_label, grade_on
from xueji.ground.orgs.models import School, Stage
from xueji.ground.paper.report import Part, Report, render_report
from xueji.ground.paper.roster import ListColumn, PaperList, render_list
from xueji.ground.sheets.write import SheetColumn, write_table
from xueji.ground.standards import fields as national_form
from xueji.ground.standards.identity import SEX_WORDS
from xueji.registry.enrolment.words import business_label
from xueji.registry.people import queries as people

from . import checks, queries, reviews, signing, terms
from .errors import SubmissionError
from .models import Child, Proof, RoundKind, Submission, TermReview

MOST = 4000
_CARDS = 500


def file_name(school: School, *more: str) -> str:
    """学校代码+学校全称, and what it is."""
    return "".join((school.school_code, school.org.name, *more))


def _school(school_id: int) -> School:
    return School.objects.select_related("org").get(pk=school_id)


def _mark(actor: Any) -> str:
    return f"{actor.user_name} {timezone.localtime():%Y-%m-%d %H:%M}"


def _numbers(actor: Any, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Student numbers as this reader may see them (masked)."""
    out: dict[uuid.UUID, str] = {}
    for i in range(0, len(ids), _CARDS):
        out |= {k: c.number for k, c in people.cards(actor, ids[i : i + _CARDS]).items()}
    return out


def _note(actor: Any, what: str, kind: str, key: object, ids: Sequence[uuid.UUID]) -> None:
    record(
        actor,
        what,
        object_type=kind,
        object_id=key,
        row_count=max(len(ids), 1),
        persons=ids or None,
    )


def _places(rows: Sequence[Child], system: str) -> dict[int, str]:
    """Labels of the classes that stand in a snapshot."""
    ids = sorted({r.class_id for r in rows if r.class_id})
    with connection.cursor() as c:
        c.execute("select id, stage, cohort_year, number from school_class where id = any(%s)", [ids])
        return {i: class_label(s, y, n, system, today()) for i, s, y, n in c.fetchall()}


def _title(row: Submission) -> str:
    return _("新生名册") if row.round.kind == RoundKind.NEWCOMERS else _("上报学生名册")


def names(actor: Any, row: Submission, form: str) -> tuple[bytes, str]:
    """The children of a submission: 新生名册, in three copies where it is printed (C-ENR-08). Raises `SubmissionError`."""
    found = queries.all_children(row)
    if not found:
        raise SubmissionError(_("还没有上报, 没有名册可以打印"))
    if len(found) > MOST:
        raise SubmissionError(_("一次最多打印 %s 人") % MOST)
    school = _school(row.school_id)
    ids = [r.person_id for r in found]
    numbers, places = _numbers(actor, ids), _places(found, school.system)
    lines = [
        (str(i), numbers.get(r.person_id, ""), r.name, SEX_WORDS.get(r.sex, ""), r.birth_date.isoformat(),
         places.get(r.class_id or 0, ""), str(r.class_seat or ""))
        for i, r in enumerate(found, start=1)
    ]  # fmt: skip
    heads = ("序号", "学籍号", "姓名", "性别", "出生日期", "班级", "班内学号")
    _note(actor, "submission.names.export", "submission", row.pk, ids)
    title = f"{school.org.name}{_title(row)}"
    if form == "xlsx":
        data = write_table(
            [SheetColumn(label=h) for h in heads],
            lines,
            title=title,
            notes=[f"{row.number}"],
            watermark=_mark(actor),
        )
        return data, file_name(school, _title(row))
    boys = sum(r.sex == "1" for r in found)
    data = render_list(
        PaperList(
            title=_title(row),
            subtitle=_("一式三份: 班主任、学校、教育行政部门各一份"),
            org_name=school.org.name,
            facts=[
                (_("批次号"), row.number or ""),
                (_("人数"), f"{len(found)}人(男{boys}, 女{len(found) - boys})"),
                (
                    _("上报时间"),
                    f"{timezone.localtime(row.submitted_at):%Y-%m-%d %H:%M}" if row.submitted_at else "—",
                ),
                (_("数据摘要"), bytes(row.digest or b"").hex()[:16]),
            ],
            columns=[
                ListColumn(label=h, mm=m) for h, m in zip(heads, (11, 46, 34, 14, 26, None, 20), strict=True)
            ],
            rows=lines,
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            watermark=_mark(actor),
            reference=row.number or "",
            signatures=(_("班主任(签字)"), _("学校负责人(签字、盖章)"), _("教育行政部门(签字、盖章)")),
        )
    )
    return data, file_name(school, _title(row))


def _signature_rows(frame: queries.Page) -> list[list[str]]:
    return [
        [
            str(s.times), s.org_name, s.part, s.name, f"{timezone.localtime(s.at):%Y-%m-%d %H:%M:%S}",
            str(signing.WAYS.get(s.way, s.way)), bytes(s.digest).hex()[:16],
        ]
        for s in frame.signatures
    ]  # fmt: skip


def _report(actor: Any, row: Submission, title: str, parts: Sequence[Part], school: School) -> bytes:
    snapshot = row.snapshot
    return render_report(
        Report(
            title=title,
            number=row.number or "",
            org_name=school.org.name,
            facts=[
                (_("任务"), row.round.title),
                (_("学期"), terms.Term(row.round.year, row.round.term).label),
                (
                    _("人数"),
                    f"{snapshot.get('total', 0)}(男{snapshot.get('boys', 0)}, 女{snapshot.get('girls', 0)})",
                ),
                (_("数据摘要"), bytes(row.digest or b"").hex()),
            ],
            parts=parts,
            signatures=(_("学校负责人(签字、盖章)"), _("主管部门(签字、盖章)")),
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            watermark=_mark(actor),
        )
    )


def _signed_part(frame: queries.Page) -> Part:
    return Part(
        title=_("各级签字"),
        head=[_("次"), _("单位"), _("职责"), _("签字人"), _("时间"), _("验证方式"), _("数据摘要")],
        rows=_signature_rows(frame),
    )


def _figures_part(row: Submission) -> Part:
    return Part(
        title=_("上报人数"),
        head=[_("班级"), _("人数"), _("男"), _("女"), _("摘要")],
        rows=[
            [c["label"], str(c["n"]), str(c["boys"]), str(c["girls"]), c["digest"][:16]]
            for c in row.snapshot.get("classes", [])
        ],
    )


def signatures(actor: Any, row: Submission) -> tuple[bytes, str]:
    """上报签字单: who answered for it at each level (C-SUB-03). Raises `SubmissionError`."""
    frame = queries.page(actor, row)
    if not frame.signatures:
        raise SubmissionError(_("还没有人签字"))
    school = _school(row.school_id)
    _note(actor, "submission.signatures.print", "submission", row.pk, [])
    data = _report(actor, row, _("学籍数据上报签字单"), [_figures_part(row), _signed_part(frame)], school)
    return data, file_name(school, _("上报签字单"))


def volume(actor: Any, row: Submission) -> tuple[bytes, str]:
    """合订本: figures, names, papers seen, history and signatures of a submission in one (C-SUB-07)."""
    found = queries.all_children(row)
    if not found:
        raise SubmissionError(_("还没有上报, 没有可以装订的内容"))
    if len(found) > MOST:
        raise SubmissionError(_("一次最多打印 %s 人") % MOST)
    school = _school(row.school_id)
    frame, ids = queries.page(actor, row), [r.person_id for r in found]
    numbers, places = _numbers(actor, ids), _places(found, school.system)
    by_id = {r.person_id: r.name for r in found}
    proofs = Proof.objects.filter(submission=row).order_by("category", "at", "person_id")[:MOST]
    _note(actor, "submission.volume.print", "submission", row.pk, ids)
    parts = [
        _figures_part(row),
        Part(
            title=_("说明"),
            head=[_("项目"), _("说明")],
            rows=[[str(checks.FINDINGS.get(k, k)), v] for k, v in row.explained.items()],
        ),
        Part(
            title=_title(row),
            head=[_("序号"), _("学籍号"), _("姓名"), _("性别"), _("出生日期"), _("班级")],
            rows=[
                [str(i), numbers.get(r.person_id, ""), r.name, SEX_WORDS.get(r.sex, ""), r.birth_date.isoformat(),
                 places.get(r.class_id or 0, "")]
                for i, r in enumerate(found, start=1)
            ],
        ),
        Part(
            title=_("材料核验"),
            head=[_("学生"), _("已核验"), _("缺少"), _("核验人"), _("时间")],
            rows=[
                [by_id.get(p.person_id, ""), "、".join(p.seen), "、".join(p.missing) or "—", p.by_name,
                 f"{timezone.localtime(p.at):%Y-%m-%d %H:%M}"]
                for p in proofs
            ],
        ),
        Part(
            title=_("办理记录"),
            head=[_("时间"), _("单位"), _("办理人"), _("办理"), _("内容")],
            rows=[[x["at"], x["org"], x["actor"], x["title"], x["text"]] for x in reversed(frame.log)],
        ),
        _signed_part(frame),
    ]  # fmt: skip
    data = _report(actor, row, _("学籍数据上报合订本"), [p for p in parts if p.rows], school)
    return data, file_name(school, _("上报合订本"))


def review_pdf(actor: Any, row: TermReview | None) -> tuple[bytes, str]:
    """学期会审 on paper. Raises Http404."""
    if row is None:
        raise Http404
    school, term = _school(row.school_id), terms.Term(row.year, row.term)
    _note(actor, "submission.review.print", "term_review", row.pk, [])
    data = render_report(
        Report(
            title=_("学籍学期会审报告"),
            number=bytes(row.digest).hex()[:16],
            org_name=school.org.name,
            facts=[
                (_("学期"), term.label), (_("会审日期"), row.held_on.isoformat()), (_("参加人员"), row.members),
                (_("报送"), f"{row.sent_name} {timezone.localtime(row.sent_at):%Y-%m-%d %H:%M}"),
            ],
            parts=[
                Part(
                    title=_("数字"),
                    head=[_("项目"), _("数量")],
                    rows=[[str(label), str(row.figures.get(key, 0))] for key, label in reviews.FIGURES.items()],
                ),
                Part(
                    title=_("问题与处理"),
                    head=[_("问题"), _("数量"), _("处理情况")],
                    rows=[[f["label"], str(f["n"]), f["how"]] for f in row.findings],
                ),
            ],
            signatures=(_("教导处(签字)"), _("学校负责人(签字、盖章)"), _("主管部门(签字、盖章)")),
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            watermark=_mark(actor),
        )
    )  # fmt: skip
    return data, file_name(school, term.key, _("学期会审报告"))


_PROOF = ("序号", "学籍主号", "学籍副号", "姓名", "性别", "年级", "班级", "届别", "学段", "核对签字")


def proof_list(actor: Any, form: str, *, class_id: int | None = None) -> tuple[bytes, str]:
    """学籍信息核对表 of the actor's school: 主号, 副号, 姓名, 性别, 年级, 班级, 届别, 学段 (C-DUP-07). The workbook is the
    clean master of the school once everything is corrected. Raises Http404.
    """
    school = _school(actor.org_id)
    with connection.cursor() as c:
        c.execute(
            "select r.person_id, r.name, r.sex, r.stage, r.cohort_year, k.number from roster r"
            " left join school_class k on k.id = r.class_id where r.school_id = %s and r.kind = 1"
            " and r.reason = 'enrolled' and r.status between 1 and 9 and (%s::int is null or r.class_id = %s)"
            " order by r.stage = 'S', r.stage = 'J', r.cohort_year desc, k.number, r.class_seat, r.pinyin_sort, r.person_id"
            " limit %s",
            [actor.org_id, class_id, class_id, MOST],
        )
        rows = c.fetchall()
    if not rows:
        raise Http404
    ids, day = [r[0] for r in rows], today()
    numbers, more = _numbers(actor, ids), people.auxiliary_numbers(actor, ids)
    lines = []
    for i, (person, name, sex, stage, cohort, number) in enumerate(rows, start=1):
        grade = grade_on(stage, cohort, school.system, day)
        left = cohort + school.years_of(stage)
        lines.append(
            (str(i), numbers.get(person, ""), more.get(person, ""), name, SEX_WORDS.get(sex, ""),
             grade.label if grade else "", str(number or ""), _("%s届") % left, str(Stage(stage).label), "")
        )  # fmt: skip
    _note(actor, "submission.proof.export", "school", actor.org_id, ids)
    if form == "xlsx":
        data = write_table(
            [SheetColumn(label=h) for h in _PROOF[:-1]],
            [line[:-1] for line in lines],
            title=f"{school.org.name}{_('学籍信息总库')}",
            notes=[terms.now(day).label],
            watermark=_mark(actor),
        )
        return data, file_name(school)
    data = render_list(
        PaperList(
            title=_("学籍信息核对表"),
            subtitle=terms.now(day).label,
            org_name=school.org.name,
            facts=[(_("学校标识码"), school.school_code), (_("人数"), str(len(lines)))],
            columns=[
                ListColumn(label=h, mm=m)
                for h, m in zip(_PROOF, (10, 42, 40, 30, 12, 24, 12, 20, 18, None), strict=True)
            ],
            rows=lines,
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            watermark=_mark(actor),
            signatures=(_("班主任(签字)"), _("学籍管理员(签字)"), _("学校负责人(签字、盖章)")),
        )
    )
    return data, file_name(school, _("学籍信息核对表"))


def corrections(actor: Any, *, limit: int = MOST) -> list[dict[str, Any]]:
    """Corrections of this term at the actor's school: edits under authorisation and decided cases; one query."""
    term = terms.now(today())
    since = f"{term.year}-09-01" if term.number == 1 else f"{term.year + 1}-02-01"
    with connection.cursor() as c:
        c.execute(
            "select x.person_id, r.name, x.what, x.who, x.at, x.ref, r.stage, r.cohort_year, k.number from ("
            " select person_id, array_to_string(fields, ',') as what, user_name as who, at, '' as ref from record_edit"
            "  where org_id = %s and at >= %s::date"
            " union all select person_id, business, actor_name, recorded_at, reason from event"
            "  where school_id = %s and recorded_at >= %s::date and business like 'correct%%') x"
            " join roster r on r.person_id = x.person_id and r.school_id = %s and r.kind = 1"
            " left join school_class k on k.id = r.class_id order by x.at desc, x.person_id, x.what limit %s",
            [actor.org_id, since, actor.org_id, since, actor.org_id, limit],
        )
        found = c.fetchall()
    labels = _field_labels()
    system = _school(actor.org_id).system
    return [
        {
            "person": f[0], "name": f[1], "what": _what(f[2], labels), "who": f[3],
            "at": timezone.localtime(f[4]), "ref": f[5],
            "place": class_label(f[6], f[7], f[8], system, today()) if f[8] else "",
        }
        for f in found
    ]  # fmt: skip


def _what(keys: str, labels: dict[str, str]) -> str:
    """Which items were corrected, or the business that corrected them, in words."""
    return "、".join(labels.get(k) or business_label(k) for k in keys.split(","))


def _field_labels() -> dict[str, str]:
    return {f.key: f.name for f in national_form.fields()} | {"photo": _("照片"), "correct": _("信息更正")}


def correction_form(actor: Any) -> tuple[bytes, str]:
    """学籍信息更正表 of the term: what was corrected, and empty rows for what the classes still report (C-DUP-07)."""
    school = _school(actor.org_id)
    found = corrections(actor)
    heads = ("序号", "班级", "姓名", "更正项目", "原内容", "更正后内容", "办理人", "日期")
    lines = [
        (str(i), x["place"], x["name"], x["what"], "", "", x["who"], f"{x['at']:%Y-%m-%d}")
        for i, x in enumerate(found, start=1)
    ]
    lines += [(str(i), "", "", "", "", "", "", "") for i in range(len(found) + 1, len(found) + 16)]
    _note(actor, "submission.corrections.print", "school", actor.org_id, [x["person"] for x in found])
    data = render_list(
        PaperList(
            title=_("学校学籍信息更正表"),
            subtitle=terms.now(today()).label,
            org_name=school.org.name,
            facts=[(_("学校标识码"), school.school_code), (_("已更正"), str(len(found)))],
            columns=[
                ListColumn(label=h, mm=m)
                for h, m in zip(heads, (12, 34, 30, None, 42, 42, 24, 24), strict=True)
            ],
            rows=lines,
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
            watermark=_mark(actor),
            signatures=(_("填表人(签字)"), _("学校负责人(签字、盖章)")),
        )
    )
    return data, file_name(school, _("学籍信息更正表"))
