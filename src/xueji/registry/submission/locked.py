"""Whether a child's general data are under review, and who holds them: asked before every edit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext as _


def words(person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Those of these children that are under review, and why and with whom. One query, in the writing role."""
    with connection.cursor() as c:
        c.execute(
            "select k.person_id, s.number, o.name, t.label, o.phone from submission_child k"
            " join submission s on s.id = k.submission_id"
            " left join submission_step t on t.submission_id = s.id and t.state = 'current'"
            " left join org o on o.id = t.org_id"
            " where k.person_id = any(%s::uuid[]) and k.locked",
            [list(person_ids)],
        )
        return {
            person: _("已随 %(number)s 上报, 现由%(org)s审核(%(step)s, 电话 %(phone)s), 退回或办结后才能修改")
            % {"number": number, "org": org or "", "step": step or "", "phone": phone or "—"}
            for person, number, org, step, phone in c.fetchall()
        }
