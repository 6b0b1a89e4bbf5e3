"""What is printed here: the signed promise."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.accounts.actor import Actor
from xueji.ground.paper.duty_sheet import DutySheet, render_duty_sheet

from .models import Undertaking
from .queries import Text


def undertaking(actor: Actor, signed: Undertaking, text: Text, org: str) -> bytes:
    """The promise as it was signed (保密承诺书), with the typed name."""
    return render_duty_sheet(
        DutySheet(
            title=_("学生信息保密承诺书"),
            number=f"BM-{signed.pk:06d}",
            org_name=org,
            paragraphs=text.body.splitlines(),
            signatures=((_("承诺人"), signed.name, signed.signed_on.isoformat()),),
            notes=(
                _("承诺书版本: %s") % (_("第 %s 版") % text.version if text.version else _("系统内置")),
                _("本人在系统中签署, 签署时间 %s") % f"{timezone.localtime(signed.signed_at):%Y-%m-%d %H:%M}",
            ),
            printed_by=actor.user_name,
            printed_at=timezone.localtime(),
        )
    )
