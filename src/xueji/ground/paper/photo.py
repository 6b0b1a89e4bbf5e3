"""Student photos: cleaning what people upload, and drawing friendly stand-ins for invented people.

The standard of the national collection: 26 x 32 mm, light-blue ground, JPEG under 60 KB (358 x 441 px here).
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import warnings

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageDraw, ImageFilter, ImageOps, UnidentifiedImageError

WIDTH, HEIGHT = 358, 441
MAX_BYTES = 60 * 1024
GROUND = (178, 210, 240)
UPLOAD_BYTES = 10 * 1024 * 1024
UPLOAD_PIXELS = 40_000_000
MIN_SIDE = 160
KEEP_SIDE = 1200
_MAGIC = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"BM": "BMP"}

_MESSAGES = {
    "empty": _("照片文件是空的，请重新选择。"),
    "too_large": _("照片文件超过 10 MB，请压缩后再上传。"),
    "not_image": _("这不是照片文件。请上传 JPG、PNG、BMP 或 WebP 格式的照片。"),
    "too_many_pixels": _("照片尺寸过大（超过 4000 万像素），请缩小后再上传。"),
    "too_small": _("照片太小，宽和高都应不少于 160 像素。"),
    "broken": _("照片文件已损坏，无法打开。请重新导出或重新拍摄。"),
}


class PhotoError(ValueError):
    """An upload that is not a usable photo. `code` is for programs, the text (Chinese) for the person."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)

    def __str__(self) -> str:
        return str(_MESSAGES[self.code])


def _sniff(data: bytes) -> str:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise PhotoError("not_image")


def _encode(image: Image.Image, limit: int) -> bytes:
    """JPEG of at most `limit` bytes: quality goes down first, then size."""
    while True:
        for quality in (92, 88, 84, 78, 70, 60, 50):
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality, optimize=True, dpi=(350, 350))
            if buffer.tell() <= limit:
                return buffer.getvalue()
        image = image.resize(
            (max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)), Image.Resampling.LANCZOS
        )


def clean_upload(data: bytes, *, standard: bool = False) -> bytes:
    """A fresh JPEG of an uploaded photo: turned upright, without EXIF (place, device), comments or hidden
    parts.

    With `standard` it is cropped to 358 x 441 px and at most 60 KB, as the national format asks; otherwise it
    keeps its proportions up to 1200 px a side, at most 1 MB. What the file is, is read from its content,
    never from its name. Raises `PhotoError` with a Chinese message.
    """
    if not data:
        raise PhotoError("empty")
    if len(data) > UPLOAD_BYTES:
        raise PhotoError("too_large")
    kind = _sniff(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(data), formats=[kind])
        if image.width * image.height > UPLOAD_PIXELS:
            raise PhotoError("too_many_pixels")
        if min(image.size) < MIN_SIDE:
            raise PhotoError("too_small")
        side = max(WIDTH, HEIGHT) * 2 if standard else KEEP_SIDE
        image.draft("RGB", (side, side))  # JPEG decodes straight to a smaller size: 12 MP in 0.2 s
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            flat = Image.new("RGB", image.size, GROUND)
            rgba = image.convert("RGBA")
            flat.paste(rgba, mask=rgba.getchannel("A"))
            image = flat
        elif image.mode != "RGB":
            image = image.convert("RGB")
        if standard:
            image = ImageOps.fit(image, (WIDTH, HEIGHT), Image.Resampling.LANCZOS, centering=(0.5, 0.35))
        else:
            image.thumbnail((KEEP_SIDE, KEEP_SIDE), Image.Resampling.LANCZOS)
        # A copy of the pixels alone: nothing of the file's other contents can follow.
        clean = Image.frombytes("RGB", image.size, image.tobytes())
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoError("too_many_pixels") from error
    except UnidentifiedImageError as error:
        raise PhotoError("not_image") from error
    except (
        Exception
    ) as error:  # decoders raise many kinds (OSError, SyntaxError, struct.error ...) on broken files
        raise PhotoError("broken") from error
    return _encode(clean, MAX_BYTES if standard else 1024 * 1024)


_SKIN = ((247, 214, 188), (241, 203, 172), (235, 192, 160), (228, 182, 148))
_HAIR = ((38, 32, 34), (52, 42, 38), (30, 30, 38), (66, 50, 42))
_CLOTH = ((44, 82, 140), (176, 58, 62), (58, 122, 98), (96, 80, 150), (206, 140, 60), (70, 96, 120))


