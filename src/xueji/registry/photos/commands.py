"""The only code that writes batches of photos: bring, match, put in force."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from xueji.ground.audit.commands import record
from xueji.ground.crypto import vault
from xueji.ground.db.scope import acting
from xueji.ground.files import storage
from xueji.ground.files.content import JPEG
from xueji.ground.files.models import StoredFile
from xueji.ground.paper.photo import PhotoError, clean_upload
from xueji.registry.people import commands as people
from xueji.registry.people.errors import BadValue

from . import archive, queries
from .archive import Picture
from .errors import PhotosError
from .matching import Matcher, label_of, numbers_in
from .models import BatchState, ItemState, PhotoBatch, PhotoItem

#: Pictures that are drawn anew while the person waits.
AT_ONCE = 40
_CHUNK = 50


def bring(actor: Any, files: Sequence[tuple[str, bytes]]) -> PhotoBatch:
    """Take a zip of photos, or loose pictures (C-COL-10). Big ones are worked through in the background.

    Raises PermissionDenied; `PhotosError` when nothing can be read.
    """
    actor.require("student.edit")
    if actor.org_kind != "school" or not files:
        raise PhotosError(_("请选择照片或照片压缩包"))
    zipped = len(files) == 1 and archive.is_zip(files[0][1])
    names = archive.names(files[0][1]) if zipped else [("", name) for name, _data in files]
    with transaction.atomic():
        batch = PhotoBatch(
            school_id=actor.org_id,
            county_id=actor.county_id,
            file_name=label_of("", files[0][0]) if len(files) == 1 else _("%(n)s 张照片") % {"n": len(files)},
            total=len(names),
            creator_id=actor.user_id,
            creator_name=actor.user_name,
            assignment_id=actor.assignment_id,
        )
        with acting("writer"):
            batch.save(force_insert=True)
        record(
            actor,
            "photos.bring",
            object_type="photo_batch",
            object_id=batch.pk,
            after={"pictures": batch.total, "size": sum(len(d) for _n, d in files)},
        )
        if len(names) <= AT_ONCE:
            loose = (Picture("", name, data) for name, data in files)
            _work(actor, batch, names, archive.pictures(files[0][1]) if zipped else loose)
        else:
            _keep(batch, files)
            from .tasks import work_through

            work_through.defer(batch_id=batch.pk)
    return batch


def _keep(batch: PhotoBatch, files: Sequence[tuple[str, bytes]]) -> None:
    """The upload as it came, sealed, until it is worked through. Loose pictures are packed together."""
    data = files[0][1] if len(files) == 1 else _packed(files)
    with acting("writer"):
        file = StoredFile(
            sha256=storage.write(vault.seal(data, f"photo_batch.file:{batch.pk}")),
            size=len(data),
            mime="application/octet-stream",
            name=batch.file_name,
            purpose="import",
        )
        file.save(force_insert=True)
        PhotoBatch.objects.filter(pk=batch.pk).update(file_id=file.pk)


def _packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as out:
        for name, data in files:
            out.writestr(name, data)
    return buffer.getvalue()


def run(batch_id: int) -> None:
    """The worker's part: in the scope of the person who brought the batch. Safe to run again."""
    from xueji.ground.accounts.actor import enter

    with transaction.atomic(), acting("writer"):
        batch = PhotoBatch.objects.filter(pk=batch_id, state=BatchState.QUEUED).first()
    if batch is None:
        return
    with transaction.atomic():
        actor = enter(batch.creator_id, batch.assignment_id)
        if actor is None or not actor.can("student.edit"):
            _fail(batch_id, _("上传人的账号已停用"))
            return
        with acting("writer"):
            file = StoredFile.objects.get(pk=batch.file_id or uuid.UUID(int=0))
        data = vault.open_bytes(storage.read(file.sha256), f"photo_batch.file:{batch.pk}")
        try:
            _work(actor, batch, archive.names(data), archive.pictures(data))
        except PhotosError as error:
            _fail(batch_id, error.message)
        with acting("writer"):
            PhotoBatch.objects.filter(pk=batch_id).update(file_id=None)
            file.delete()


def give_up(batch_id: int) -> None:
    """After a failure of the system itself: the batch says so."""
    _fail(batch_id, _("系统处理这批照片时出错, 请重新上传; 仍不行时找系统管理员"))


def _fail(batch_id: int, why: str) -> None:
    with transaction.atomic(), acting("writer"):
        PhotoBatch.objects.filter(pk=batch_id).update(state=BatchState.FAILED, problem=why[:300])


