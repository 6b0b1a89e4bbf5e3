"""Grades computed from entry cohorts: nothing is rewritten when a school year begins.

A class that entered a stage in 2024 is in year 3 of it from the first day of school year 2026. Years of a stage
come from the school's system (6-3-3, 5-4-3 ...). Codes follow the table `grade_k12`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

_NUMERAL = "零一二三四五六七八九十"
_STAGE_DIGIT = {"P": "1", "J": "2", "S": "3"}


@dataclass(frozen=True)
class Grade:
    """A grade: stage (P, J, S), year inside the stage from 1, and whether it is the stage's last."""

    stage: str
    year: int
    last: bool
    before: int  # years of schooling before this stage (5 or 6 before junior)

    @property
    def code(self) -> str:
        """Two digits, e.g. 13 for the third primary year."""
        return _STAGE_DIGIT[self.stage] + str(self.year)

    @property
    def label(self) -> str:
        """三年级, 七年级 (初一), 高一."""
        if self.stage == "S":
            return _("高%(n)s") % {"n": _NUMERAL[self.year]}
        return _("%(n)s年级") % {"n": _NUMERAL[self.before + self.year]}


def start_year_of(day: date, *, boundary: tuple[int, int] = (9, 1)) -> int:
    """The year in which the school year of `day` began; `boundary` is (month, day) of its first day."""
    return day.year if (day.month, day.day) >= boundary else day.year - 1


def grade_on(
    stage: str, cohort_year: int, system: str, day: date, *, boundary: tuple[int, int] = (9, 1)
) -> Grade | None:
    """The grade of a cohort on a day, or None before it entered and after it left the stage.

    `system` is the school's 学制, years of primary-junior-senior, such as `6-3-3` or `5-4-3`.
    """
    years = [int(y) for y in system.split("-")]
    index = "PJS".index(stage)
    year = start_year_of(day, boundary=boundary) - cohort_year + 1
    if not 1 <= year <= years[index]:
        return None
    return Grade(stage, year, year == years[index], sum(years[:index]) if stage != "S" else 0)


def cohort_of_grade(stage: str, year: int, day: date, *, boundary: tuple[int, int] = (9, 1)) -> int:
    """The entry year of those who are in year `year` of a stage on `day`."""
    return start_year_of(day, boundary=boundary) - year + 1


def class_label(stage: str, cohort_year: int, number: int, system: str, day: date) -> str:
    """Both notations: 三年级(2)班; a class that has left the stage is named by its cohort: 2018级(2)班."""
    grade = grade_on(stage, cohort_year, system, day)
    if grade is None:
        return _("%(y)s级(%(n)s)班") % {"y": cohort_year, "n": number}
    return _("%(g)s(%(n)s)班") % {"g": grade.label, "n": number}
