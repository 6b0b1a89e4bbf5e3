"""A school that admits: its plan, its area, candidates as a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.utils import timezone
from tests.children import id_number
from tests.helpers import Place, act_as, seeing_all

from xueji.ground.orgs.models import Org
from xueji.registry.admission import commands
from xueji.registry.admission.commands.plans import Terms
from xueji.registry.admission.models import Applicant, State, Submission

YEAR = timezone.localdate().year if timezone.localdate().month >= 3 else timezone.localdate().year - 1
BORN = date(YEAR - 6, 3, 5)
HEAD = "姓名\t身份证号\t监护人姓名\t与监护人关系\t监护人电话\t社区\t已交材料\t户口一致\t人户一致"


def govern(place: Place, school: str, pack: str) -> None:
    """Put a school under the rules of a pack."""
    with seeing_all():
        Org.objects.filter(pk=place.org(school).pk).update(policy=pack)


def plan(
    place: Place, school: str = "a1", *, stage: str = "P", planned: int = 100, reports: bool = True, open_: int = -60,
    closed: int = 5,
) -> None:  # fmt: skip
    """The county's plan for a school, check-in open since a month."""
    today = timezone.localdate()
    with act_as(place.user("county_clerk", school[0])) as actor:
        commands.set_plan(
            actor,
            [place.org(school).pk],
            stage=stage,
            year=YEAR,
            terms=Terms(
                planned,
                45,
                opens_on=today + timedelta(days=open_),
                closes_on=today + timedelta(days=30),
                report_from=today - timedelta(days=30) if reports else None,
                report_to=today + timedelta(days=closed) if reports else None,
            ),
        )


def sheet(
    n: int, *, area: str = "东湖社区", papers: str = "户口簿、房产证明", born: date = BORN, first: int = 1,
    numbers: Sequence[str] = (),
) -> str:  # fmt: skip
    """Candidates as cells copied out of a sheet."""
    lines = [HEAD]
    for i in range(n):
        birth = born + timedelta(days=(first + i) // 400)
        number = numbers[i] if i < len(numbers) else id_number(birth, "1", serial=first + i)
        word = "甲乙丙丁戊己庚辛壬癸"
        name = "张" + word[(first + i) // 100 % 10] + word[(first + i) // 10 % 10] + word[(first + i) % 10]
        lines.append(f"{name}\t{number}\t张父\t父亲\t13900001234\t{area}\t{papers}\t是\t是")
    return "\n".join(lines)


def enter(
    place: Place, school: str = "a1", text: str = "", *, stage: str = "P", origin: str = "area"
) -> commands.Outcome:
    """The registrar pastes candidates."""
    with act_as(place.user("registrar", school)) as actor:
        return commands.enter_sheet(
            actor, data=b"", file_name="", text=text, stage=stage, year=YEAR, origin=origin
        )


def send(place: Place, school: str = "a1") -> Submission:
    """The head sends everybody who may be sent."""
    with act_as(place.user("school_head", school)) as actor:
        ids = Applicant.objects.filter(
            school_id=place.org(school).pk, state=State.ENTERED, verdict__in=["pass", "warn"], disputed=False
        ).values_list("pk", flat=True)
        return commands.submit(actor, list(ids))


def approve(place: Place, submission: Submission, county: str = "a") -> Submission:
    """The county approves the whole list."""
    with act_as(place.user("county_clerk", county)) as actor:
        return commands.decide(actor, submission.pk)


def admitted(place: Place, n: int, school: str = "a1", *, first: int = 1, text: str = "") -> list[Applicant]:
    """Candidates with their notices, waiting for the check-in."""
    enter(place, school, text or sheet(n, first=first))
    approve(place, send(place, school), school[0])
    with act_as(place.user("registrar", school)):
        return list(
            Applicant.objects.filter(school_id=place.org(school).pk, state=State.APPROVED).order_by(
                "notice_no"
            )
        )


def candidates(place: Place, school: str = "a1") -> list[Applicant]:
    """Everybody on a school's list, inside a scope."""
    return list(Applicant.objects.filter(school_id=place.org(school).pk).order_by("pk"))
