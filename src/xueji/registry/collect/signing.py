"""The signature that a finger draws: a picture of a canvas, checked and drawn anew."""

from __future__ import annotations

import base64
import binascii
import io

from django.utils.translation import gettext as _
from PIL import Image

from .errors import CollectError

PREFIX = "data:image/png;base64,"
MOST_BYTES = 400_000
MOST_SIDE = 2_400
#: So much ink at least, in pixels: an empty or dotted canvas is no signature.
LEAST_INK = 60


def picture(data_url: str) -> bytes:
    """The signature as a fresh PNG, black on white. Raises `CollectError` for anything that is none."""
    if not data_url.startswith(PREFIX) or len(data_url) > MOST_BYTES:
        raise CollectError(_("没有收到签名, 请在方框里再签一次"))
    try:
        raw = base64.b64decode(data_url[len(PREFIX) :], validate=True)
        image = Image.open(io.BytesIO(raw), formats=["PNG"])
        if max(image.size) > MOST_SIDE or min(image.size) < 40:
            raise CollectError(_("签名的图片大小不对, 请再签一次"))
        image.load()
        inked = image.convert("RGBA")
    except CollectError:
        raise
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise CollectError(_("没有收到签名, 请在方框里再签一次")) from error
    flat = Image.new("RGBA", inked.size, (255, 255, 255, 255))
    flat.alpha_composite(inked)
    plain = flat.convert("L")
    if sum(plain.histogram()[:128]) < LEAST_INK:
        raise CollectError(_("签名太短, 请写下您的姓名"))
    plain.thumbnail((900, 450))
    # Never smaller than what the room of files takes for a picture.
    room = Image.new("L", (max(plain.width, 200), max(plain.height, 200)), 255)
    room.paste(plain, ((room.width - plain.width) // 2, (room.height - plain.height) // 2))
    buffer = io.BytesIO()
    room.save(buffer, "PNG")
    return buffer.getvalue()
