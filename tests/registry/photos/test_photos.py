"""Photos of a class come in at once, are looked over, and become the pupils' photos."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from tests.children import enrol, id_number
from tests.helpers import Place, act_as, login, make_county

from xueji.ground.db.scope import acting
from xueji.ground.duty.models import Authorisation
from xueji.ground.files.models import StoredFile
from xueji.registry.photos import commands, matching, queries
from xueji.registry.photos.models import BatchState, PhotoBatch

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return make_county()


def picture(colour: str = "#b2d2f0", size: tuple[int, int] = (400, 500)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, data in files.items():
            out.writestr(name, data)
    return buffer.getvalue()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def send(client: Client, data: bytes, name: str = "照片.zip") -> Any:
    return client.post("/photos/", {"files": SimpleUploadedFile(name, data)}, follow=True)


@pytest.mark.capability("C-COL-10", page="/photos/{id}/")
def test_a_zip_is_matched_by_number_name_and_class_and_put_in_force(place: Place, client: Client) -> None:
    """The registrar sends a zip, sees who is who, names the one that was left over, and confirms."""
    birth = date(2019, 3, 5)
    number = id_number(birth, "1")
    one = enrol(place, name="张小明", birth=birth, identity=number)
    two = enrol(place, name="李小红", sex="2", number=2)
    same_a, same_b = enrol(place, name="王伟"), enrol(place, name="王伟", number=2)
    other = enrol(place, "b1", name="外校生")
    registrar = login(client, place.user("registrar", "a1"))
    page = send(
        registrar,
        packed(
            {
                f"照片/{number}.jpg": picture(),
                "照片/李小红.jpg": picture("#aabbee"),
                "照片/一年级(2)班-王伟.jpg": picture("#ccddee"),
                "照片/王伟.jpg": picture("#ccbbee"),
                "照片/外校生.jpg": picture("#0011ee"),
                "照片/说明.txt": b"not a picture",
                "__MACOSX/._x.jpg": b"junk",
            }
        ),
    )
    assert "共 6 张: 3 张待确认, 3 张要处理, 0 张已采用" in text(page), text(page)[:1500]
    assert number not in page.content.decode()
    assert "有同名的学生" in text(page)
    address = page.request["PATH_INFO"]
    batch_id = int(address.split("/")[2])
    with act_as(place.user("registrar", "a1")) as actor:
        found = queries.items(queries.batch(actor, batch_id), states=["matched"])
        assert {r.person_id for r in found} == {one, two, same_b}
        loose = queries.items(queries.batch(actor, batch_id), states=["unmatched"])
    no = next(r.no for r in loose if "王伟" in r.label)
    listed = registrar.post(f"{address}{no}/", {"name": "王"})
    assert str(same_a) in listed.content.decode()
    assert str(other) not in registrar.post(f"{address}{no}/", {"name": "外"}).content.decode()
    registrar.post(f"{address}{no}/", {"person": str(same_a)})
    assert registrar.post(f"{address}{no}/", {"person": str(other)}).status_code == 404
    twice = registrar.post(f"{address}{next(r.no for r in loose if r.no != no)}/", {"person": str(one)})
    assert "已有一张照片" in text(twice)
    done = registrar.post(address + "apply/", {"expected": "4"}, follow=True)
    assert "已为 4 名学生采用新照片" in text(done)
    assert registrar.get(f"/people/{one}/photo.jpg").status_code == 200
    with acting("writer"):
        file = StoredFile.objects.get(person_id=one)
        assert file.size <= 60 * 1024
        assert number not in file.name
    assert "没有照片的学生 0 人" in text(registrar.get("/photos/"))


@pytest.mark.capability("C-COL-09", page="/students/{id}/photo/new/")
def test_one_photo_is_taken_and_a_bad_one_is_refused_in_words(place: Place, client: Client) -> None:
    person = enrol(place, name="赵一一")
    registrar = login(client, place.user("registrar", "a1"))
    assert "没有照片的学生 1 人" in text(registrar.get("/photos/"))
    assert "赵一一" in text(registrar.get("/photos/missing/"))
    assert f"/students/{person}/photo/new/" in registrar.get(f"/students/{person}/").content.decode()
    bad = registrar.post(
        f"/students/{person}/photo/new/", {"photo": SimpleUploadedFile("a.jpg", picture(size=(90, 90)))}
    )
    assert bad.status_code == 400
    assert "照片太小" in text(bad)
    good = registrar.post(
        f"/students/{person}/photo/new/", {"photo": SimpleUploadedFile("a.jpg", picture())}, follow=True
    )
    assert "已采用新照片" in text(good)
    shown = registrar.get(f"/people/{person}/photo.jpg")
    with Image.open(io.BytesIO(b"".join(shown) if shown.streaming else shown.content)) as image:
        assert image.size == (358, 441)


@pytest.mark.capability("C-ROL-04", page="/photos/{id}/apply/")
def test_without_the_heads_authorisation_no_photo_changes(place: Place, client: Client) -> None:
    person = enrol(place, name="钱多多")
    registrar = login(client, place.user("registrar", "a1"))
    address = send(registrar, packed({"钱多多.jpg": picture()})).request["PATH_INFO"]
    with acting("writer"):
        Authorisation.objects.all().update(state="ended")
    refused = registrar.post(address + "apply/", {"expected": "1"})
    assert refused.status_code == 403
    assert registrar.get(f"/people/{person}/photo.jpg").status_code == 404
    assert "1 张待确认" in text(registrar.get(address))


def test_a_zip_of_an_old_packer_keeps_its_chinese_names(place: Place, client: Client) -> None:
    enrol(place, name="孙悦")
    registrar = login(client, place.user("registrar", "a1"))
    # The bytes of its own code page, without a word about which.
    raw = "孙悦".encode("gb18030")
    page = send(
        registrar,
        packed({f"{'x' * len(raw)}.jpg": picture()}).replace(b"x" * len(raw) + b".jpg", raw + b".jpg"),
    )
    assert "1 张待确认" in text(page), text(page)[:800]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04broken", "压缩包已损坏"),
        (packed({}), "压缩包里没有文件"),
        (packed({f"{n}.jpg": b"" for n in range(3_001)}), "一次最多"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(place: Place, client: Client, data: bytes, words: str) -> None:
    registrar = login(client, place.user("registrar", "a1"))
    page = send(registrar, data)
    assert page.status_code == 400
    assert words in text(page)
    assert not PhotoBatch.objects.exists()


def test_many_photos_take_as_many_statements_as_few(
    place: Place, client: Client, django_assert_max_num_queries: Any
) -> None:
    names = [f"孩子{'甲乙丙丁戊己庚辛壬癸'[i]}" for i in range(10)]
    for name in names:
        enrol(place, name=name)
    user = place.user("registrar", "a1")
    taken = []
    for part in (names[:2], names):
        with act_as(user) as actor:
            batch = commands.bring(actor, [("a.zip", packed({f"{n}.jpg": picture() for n in part}))])
            assert batch.state == BatchState.READY
            with django_assert_max_num_queries(60) as context:
                commands.apply(actor, batch.pk, expected=len(part))
            taken.append(len(context))
    assert taken[0] == taken[1], taken


def test_names_of_files_are_understood_as_people_write_them() -> None:
    a, b, c = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    pupils = [
        matching.Pupil(a, "张小明", "三年级(2)班", 5),
        matching.Pupil(b, "古丽·买买提", "三年级(2)班", 6),
        matching.Pupil(c, "张小明", "四年级(1)班", 5),
    ]
    holders = {"990101201803051234": c}
    for folder, name, person, how in (
        ("", "三年级(2)班张小明.jpg", a, "class"),
        ("三年级（2）班", "张小明.JPG", a, "class"),
        ("三年级2班", "05.png", a, "seat"),
        ("", "古丽•买买提.jpg", b, "name"),
        ("", "G990101201803051234.jpg", c, "identity"),
        ("", "990101201803051234_张小明.jpg", c, "identity"),
        ("", "张小明.jpg", None, ""),
        ("", "110101201803051230.jpg", None, ""),
        ("", "IMG_0012.jpg", None, ""),
    ):
        found = matching.Matcher(pupils, holders).match(folder, name)
        assert (found.person_id, found.how) == (person, how), (folder, name, found)
    assert "990101201803051234" not in matching.label_of("x", "990101201803051234.jpg")


@pytest.mark.capability("C-COL-09", page="/photos/camera/{id}/")
def test_a_class_is_called_one_by_one_and_only_its_page_may_use_the_camera(
    place: Place, client: Client
) -> None:
    """Without a script the same page takes files: each photo calls the next pupil who has none, to the last; nobody of
    another class or school is taken, and the camera is open on this page alone.
    """
    first, second = enrol(place, name="张小明"), enrol(place, name="李小红")
    stranger = enrol(place, "b1", name="王外校")
    login(client, place.user("registrar", "a1"))
    assert "一年级(1)班 2 2" in text(client.get("/photos/camera/"))
    address = f"/photos/camera/{place.klass().pk}/"
    page = client.get(address)
    assert "camera=(self)" in page["Permissions-Policy"] and 'capture="environment"' in page.content.decode()
    assert "camera=()" in client.get("/photos/camera/")["Permissions-Policy"]

    def send_one(person: uuid.UUID, data: bytes, **headers: str) -> Any:
        sent = {"person": str(person), "photo": SimpleUploadedFile("x.jpg", data)}
        return client.post(address, sent, headers=headers)

    refused = send_one(first, b"not a picture")
    assert refused.status_code == 422 and "这不是照片文件" in text(refused) and "张小明" in text(refused)
    assert "camera=(self)" in refused["Permissions-Policy"], "the page is there again, and so is its camera"
    assert send_one(first, b"", Accept="application/json").json()["message"]
    assert send_one(stranger, picture()).status_code == 404
    answer = send_one(first, picture())
    assert answer.status_code == 303 and answer["Location"] == f"{address}?who={second}"
    told = send_one(second, picture(), Accept="application/json").json()
    assert (told["done"], told["left"], told["next"]) == (str(second), 0, None)
    with act_as(place.user("registrar", "a1")) as actor:
        assert [(s.name, s.has) for s in queries.sitters(actor, place.klass().pk)] == [
            ("张小明", True),
            ("李小红", True),
        ]
    login(client, place.user("registrar", "b1"))
    assert client.get(address).status_code == 404
