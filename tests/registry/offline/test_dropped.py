"""A sealed base is kept as long as it is needed and no longer."""

from __future__ import annotations

from typing import Any

from tests.helpers import Place, act_as, seeing_all

from xueji.ground.files import storage
from xueji.ground.files.models import StoredFile
from xueji.registry.offline import commands
from xueji.registry.offline.models import HandBack, OfflinePackage

from .test_offline import OFFICE, back_of, children, filled, pack


def test_a_base_that_is_replaced_or_given_up_is_dropped_with_its_bytes(
    place: Place, django_capture_on_commit_callbacks: Any
) -> None:
    children(place, 1)
    package, data = pack(place)
    digests = set()

    def bases() -> list[StoredFile]:
        with seeing_all():
            sheets = HandBack.objects.exclude(file_id=None).values_list("file_id", flat=True)
            return list(StoredFile.objects.filter(purpose="import").exclude(pk__in=list(sheets)))

    with django_capture_on_commit_callbacks(execute=True):
        for word in ("书法", "绘画", "围棋"):
            digests |= {file.sha256 for file in bases()}
            back = back_of(place, package, filled(data, {"离线甲": {"特长": word}}))
            with act_as(place.user(*OFFICE)) as actor:
                assert commands.apply(actor, back.pk).finished
        (last,) = bases()
    with seeing_all():
        assert OfflinePackage.objects.get().base_file == last.pk
    assert len(digests) == 3
    assert not any(storage.path_of(digest).exists() for digest in digests - {last.sha256})
    with django_capture_on_commit_callbacks(execute=True), act_as(place.user(*OFFICE)) as actor:
        commands.end(actor, package.pk, "不再使用了")
    assert bases() == []
    assert not storage.path_of(last.sha256).exists()
