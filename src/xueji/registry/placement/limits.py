"""How many pupils a class may have: the number of the place with its article, and what the school set for the class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.orgs.queries import ClassRow
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.findings import article_words
from xueji.ground.policy.places import policy_for

from .errors import PlacementError

_PARAM = {"P": "class.cap.primary", "J": "class.cap.junior", "S": "class.cap.senior"}


@dataclass(frozen=True)
class Cap:
    """The class size of a place: `number` None where no text states one; `must` refuses, else a reason is enough."""

    number: int | None
    must: bool
    article: str


def policy_of(school_id: int, on: date) -> PolicySet:
    """The rules that hold for a school."""
    return policy_for(Org.objects.filter(pk=school_id).first(), on)


def cap_of(policy: PolicySet, stage: str) -> Cap:
    """The class size of a stage under the rules of a place (C-ORG-08)."""
    held = policy.param(_PARAM[stage])
    article = f"《{held.cite.source.title}》{article_words(held.cite.article)}"
    if not held.stated:
        return Cap(None, False, "")
    return Cap(int(held.value), held.force == "must", article)


def room(klass: ClassRow, cap: Cap) -> int:
    """Seats of a class: what the school set for it, never more than the place allows at all."""
    return min(klass.capacity, cap.number) if cap.must and cap.number is not None else klass.capacity


def require_room(
    policy: PolicySet,
    classes: Mapping[int, ClassRow],
    present: Mapping[int, int],
    coming: Iterable[int],
    *,
    reason: str = "",
) -> str:
    """Refuse a class that would become too big, quoting the article (C-ENR-05). Returns the article that a stated
    reason went over, or nothing. Raises `PlacementError`.
    """
    after = dict(present)
    for class_id in coming:
        after[class_id] = after.get(class_id, 0) + 1
    over = ""
    for class_id, n in sorted(after.items()):
        klass = classes.get(class_id)
        if klass is None or n <= present.get(class_id, 0):
            continue
        cap = cap_of(policy, klass.stage)
        words = {
            "class": klass.label,
            "n": n,
            "cap": cap.number,
            "room": klass.capacity,
            "article": cap.article,
        }
        if cap.number is not None and n > cap.number:
            if cap.must:
                raise PlacementError(
                    _("%(class)s编入后有 %(n)s 人, 超过%(article)s规定的每班 %(cap)s 人, 不能编入") % words
                )
            if not reason.strip():
                raise PlacementError(
                    _(
                        "%(class)s编入后有 %(n)s 人, %(article)s规定一般每班 %(cap)s 人。确需编入的, 请写明理由"
                    )
                    % words
                )
            over = cap.article
        if n > klass.capacity:
            raise PlacementError(
                _("%(class)s额定 %(room)s 人, 编入后有 %(n)s 人。请换一个班, 或先修改该班班额") % words
            )
    return over


def allowed(policy: PolicySet, param: str) -> bool:
    """Whether the rules of a place allow something that they may leave out."""
    held = policy.param(param)
    return held.stated and bool(held.value)
