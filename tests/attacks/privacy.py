"""What the officers of two counties keep: rows of every table of that room, written past its commands."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.utils import timezone
from tests.helpers import Place, seeing_all

from xueji.ground.crypto import vault
from xueji.office.privacy import models as m


def build(
    place: Place, children: dict[str, tuple[uuid.UUID, str]]
) -> tuple[dict[str, uuid.UUID], dict[str, uuid.UUID]]:
    """One row of each table for the school and the county of each child given: school key -> child, name.

    Returns the incidents by school and the reports of misuse by county.
    """
    incidents, complaints = {}, {}
    with seeing_all():
        for school, (person, name) in children.items():
            found = _rows(place.org(school).pk, place.org(school[0]).pk, person, name)
            incidents[school], complaints[school[0]] = found
    return incidents, complaints


def _rows(school: int, county: int, person: uuid.UUID, name: str) -> tuple[uuid.UUID, uuid.UUID]:
    now, day = timezone.now(), date(2026, 11, 1)
    m.Hold.objects.create(org_id=school, reason="调查期间不得销毁", set_by=1, set_name="甲")
    m.Disposal.objects.create(
        org_id=school, kind="invitation", cutoff=day, found=1, proposed_by=1, proposed_name="甲"
    )
    m.Paper.objects.create(
        kind="impact", org_id=county, superior_id=None, year=2026, version=1, made_by=1, made_name="甲"
    )
    pk = uuid.uuid4()
    incident = m.Incident.objects.create(
        id=pk, number=f"AQ-{school}", org_id=school, county_id=county, kind="leak", title="测试事件",
        sealed=vault.seal_json({"text": "经过"}, f"privacy_incident.sealed:{pk}"), found_at=now,
        reported_by=1, reported_name="甲",
    )  # fmt: skip
    m.Affected.objects.create(
        incident=incident, org_id=school, county_id=county, person_id=person, school_id=school, name=name
    )
    m.Notice.objects.create(
        person_id=person, org_id=school, county_id=county, incident_id=pk, audience="guardian", title="告知",
        text="说明", sent_at=now,
    )  # fmt: skip
    pk = uuid.uuid4()
    m.Complaint.objects.create(
        id=pk, number=f"JB-{county}", org_id=county, about="某校", kind="leak", code=pk.bytes,
        sealed=vault.seal_json({"text": "经过", "contact": "", "log": []}, f"privacy_complaint.sealed:{pk}"),
        due_on=day + timedelta(days=30),
    )  # fmt: skip
    share = m.Share.objects.create(
        org_id=school, county_id=county, recipient="某医院", recipient_kind="department", purpose="体检",
        fields=["name"], basis="law", since=day, until=day + timedelta(days=90), at_end="delete", state="active",
        made_by=1, made_name="甲",
    )  # fmt: skip
    m.Transfer.objects.create(
        share=share, org_id=school, county_id=county, user_id=1, user_name="甲", what="名单", rows=1
    )
    return incident.pk, pk
