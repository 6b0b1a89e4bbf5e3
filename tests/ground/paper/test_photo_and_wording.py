"""Photos that come in, portraits that are drawn, and the small wording rules."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from xueji.ground.paper.photo import HEIGHT, MAX_BYTES, WIDTH, PhotoError, clean_upload, draw_portrait
from xueji.ground.paper.seal import rosette_svg, seal_svg
from xueji.ground.paper.wording import grouped, mask_number, qr_svg


def picture(size: tuple[int, int] = (800, 1000), kind: str = "JPEG", **extra: object) -> bytes:
    image = Image.effect_noise(size, 40).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, kind, **extra)
    return buffer.getvalue()


def test_portrait_is_a_small_standard_photo_and_always_the_same() -> None:
    data = draw_portrait(42, "王小明", "男")
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("JPEG", (WIDTH, HEIGHT))
    assert len(data) < MAX_BYTES
    assert data == draw_portrait(42, "王小明", "男")
    assert data != draw_portrait(43, "王小明", "男")
    red, green, blue = image.getpixel((5, 5))
    assert blue > green > red, "light-blue ground"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_upload_is_re_encoded_to_the_standard(kind: str) -> None:
    cleaned = clean_upload(picture(kind=kind), standard=True)
    image = Image.open(io.BytesIO(cleaned))
    assert image.format == "JPEG"
    assert image.width / image.height == pytest.approx(WIDTH / HEIGHT, rel=0.01)
    assert len(cleaned) <= MAX_BYTES


def test_upload_loses_exif_comment_and_trailing_content_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "SecretCamera"
    data = picture((800, 600), exif=exif, comment=b"SecretComment") + b"<?php SecretTail ?>"
    cleaned = clean_upload(data)
    image = Image.open(io.BytesIO(cleaned))
    assert image.height > image.width
    assert not image.getexif()
    assert b"Secret" not in cleaned


def test_transparent_png_gets_the_light_blue_ground() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 400), (0, 0, 0, 0)).save(buffer, "PNG")
    red, green, blue = Image.open(io.BytesIO(clean_upload(buffer.getvalue()))).getpixel((10, 10))
    assert blue > 220
    assert green > red > 150


def bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"x" * (10 * 1024 * 1024 + 1), "too_large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_image"),
        (b"%PDF-1.7", "not_image"),
        (b"GIF89a" + b"\0" * 100, "not_image"),
        (picture((100, 100)), "too_small"),
        (picture()[:2000], "broken"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "not_image"),
        (bomb(), "too_many_pixels"),
    ],
)
def test_upload_refuses_with_a_reason_in_chinese(data: bytes, code: str) -> None:
    with pytest.raises(PhotoError) as caught:
        clean_upload(data)
    assert caught.value.code == code
    assert "照片" in str(caught.value)


@given(st.text(st.sampled_from("0123456789XGLJ*"), max_size=24))
def test_masked_number_shows_at_most_a_prefix_letter_and_four_characters(number: str) -> None:
    masked = mask_number(number)
    shown = masked.replace("*", "")
    assert len(shown) <= 5
    if len(shown) == 5:
        assert shown[0] in "GLJ"
    assert mask_number(masked) == masked


def test_mask_keeps_the_kind_letter_and_the_tail() -> None:
    assert mask_number("G990101201601010021") == "G" + "*" * 14 + "0021"
    assert mask_number("990101201601010021") == "*" * 14 + "0021"
    assert mask_number("0021") == "*" * 14 + "0021"
    assert mask_number("") == ""


def test_code_is_grouped_in_fours() -> None:
    assert grouped("7KQ2M9XDTR4HW8PF") == "7KQ2 M9XD TR4H W8PF"


def test_seal_and_pictures_are_vectors() -> None:
    for name in ("学校", "新疆生产建设兵团云川师范大学附属实验九年一贯制民族中心学校东校区"):
        svg = seal_svg(name, "学籍专用章")
        assert svg.startswith("<svg")
        assert "<text" not in svg
        assert svg.count("<polygon") == 1
    assert "<path" in rosette_svg()
    assert "<path" in qr_svg("https://xueji.example/verify")
