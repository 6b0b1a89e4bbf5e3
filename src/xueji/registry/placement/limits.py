"""No class becomes bigger than the place allows, nor than the school set it (the numbers: `ground.policy.sizes`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from django.utils.translation import gettext as _

from xueji.ground.orgs.models import Org
from xueji.ground.orgs.queries import ClassRow
from xueji.ground.policy.engine import PolicySet
from xueji.ground.policy.places import policy_for
from xueji.ground.policy.sizes import cap_of

from .errors import PlacementError


def policy_of(school_id: int, on: date) -> PolicySet:
    """The rules that hold for a school."""
    return policy_for(Org.objects.filter(pk=school_id).first(), on)


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
