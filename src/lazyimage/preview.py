"""Notebook previews: exactly one raster, 512 px at most, made by lazyimage itself.

Layer: above engine; loaded on use. The idea: a preview must never fail loudly. A notebook
shows the repr instead of a picture that cannot be made.
"""

from __future__ import annotations

from lazyimage.engine import Engine
from lazyimage.outputs import Encoded, Pixels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIDE = 512
SMALL_PIXELS = 128 * 128  # below this a PNG is as small as a JPEG, and exact
JPEG_QUALITY = 85


def mimebundle(subject: Any) -> dict[str, str] | None:
    """{"image/png": base64} or {"image/jpeg": base64}; None on any error."""
    try:
        encoded = render(subject)
        if encoded is None:
            return None
        from binascii import b2a_base64

        return {encoded.mime: b2a_base64(encoded, newline=False).decode("ascii")}
    except Exception:
        return None


def render(subject: Any) -> Encoded | None:
    """The picture to show, encoded; None: there is none."""
    if isinstance(subject, Encoded):
        fits = max(subject.width, subject.height) <= SIDE
        return subject if fits else shrunk(subject.open())
    if isinstance(subject, Pixels):
        plain = subject.dtype == "uint8" and subject.layout == "HWC"
        return shrunk(Engine.from_pixels(subject)) if plain else None
    return shrunk(subject)


def shrunk(engine: Engine) -> Encoded:
    """PNG for alpha and for small pictures, which it keeps exact; else JPEG."""
    decoded = engine.resize(SIDE, SIDE, enlarge=False).decoded()
    width, height = decoded.dimensions()
    if decoded.info.has_alpha or width * height <= SMALL_PIXELS:
        return decoded.to_buffer("png", bit_depth=8)
    return decoded.to_buffer("jpeg", JPEG_QUALITY)
