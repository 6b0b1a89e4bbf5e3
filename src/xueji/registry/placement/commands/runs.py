"""Balanced placement of many: the list is prepared and fixed, a seed is drawn in public, the result put in force."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import today
from xueji.ground.audit.commands import record
from xueji.ground.db.scope import acting
from xueji.ground.policy.sizes import cap_of
from xueji.registry.enrolment import bulk
from xueji.registry.enrolment.bulk import ListRefused, Move
from xueji.registry.enrolment.timeline import midnight

from .. import draw, limits
from ..errors import PlacementError
from ..models import BondMode, Item, Metric, Run, RunState, SeatOrder
from ..queries import roster
from ..queries import runs as listing
from .placing import seats_by

_SEED = re.compile(r"^[0-9A-Za-z一-鿿,.\-]{4,64}$")


def prepare(
    actor: Any,
    *,
    stage: str,
    cohort: int,
    classes: Sequence[int],
    metric: str = Metric.NONE,
    by_home: bool = False,
    seat_order: str = SeatOrder.PINYIN,
    effective_on: date | None = None,
) -> Run:
    """A list of everybody of a grade who has no class (C-ENR-05), for these classes. Raises `PlacementError`."""
    actor.require("placement.write")
    school = roster.school_of(actor)
    day = effective_on or today()
    if not today() <= day <= today() + timedelta(days=366):
        raise PlacementError(_("编班日期应是今天或以后一年之内"))
    open_ = {k.id for k in roster.classes_of_grade(school, stage, cohort, day)}
    if not classes or not set(classes) <= open_:
        raise PlacementError(_("请选择要编入的班级, 只能选同年级的班"))
    if metric not in Metric.values or seat_order not in SeatOrder.values:
        raise PlacementError(_("请选择均衡的办法和学号的排法"))
    waiting = [c for c in roster.unplaced(school.pk, stage, cohort) if not roster.is_entry(c, today())]
    children = sorted(waiting, key=lambda x: (x.pinyin, str(x.person_id)))
    if not children:
        raise PlacementError(_("这个年级没有待分班的学生"))
    run = Run(
        county_id=school.county_id,
        school_id=school.pk,
        stage=stage,
        cohort_year=cohort,
        classes=sorted(set(classes)),
        metric=metric,
        by_home=by_home,
        seat_order=seat_order,
        effective_on=day,
        creator_id=actor.user_id,
        creator_name=actor.user_name,
    )
    try:
        with transaction.atomic(), acting("writer"):
            run.save(force_insert=True)
            Item.objects.bulk_create(
                [
                    Item(
                        run_id=run.pk,
                        no=no,
                        school_id=school.pk,
                        person_id=child.person_id,
                        sex=child.sex,
                        birth_date=child.birth_date,
                    )
                    for no, child in enumerate(children, start=1)
                ],
                batch_size=1000,
            )
    except IntegrityError as error:
        raise PlacementError(
            _("有学生已在另一份编班名单上, 请先到“编班”页下方的编班名单中完成或作废那一份")
        ) from error
    _audit(actor, "prepare", run, pupils=len(children))
    return run


def set_conditions(
    actor: Any,
    run_id: uuid.UUID,
    no: int,
    *,
    locked_class: int | None = None,
    bond: str = "",
    bond_mode: str = BondMode.TOGETHER,
    special: bool = False,
    score: str = "",
    home: str = "",
    why: str = "",
) -> None:
    """What is to be kept to for one pupil, while the list is prepared. Raises Http404, `PlacementError`."""
    actor.require("placement.write")
    number = _score(score)
    if bond_mode not in BondMode.values:
        raise PlacementError(_("请选择同组学生怎样编班"))
    with transaction.atomic(), acting("writer"):
        run = _mine(actor, run_id, RunState.DRAFT)
        if locked_class is not None and locked_class not in run.classes:
            raise PlacementError(_("只能锁定到参加编班的班级"))
        if locked_class is not None and not why.strip():
            raise PlacementError(_("锁定到班级要写明理由, 例如监护人是该班任课教师"))
        n = Item.objects.filter(run_id=run.pk, no=no).update(
            locked_class=locked_class,
            bond=bond.strip()[:10],
            bond_mode=bond_mode,
            special=special,
            score=number,
            home=home.strip()[:40],
            why=why.strip()[:100],
        )
        if not n:
            raise Http404
        if bond.strip():
            # A group has one mode, whoever of it was changed last.
            Item.objects.filter(run_id=run.pk, bond=bond.strip()[:10]).update(bond_mode=bond_mode)
    _audit(actor, "condition", run, no=no)


def _score(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation as error:
        raise PlacementError(_("成绩应为数字: %s") % text.strip()[:20]) from error
    if not Decimal(0) <= number <= Decimal(9999):
        raise PlacementError(_("成绩应为数字: %s") % text.strip()[:20])
    return number


def paste(actor: Any, run_id: uuid.UUID, text: str) -> tuple[int, list[str]]:
    """Columns pasted from a sheet: number on the list or name, score, home. Returns how many lines were taken, and the
    lines that fit nobody or more than one. Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    lines = [line for line in text.splitlines() if line.strip()][: roster.MOST]
    with transaction.atomic():
        with acting("writer"):
            run = _mine(actor, run_id, RunState.DRAFT)
            items = list(Item.objects.filter(run_id=run.pk))
        names: dict[str, list[Item]] = {}
        people = roster.of_persons(run.school_id, [i.person_id for i in items])
        for item in items:
            names.setdefault(people[item.person_id].name if item.person_id in people else "", []).append(item)
            names.setdefault(str(item.no), []).append(item)
        taken: dict[int, Item] = {}
        left: list[str] = []
        for line in lines:
            cells = [cell.strip() for cell in re.split(r"[\t,,]", line)]
            found = names.get(cells[0], [])
            if len(found) != 1 or len(cells) < 2:
                left.append(cells[0][:20])
                continue
            try:
                found[0].score = _score(cells[1])
            except PlacementError:
                left.append(cells[0][:20])
                continue
            if len(cells) > 2:
                found[0].home = cells[2][:40]
            taken[found[0].no] = found[0]
        with acting("writer"):
            Item.objects.bulk_update(taken.values(), ["score", "home"], batch_size=1000)
    _audit(actor, "columns", run, pupils=len(taken))
    return len(taken), left


