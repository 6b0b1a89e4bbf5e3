"""What the law and the house ask for in days and hours, and the other tables of this room: data, read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from xueji.ground.policy.calendar import add_workdays
from xueji.ground.standards.codes import read_rows

UNITS = {
    "hours": gettext_lazy("%s 小时"),
    "days": gettext_lazy("%s 天"),
    "workdays": gettext_lazy("%s 个工作日"),
    "months": gettext_lazy("%s 个月"),
    "permanent": gettext_lazy("永久"),
}


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, the last of the month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError(day)


@dataclass(frozen=True)
class Term:
    """One period with the text that it rests on."""

    code: str
    name: str
    amount: int
    unit: str
    source: str
    article: str

    @property
    def words(self) -> str:
        """`24 小时`, `立即` for none."""
        if not self.amount and self.unit != "permanent":
            return _("立即")
        words = str(UNITS[self.unit])
        return words % self.amount if "%s" in words else words

    @property
    def cite(self) -> str:
        """Law and article."""
        return _("《%(law)s》%(article)s") % {"law": self.source, "article": self.article}

    def after(self, moment: datetime) -> datetime:
        """The end of the period that begins at `moment`."""
        if self.unit == "hours":
            return moment + timedelta(hours=self.amount)
        if self.unit == "workdays":
            return datetime.combine(add_workdays(moment.date(), self.amount), moment.timetz())
        if self.unit == "months":
            return datetime.combine(months_before(moment.date(), -self.amount), moment.timetz())
        return moment + timedelta(days=self.amount)


def _term(row: dict[str, str]) -> Term:
    return Term(row["code"], row["name"], int(row["amount"]), row["unit"], row["source"], row["article"])


@lru_cache(maxsize=1)
def _terms() -> dict[str, Term]:
    return {r["code"]: _term(r) for r in read_rows("privacy_terms.csv")}


def term(code: str) -> Term:
    """A period of `standards/privacy_terms.csv`. KeyError for an unknown one."""
    return _terms()[code]


@dataclass(frozen=True)
class Class:
    """A retention class: how long, from when, whose, and how it goes."""

    term: Term
    begins: str
    reach: str
    method: str
    note: str

    @property
    def code(self) -> str:
        """The code."""
        return self.term.code

    @property
    def disposable(self) -> bool:
        """Whether this room may dispose of it."""
        return self.method != "none"

    @property
    def of_installation(self) -> bool:
        """Whether it belongs to the installation, not to a unit."""
        return self.reach == "installation"

    def cutoff(self, today: date) -> date:
        """What ended before this day is due."""
        return months_before(today, self.term.amount)


@lru_cache(maxsize=1)
def classes() -> dict[str, Class]:
    """Retention classes by code, in the order of `standards/retention.csv`."""
    return {
        r["code"]: Class(_term(r), r["begins"], r["reach"], r["method"], r["note"])
        for r in read_rows("retention.csv")
    }


@dataclass(frozen=True)
class DataClass:
    """A line of 分类分级: which tables, how sensitive, who may read, how it lies, how long."""

    code: str
    name: str
    grade: str
    tables: tuple[str, ...]
    permission: str
    storage: str
    retention: str
    source: str
    article: str


@lru_cache(maxsize=1)
def data_classes() -> tuple[DataClass, ...]:
    """The classes of `standards/data_classes.csv`."""
    return tuple(
        DataClass(
            r["code"], r["name"], r["grade"], tuple(r["tables"].split()), r["permission"], r["storage"],
            r["retention"], r["source"], r["article"],
        )
        for r in read_rows("data_classes.csv")
    )  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step of handling an incident, with its clock and article."""

    code: str
    name: str
    term: Term
    what: str
    source: str
    article: str


@lru_cache(maxsize=1)
def steps() -> tuple[Step, ...]:
    """The steps of `standards/incident_steps.csv`."""
    return tuple(
        Step(r["code"], r["name"], term(r["term"]), r["what"], r["source"], r["article"])
        for r in read_rows("incident_steps.csv")
    )


@dataclass(frozen=True)
class Kind:
    """A kind of incident with the words that families get."""

    code: str
    name: str
    notify: bool
    guardian: str
    child: str


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """The kinds of `standards/incident_kinds.csv`."""
    return {
        r["code"]: Kind(r["code"], r["name"], r["notify"] == "Y", r["guardian"], r["child"])
        for r in read_rows("incident_kinds.csv")
    }
