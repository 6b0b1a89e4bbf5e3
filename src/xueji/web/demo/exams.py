"""Exams in the demonstration: one whose marks came back, one whose registration school A is in the middle of."""

from __future__ import annotations

from datetime import timedelta

from xueji.ground.accounts.roles import Role
from xueji.ground.sheets.write import write_csv
from xueji.registry.exams import commands, queries

from .accounts import Staff
from .papers import at_desk
from .world import World

_SUBJECTS = (("地理", "考试"), ("生物", "考试"))
_GRADES = "ABBACBAB"


def make(world: World, staff: Staff) -> int:
    """Two exams of school A's county; returns how many pupils are registered."""
    a = world.by_key("a")
    clerk = staff.at(Role.COUNTY_CLERK, a.county_id).pk
    registrar = staff.at(Role.REGISTRAR, a.org_id).pk
    stage = "J" if "J" in a.spec.stages else a.spec.stages[0]
    cohorts = sorted({cohort for s, cohort in a.classes if s == stage and cohort <= world.start_year})
    done, now = cohorts[-2:] if len(cohorts) > 1 else (cohorts[-1], cohorts[-1])
    total = 0
    for cohort, ago, name in ((done, 40, "学业水平考试(补报)"), (now, 3, "学业水平考试")):
        day = world.today - timedelta(days=ago)
        with at_desk(world, clerk, ago) as actor:
            exam = commands.announce(
                actor,
                commands.Plan(
                    kind="xk",
                    name=f"{cohort}级{name}",
                    stage=stage,
                    cohort_year=cohort,
                    opens_on=day,
                    closes_on=day + timedelta(days=12),
                    held_on=day + timedelta(days=20),
                    subjects=_SUBJECTS,
                ),
            )
        with at_desk(world, registrar, ago - 1) as actor:
            total += commands.enter(actor, exam.pk)
            rows, _more = queries.entries(exam.pk, school_id=a.org_id, limit=200)
            sound = [r.id for r in rows if not r.differs]
            if len(sound) > 2:
                commands.check(actor, exam.pk, sound[: len(sound) // 2], how="checked")
                commands.check(actor, exam.pk, sound[-1:], how="wrong", why="姓名有一个字与户口簿不一致")
        if cohort == done and ago > 20 and len(sound) > 2:
            with at_desk(world, clerk, ago - 15) as actor:
                commands.seat(actor, exam.pk)
            with at_desk(world, registrar, ago - 16) as actor:
                seats, _more = queries.entries(exam.pk, school_id=a.org_id, seated=True, limit=500)
            lines = [(r.ticket, r.name, _GRADES[i % 8], _GRADES[(i + 3) % 8]) for i, r in enumerate(seats)]
            head = ("准考证号", "姓名", *(s for s, _form in _SUBJECTS))
            with at_desk(world, clerk, 5) as actor:
                commands.marks(actor, exam.pk, write_csv(head, lines), "成绩.csv")
    return total