def freeze(actor: Any, run_id: uuid.UUID) -> Run:
    """Fix the list and its conditions, before anybody knows the seed. The digest can be made public now.

    Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    with transaction.atomic():
        with acting("writer"):
            run = _mine(actor, run_id, RunState.DRAFT)
        school = roster.school_of(actor)
        policy = limits.policy_of(school.pk, run.effective_on)
        classes = {
            k.id: k for k in roster.classes_of_grade(school, run.stage, run.cohort_year, run.effective_on)
        }
        present = roster.sizes(school.pk, run.classes)
        if not set(run.classes) <= set(classes):
            raise PlacementError(_("有班级已停用, 请作废这份名单后重新准备"))
        cap = cap_of(policy, run.stage)
        run.places = [
            {
                "id": i,
                "label": classes[i].label,
                "number": classes[i].number,
                "capacity": cap.room(classes[i].capacity),
                "present": present[i],
            }
            for i in sorted(run.classes)
        ]
        items = list(Item.objects.filter(run_id=run.pk).order_by("no"))
        gone = {i.person_id for i in items} - {
            c.person_id for c in roster.unplaced(school.pk, run.stage, run.cohort_year)
        }
        if gone:
            raise PlacementError(
                _("名单上有 %(n)s 名学生已不在待分班名单, 请作废后重新准备") % {"n": len(gone)}
            )
        if run.metric == Metric.SCORE and any(i.score is None for i in items):
            n = sum(i.score is None for i in items)
            raise PlacementError(_("按成绩均衡时每名学生都要有成绩, 还有 %(n)s 名没有") % {"n": n})
        room = sum(p["capacity"] - sum(p["present"].values()) for p in run.places)
        if room < len(items):
            words = {"n": len(items), "room": max(room, 0), "article": cap.article if cap.must else ""}
            raise PlacementError(
                _("待分班 %(n)s 人, 所选班级只有 %(room)s 个空位。请增加班级") % words
                + (_("(%(article)s规定了每班人数)") % words if cap.must else "")
            )
        pupils, places = listing.inputs(run, items)
        try:
            draw.deal(pupils, places, "check")
        except draw.DrawError as error:
            raise PlacementError(_refusal(error)) from error
        run.list_digest = draw.list_digest(pupils, places)
        run.state, run.frozen_at = RunState.FROZEN, timezone.now()
        with acting("writer"):
            run.save(force_update=True)
    _audit(actor, "freeze", run, pupils=len(items), digest=run.list_digest)
    return run


def throw(actor: Any, run_id: uuid.UUID, *, seed: str, words: str, why: str = "") -> Run:
    """Draw: the classes follow from the fixed list and the seed. Drawing again needs a reason; every draw stays on
    record. Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    seed = seed.strip()
    if not _SEED.match(seed):
        raise PlacementError(_("种子应为 4 至 64 个数字或字母, 例如当众摇出的号码 07-21-33"))
    if not words.strip():
        raise PlacementError(_("请写明种子怎样产生、谁在场监督"))
    with transaction.atomic():
        with acting("writer"):
            run = _mine(actor, run_id, RunState.FROZEN, RunState.DRAWN)
            items = list(Item.objects.filter(run_id=run.pk).order_by("no"))
        if run.state == RunState.DRAWN:
            if not why.strip():
                raise PlacementError(_("已经摇过号。重新摇号要写明理由, 上一次的种子和结果会保留"))
            run.draws = [
                *run.draws,
                {
                    "seed": run.seed,
                    "words": run.seed_words,
                    "result": run.result_digest,
                    "why": why.strip()[:200],
                },
            ]
        pupils, places = listing.inputs(run, items)
        try:
            chosen = draw.deal(pupils, places, seed)
        except draw.DrawError as error:
            raise PlacementError(_refusal(error)) from error
        for item in items:
            item.class_id, item.by_hand = chosen[item.no], False
        run.seed, run.seed_words = seed, words.strip()[:200]
        run.result_digest, run.state, run.drawn_at = (
            draw.result_digest(chosen),
            RunState.DRAWN,
            timezone.now(),
        )
        with acting("writer"):
            Item.objects.bulk_update(items, ["class_id", "by_hand"], batch_size=1000)
            run.save(force_update=True)
    _audit(actor, "draw", run, seed=seed, result=run.result_digest, times=len(run.draws) + 1)
    return run