def _shade(colour: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    return (
        min(255, int(colour[0] * factor)),
        min(255, int(colour[1] * factor)),
        min(255, int(colour[2] * factor)),
    )


def draw_portrait(seed: str | int, name: str, sex: str) -> bytes:
    """A drawn head-and-shoulders picture for an invented person: same arguments, same JPEG (< 60 KB).

    It is plainly a drawing, so that no demonstration picture can be taken for a real child. `sex` is 男/女 or
    a code beginning with 1/2 or m/f; anything else draws short hair.
    """
    digest = hashlib.sha256(f"{seed}|{name}|{sex}".encode()).digest()
    rnd = random.Random(digest)
    skin, hair, cloth = rnd.choice(_SKIN), rnd.choice(_HAIR), rnd.choice(_CLOTH)
    girl = sex[:1].lower() in {"女", "2", "f"}
    k = 3  # drawn three times as large, then reduced: smooth edges
    w, h = WIDTH * k, HEIGHT * k
    image = Image.new("RGB", (w, h), GROUND)
    light = Image.new("L", (w, h), 0)
    ImageDraw.Draw(light).ellipse((-w * 0.1, -h * 0.1, w * 1.1, h * 0.95), fill=90)
    image.paste(
        Image.new("RGB", (w, h), (206, 228, 248)),
        mask=light.resize((60, 74)).filter(ImageFilter.GaussianBlur(9)).resize((w, h)),
    )
    draw = ImageDraw.Draw(image)
    cx = w / 2 + rnd.uniform(-4, 4) * k
    head_w, head_h = w * rnd.uniform(0.205, 0.225), h * rnd.uniform(0.215, 0.23)
    cy = h * 0.41

    def oval(x: float, y: float, rx: float, ry: float, fill: tuple[int, int, int]) -> None:
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill)

    style = rnd.randrange(3)
    if girl and style == 0:  # long hair behind the shoulders
        draw.rounded_rectangle(
            (cx - head_w * 1.22, cy - head_h * 0.5, cx + head_w * 1.22, cy + head_h * 1.75),
            head_w * 0.5,
            fill=hair,
        )
    elif girl and style == 1:  # two bunches
        for side in (-1, 1):
            oval(cx + side * head_w * 1.2, cy + head_h * 0.6, head_w * 0.32, head_h * 0.62, hair)
    elif girl:  # bob
        draw.rounded_rectangle(
            (cx - head_w * 1.2, cy - head_h * 0.6, cx + head_w * 1.2, cy + head_h * 0.95),
            head_w * 0.55,
            fill=hair,
        )
    # shoulders, collar, neck
    top = cy + head_h * 1.3
    draw.rounded_rectangle((w * 0.1, top, w * 0.9, h * 1.3), w * 0.2, fill=cloth)
    draw.rounded_rectangle(
        (cx - head_w * 0.4, cy + head_h * 0.6, cx + head_w * 0.4, top + head_h * 0.28),
        head_w * 0.3,
        fill=_shade(skin, 0.9),
    )
    for side in (-1, 1):
        draw.polygon(
            [
                (cx + side * head_w * 0.42, top - head_h * 0.06),
                (cx + side * head_w * 0.95, top + head_h * 0.1),
                (cx + side * head_w * 0.45, top + head_h * 0.62),
                (cx, top + head_h * 0.36),
            ],
            fill=(250, 250, 250),
        )
    # ears, head
    for side in (-1, 1):
        oval(cx + side * head_w * 0.99, cy + head_h * 0.1, head_w * 0.16, head_h * 0.17, _shade(skin, 0.94))
    oval(cx, cy - head_h * 0.12, head_w * 1.08, head_h * 1.04, hair)
    oval(cx, cy + head_h * 0.06, head_w, head_h, skin)
    # fringe: the part of the crown above a parted line
    crown = Image.new("L", (w, h), 0)
    cdraw = ImageDraw.Draw(crown)
    cdraw.ellipse((cx - head_w * 1.06, cy - head_h * 1.14, cx + head_w * 1.06, cy + head_h * 1.02), fill=255)
    part = rnd.uniform(-0.5, 0.5)
    line = cy - head_h * (0.36 if girl else 0.48)
    edge = [
        (
            cx - head_w * 1.2 + i * head_w * 2.4 / 24,
            line + head_h * (0.2 * ((i - 12) / 12 - part) ** 2 - 0.02 * math.sin(i)),
        )
        for i in range(25)
    ]
    cdraw.polygon([*edge, (w, line + head_h * 0.3), (w, h), (0, h), (0, line + head_h * 0.3)], fill=0)
    image.paste(Image.new("RGB", (w, h), hair), mask=crown)
    # face
    eye_y, eye_dx = cy + head_h * 0.12, head_w * 0.42
    for side in (-1, 1):
        oval(cx + side * eye_dx, eye_y, head_w * 0.085, head_h * 0.075, (44, 36, 36))
        oval(
            cx + side * eye_dx + head_w * 0.03,
            eye_y - head_h * 0.025,
            head_w * 0.028,
            head_h * 0.024,
            (255, 255, 255),
        )
        brow = eye_y - head_h * 0.2
        draw.arc(
            (
                cx + side * eye_dx - head_w * 0.17,
                brow,
                cx + side * eye_dx + head_w * 0.17,
                brow + head_h * 0.14,
            ),
            205,
            335,
            fill=hair,
            width=int(3.2 * k),
        )
        oval(
            cx + side * head_w * 0.6,
            cy + head_h * 0.42,
            head_w * 0.15,
            head_h * 0.085,
            (min(255, skin[0] + 4), skin[1] - 26, skin[2] - 20),
        )
    draw.arc(
        (cx - head_w * 0.1, cy + head_h * 0.2, cx + head_w * 0.1, cy + head_h * 0.38),
        30,
        150,
        fill=_shade(skin, 0.78),
        width=3 * k,
    )
    smile = head_h * rnd.uniform(0.2, 0.3)
    draw.arc(
        (cx - head_w * 0.27, cy + head_h * 0.66 - smile, cx + head_w * 0.27, cy + head_h * 0.66),
        25,
        155,
        fill=(176, 84, 78),
        width=int(3.4 * k),
    )
    if rnd.random() < 0.28:  # glasses
        for side in (-1, 1):
            draw.rounded_rectangle(
                (
                    cx + side * eye_dx - head_w * 0.27,
                    eye_y - head_h * 0.17,
                    cx + side * eye_dx + head_w * 0.27,
                    eye_y + head_h * 0.17,
                ),
                head_w * 0.12,
                outline=(60, 64, 76),
                width=int(2.6 * k),
            )
        draw.line(
            (cx - head_w * 0.16, eye_y, cx + head_w * 0.16, eye_y), fill=(60, 64, 76), width=int(2.6 * k)
        )
    return _encode(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), MAX_BYTES)
