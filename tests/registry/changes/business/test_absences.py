"""Who is away and until when; who left and has not been confirmed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from tests.helpers import Place, act_as, login, make_county, seeing_all
from tests.registry.changes.business.journey import day, draft, finish
from tests.registry.changes.world import FOUR, make_child, pass_all, send, suspend_draft

from xueji.registry.changes import absences
from xueji.registry.changes import commands as cases
from xueji.registry.changes.errors import CaseError
from xueji.registry.changes.models import CaseLog

pytestmark = pytest.mark.django_db


def _suspended(place: Place, name: str, days: int) -> None:
    child = make_child(place, name=name)
    case = suspend_draft(place, child, end=(timezone.localdate() + timedelta(days=days)).isoformat())
    pass_all(place, send(place, case, ("registrar", "a1")), FOUR)


@pytest.mark.capability("C-SUS-03", page="/cases/absences/")
@pytest.mark.capability("C-SUS-07", page="/cases/absences/")
def test_those_about_to_end_are_listed_reminded_of_once_and_shown_at_home() -> None:
    place = make_county()
    _suspended(place, "冯小近", 12)
    _suspended(place, "陈小远", 200)
    with act_as(place.user("registrar", "a1")) as actor:
        assert absences.counts(actor) == {"soon": 1, "over": 0, "out": 0}
        rows, more = absences.absent(actor, "soon")
        assert [(r.name, r.ends.isoformat(), r.words) for r in rows] == [("冯小近", day(12), "还有 12 天")]
        assert more == ""
    with act_as(place.user("registrar", "b1")) as actor:
        assert absences.counts(actor)["soon"] == 0
    with act_as(place.user("county_clerk", "a")) as actor:
        assert absences.counts(actor)["soon"] == 1
    assert cases.remind_absences() == 1
    assert cases.remind_absences() == 0
    assert cases.remind_absences(timezone.localdate() + timedelta(days=180)) == 1
    with seeing_all():
        assert "请联系家长" in CaseLog.objects.filter(action="expiring").order_by("id")[0].text
    browser = login(Client(), place.user("registrar", "a1"))
    page = browser.get("/cases/absences/").content.decode()
    assert "冯小近" in page
    assert "陈小远" not in page
    assert "30 天内期满" in browser.get("/").content.decode()


@pytest.mark.capability("C-SUS-07", page="/cases/absences/")
def test_on_a_later_day_the_period_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_county()
    _suspended(place, "褚小期", 12)
    later = timezone.localdate() + timedelta(days=40)
    monkeypatch.setattr(timezone, "localdate", lambda *_: later)
    with act_as(place.user("registrar", "a1")) as actor:
        assert absences.counts(actor) == {"soon": 0, "over": 1, "out": 0}
        rows, _more = absences.absent(actor, "over", limit=1)
        assert (rows[0].over, rows[0].words) == (True, "已过期 28 天")
        after = f"{rows[0].ends}|{rows[0].person_id}"
        assert absences.absent(actor, "over", after=after) == ([], "")
        assert absences.absent(actor, "over", after="nonsense")[0] == rows


@pytest.mark.capability("C-TRF-04", page="/cases/absences/")
@pytest.mark.capability("C-CHG-06", page="/cases/absences/")
def test_a_transfer_out_is_followed_until_the_other_school_has_the_child() -> None:
    place = make_county()
    child = make_child(place)
    form = {"reason": "其他", "effective_on": day(), "destination": "外省某小学", "destination_area": "某省"}
    case = finish(place, draft(place, "transfer_out", child, "转学原因证明", school="a1", **form), "a1")
    browser = login(Client(), place.user("registrar", "a1"))
    assert "外省某小学" in browser.get("/cases/absences/").content.decode()
    browser.post(f"/cases/{case.pk}/follow/", {"text": "已联系家长, 对方学校在办手续"})
    assert "对方学校在办手续" in browser.get("/cases/absences/", {"tab": "out"}).content.decode()
    with act_as(place.user("registrar", "a1")) as actor, pytest.raises(CaseError):
        cases.follow_up(actor, case_id=case.pk)
    with act_as(place.user("school_head", "a1")) as actor, pytest.raises(PermissionDenied):
        cases.follow_up(actor, case_id=case.pk, received=True)
    browser.post(f"/cases/{case.pk}/follow/", {"received": "1", "text": "对方已建籍"})
    with act_as(place.user("registrar", "a1")) as actor:
        assert absences.counts(actor)["out"] == 0
        with pytest.raises(CaseError, match="已于"):
            cases.follow_up(actor, case_id=case.pk, received=True)
    with seeing_all():
        assert list(
            CaseLog.objects.filter(case=case, action__in=("follow", "received"))
            .values_list("action", flat=True)
            .order_by("id")
        ) == ["follow", "received"]