def _refusal(error: draw.DrawError) -> str:
    return {
        "room": _("所选班级的空位不够, 请增加班级或减少锁定"),
        "locked": _("有学生锁定到没有参加编班的班级"),
        "bond": _("“%s”组的条件互相冲突: 同班的学生锁定到了不同的班, 或分开的学生多于班级数") % error.detail,
    }[error.code]


def move(actor: Any, run_id: uuid.UUID, no: int, class_id: int, *, why: str) -> None:
    """Change the result for one pupil by hand, with a reason that stays on the record. Raises Http404, `PlacementError`."""
    actor.require("placement.write")
    if not why.strip():
        raise PlacementError(_("手工调整要写明理由"))
    with transaction.atomic(), acting("writer"):
        run = _mine(actor, run_id, RunState.DRAWN)
        item = Item.objects.filter(run_id=run.pk, no=no).first()
        if item is None or class_id not in run.classes:
            raise Http404
        place = next(p for p in run.places if p["id"] == class_id)
        coming = Item.objects.filter(run_id=run.pk, class_id=class_id).exclude(no=no).count()
        if sum(place["present"].values()) + coming + 1 > place["capacity"]:
            raise PlacementError(_("%(class)s已满") % {"class": place["label"]})
        Item.objects.filter(run_id=run.pk, no=no).update(
            class_id=class_id, by_hand=True, why=why.strip()[:100]
        )
    _audit(actor, "by_hand", run, no=no)