def _work(
    actor: Any, batch: PhotoBatch, names: Sequence[tuple[str, str]], pictures: Iterable[Picture]
) -> None:
    """Draw every picture anew, match it to the roster, keep both; the file sent is not kept.

    `pictures` are taken one after the other: only one of them is in memory.
    """
    matcher = Matcher(
        queries.pupils(actor, batch.school_id),
        queries.holders(actor, batch.school_id, [n for _folder, name in names for n in numbers_in(name)]),
    )
    files: list[StoredFile] = []
    items: list[PhotoItem] = []
    for no, picture in enumerate(pictures, start=1):
        item = PhotoItem(
            batch_id=batch.pk, no=no, school_id=batch.school_id, label=label_of(picture.folder, picture.name)
        )
        items.append(item)
        try:
            clean = clean_upload(picture.data, standard=True) if picture.data is not None else None
        except PhotoError as error:
            clean, item.note = None, str(error)
        if clean is None:
            item.state = ItemState.REFUSED
            item.note = item.note or str(PhotoError("too_large"))
            continue
        file = StoredFile(
            id=uuid.uuid4(),
            sha256=storage.write(clean),
            size=len(clean),
            mime=JPEG,
            name=_("照片-%(batch)s-%(no)s.jpg") % {"batch": batch.pk, "no": no},
            purpose="photo_batch",
            readers=[batch.school_id],
            user_id=actor.user_id,
        )
        files.append(file)
        found = matcher.match(picture.folder, picture.name)
        item.file_id, item.person_id, item.how, item.note = file.pk, found.person_id, found.how, found.note
        item.state = ItemState.MATCHED if found.person_id else ItemState.UNMATCHED
    with transaction.atomic(), acting("writer"):
        StoredFile.objects.bulk_create(files, batch_size=500)
        PhotoItem.objects.bulk_create(items, batch_size=500)
        PhotoBatch.objects.filter(pk=batch.pk).update(state=BatchState.READY, total=len(items))
    batch.state, batch.total = BatchState.READY, len(items)


def assign(actor: Any, batch_id: int, no: int, person_id: uuid.UUID | None) -> None:
    """Say whose picture it is; None leaves it out. Raises Http404, `PhotosError`."""
    actor.require("student.edit")
    if person_id is not None and not queries.on_roster(actor, person_id):
        raise Http404
    batch = queries.batch(actor, batch_id)
    if batch.state != BatchState.READY:
        raise PhotosError(_("这批照片已经处理完, 不能再改"))
    with transaction.atomic(), acting("writer"):
        item = PhotoItem.objects.select_for_update().filter(batch_id=batch_id, no=no).first()
        if item is None or item.file_id is None or item.state == ItemState.APPLIED:
            raise Http404
        new = {
            "person_id": person_id,
            "how": "hand" if person_id else "",
            "note": "",
            "state": ItemState.MATCHED if person_id else ItemState.LEFT,
        }
        try:
            with transaction.atomic():
                PhotoItem.objects.filter(batch_id=batch_id, no=no).update(**new)
        except IntegrityError as error:
            raise PhotosError(_("这名学生在本批次已有一张照片, 请先把那一张设为不采用")) from error


def apply(actor: Any, batch_id: int, *, expected: int) -> int:
    """Put every matched picture in force, all or none; returns how many. `expected` is what the person confirmed.

    Raises `PhotosError`, Http404, PermissionDenied (also without the head's authorisation).
    """
    actor.require("student.edit")
    batch = queries.batch(actor, batch_id)
    with transaction.atomic():
        with acting("writer"):
            PhotoBatch.objects.select_for_update().get(pk=batch.pk)
            matched = PhotoItem.objects.filter(batch_id=batch_id, state=ItemState.MATCHED)
            found = {i.person_id: i.file_id for i in matched if i.person_id and i.file_id}
        if len(found) != expected:
            raise PhotosError(_("可以采用的照片已变为 %(n)s 张, 请刷新后重新确认") % {"n": len(found)})
        gone = set(found) - queries.still_here(actor, list(found))
        if gone:
            text = _("有 %(n)s 名学生已不在本校, 请把他们的照片设为不采用后再确认")
            raise PhotosError(text % {"n": len(gone)})
        _put_in_force(actor, found, source="batch")
        with acting("writer"):
            items = PhotoItem.objects.filter(batch_id=batch_id)
            items.filter(state=ItemState.MATCHED).update(state=ItemState.APPLIED)
            open_left = items.filter(state=ItemState.UNMATCHED).exists()
            if not open_left:
                PhotoBatch.objects.filter(pk=batch_id).update(state=BatchState.DONE, done_at=timezone.now())
    return len(found)


def put(actor: Any, person_id: uuid.UUID, data: bytes) -> None:
    """One pupil's photo, chosen or taken with the camera (C-COL-09). Raises Http404, `PhotosError`, PermissionDenied."""
    actor.require("student.edit")
    if not queries.on_roster(actor, person_id):
        raise Http404
    try:
        clean = clean_upload(data, standard=True)
    except PhotoError as error:
        raise PhotosError(str(error)) from error
    with transaction.atomic():
        with acting("writer"):
            file = StoredFile(
                sha256=storage.write(clean),
                size=len(clean),
                mime=JPEG,
                name=_("照片.jpg"),
                purpose="photo",
                readers=[actor.org_id],
                person_id=person_id,
                user_id=actor.user_id,
            )
            file.save(force_insert=True)
        _put_in_force(actor, {person_id: file.pk}, source="upload")


def _put_in_force(actor: Any, found: dict[uuid.UUID, uuid.UUID], *, source: str) -> None:
    """Raises `PhotosError` while the data of one of the pupils are under review."""
    try:
        people.set_photos(actor, found, source=source)
    except BadValue as error:
        raise PhotosError(error.message) from error
