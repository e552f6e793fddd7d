"""A real photo, drawn on the spot: every call gives other bytes."""

import io
import secrets

from PIL import Image, ImageDraw, ImageFilter

_SIZE = (1280, 960)
_SMALLER = 3


def take_photo(caption: str) -> bytes:
    """A JPEG of some 100 kB that shows a wall, a pipe and `caption`, with grain of its own."""
    return _as_jpeg(_draw(caption))


def take_small_photo(caption: str) -> bytes:
    """The same, of some 20 kB: for files that are kept in a repository."""
    return _as_jpeg(_draw(caption).reduce(_SMALLER))


def _draw(caption: str) -> Image.Image:
    tone = 150 + secrets.randbelow(60)
    image = Image.new("RGB", _SIZE, (tone, tone - 8, tone - 20))
    draw = ImageDraw.Draw(image)
    for top in range(0, _SIZE[1], 120):
        for left in range(-(top // 120 % 2) * 80, _SIZE[0], 160):
            draw.rectangle((left, top, left + 156, top + 116), outline=(tone - 30,) * 3, width=2)
    draw.rectangle((560, 0, 640, 620), fill=(120, 124, 130))
    draw.ellipse((520, 580, 680, 740), fill=(96, 100, 108), outline=(60, 60, 66), width=6)
    draw.text((40, 880), caption, fill=(20, 20, 24), font_size=40)
    grain = Image.frombytes("L", _SIZE, secrets.token_bytes(_SIZE[0] * _SIZE[1])).filter(
        ImageFilter.GaussianBlur(1.2)
    )
    return Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.12)


def _as_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