def apply(actor: Any, run_id: uuid.UUID, *, expected: str, reason: str = "") -> int:
    """Put the drawn placement in force (C-ENR-05): all or nothing, in a fixed number of statements. `expected` is the
    digest that the page showed. Returns how many. Raises Http404, `PlacementError`.
    """
    actor.require("placement.write")
    with transaction.atomic():
        with acting("writer"):
            run = _mine(actor, run_id, RunState.DRAWN)
        if run.result_digest != expected:
            raise PlacementError(_("编班结果在您打开页面之后已有变动, 请刷新后重新核对"))
        school = roster.school_of(actor)
        items = list(Item.objects.filter(run_id=run.pk).order_by("no"))
        children = roster.of_persons(school.pk, [i.person_id for i in items])
        lost = [i for i in items if i.person_id not in children or children[i.person_id].class_id is not None]
        if lost:
            raise PlacementError(
                _("名单上有 %(n)s 名学生已离校或已有班级, 请作废后重新准备") % {"n": len(lost)}
            )
        day = max(run.effective_on, today())
        policy = limits.policy_of(school.pk, day)
        classes = roster.all_classes(school, day)
        article = limits.require_room(
            policy,
            classes,
            roster.totals(school.pk, run.classes),
            [i.class_id or 0 for i in items],
            reason=reason,
        )
        order = seats_by(
            run.seat_order,
            [(children[i.person_id], i.class_id or 0, i.no) for i in items],
            seed=run.seed,
        )
        detail = {"run": str(run.pk), "seed": run.seed}
        moves = [
            Move(
                person_id=person,
                business="place",
                to_status=1,
                class_id=class_id,
                article=article,
                reason=reason.strip()[:300],
                detail=detail,
            )
            for person, class_id in order
        ]
        try:
            bulk.apply_many(
                actor,
                moves,
                at=timezone.now() if day == today() else midnight(day),
                what="place_list",
            )
        except ListRefused as error:
            raise PlacementError(f"{error.message}: {next(iter(error.persons.values()), '')}") from error
        with acting("writer"):
            Item.objects.filter(run_id=run.pk).update(open=False)
            run.state, run.done_at, run.done_by = RunState.DONE, timezone.now(), actor.user_name
            run.reason = reason.strip()[:200]
            run.save(force_update=True)
    _audit(actor, "apply", run, pupils=len(items), result=run.result_digest)
    return len(items)


def drop(actor: Any, run_id: uuid.UUID) -> None:
    """Give up a placement that is not in force; its pupils wait again. Raises Http404."""
    actor.require("placement.write")
    with transaction.atomic(), acting("writer"):
        run = _mine(actor, run_id, RunState.DRAFT, RunState.FROZEN, RunState.DRAWN)
        Item.objects.filter(run_id=run.pk).update(open=False)
        Run.objects.filter(pk=run.pk).update(state=RunState.DROPPED)
    _audit(actor, "drop", run)


def _mine(actor: Any, run_id: uuid.UUID, *states: str) -> Run:
    """The run of the actor's school, locked, in one of these states. Raises Http404, `PlacementError`."""
    run = Run.objects.select_for_update().filter(pk=run_id, school_id=actor.org_id).first()
    if run is None:
        raise Http404
    if run.state not in states:
        raise PlacementError(_("这份名单现在是“%s”, 不能这样操作") % RunState(run.state).label)
    return run


def _audit(actor: Any, what: str, run: Run, **more: Any) -> None:
    record(
        actor,
        f"placement.{what}",
        object_type="placement",
        object_id=run.pk,
        after={"stage": run.stage, "cohort": run.cohort_year} | more,
        row_count=int(more.get("pupils", 1)),
    )
