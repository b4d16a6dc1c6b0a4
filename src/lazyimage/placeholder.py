"""Placeholders: what a page shows before the picture is there, in tens of bytes.

Layer: above engine; loaded on use. The idea: everything is read off a picture so small that
plain Python is fast enough.
"""

from __future__ import annotations

from math import cos, floor, pi
from operator import mul

from lazyimage.checks import as_integer
from lazyimage.formats import QUALITY_FORMATS, check_format
from lazyimage.ranges import check_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lazyimage.engine import Engine

COLOUR_SIDE = 64
BIN_BITS = 4
"""A sample's bits that choose its bin: 16 × 16 × 16 bins."""
VISIBLE = 128
"""Alpha from which a pixel has a colour."""
HASH_SIDE = 100
"""The largest side that ThumbHash takes."""


def data_url(engine: Engine, size: object, format: object, quality: object) -> str:
    """See Engine.placeholder()."""
    side = as_integer(size, "placeholder: size")
    check_range(side, "placeholder: size")
    name = check_format(format)
    level = as_integer(quality, "placeholder: quality") if name in QUALITY_FORMATS else None
    from binascii import b2a_base64

    encoded = engine.resize(side, side, enlarge=False).to_buffer(name, level)
    text = b2a_base64(encoded, newline=False).decode("ascii")
    return f"data:{encoded.mime};base64,{text}"


def small_pixels(engine: Engine, side: int) -> tuple[int, int, bytes]:
    """Width, height and RGBA of the picture inside side × side."""
    pixels = engine.resize(side, side, enlarge=False).to_pixels(mode="RGBA")
    return pixels.width, pixels.height, memoryview(pixels).tobytes()


def dominant(engine: Engine) -> str:
    """See Engine.dominant_color()."""
    _, _, data = small_pixels(engine, COLOUR_SIDE)
    pixels = list(zip(data[0::4], data[1::4], data[2::4], data[3::4], strict=True))
    seen = [pixel for pixel in pixels if pixel[3] >= VISIBLE] or pixels
    bins: dict[tuple[int, int, int], list[int]] = {}
    shift = 8 - BIN_BITS
    for red, green, blue, _ in seen:
        sums = bins.setdefault((red >> shift, green >> shift, blue >> shift), [0, 0, 0, 0])
        sums[0] += 1
        sums[1] += red
        sums[2] += green
        sums[3] += blue
    count, *colour = max(bins.values(), key=lambda sums: sums[0])
    return "#" + "".join(f"{(2 * total + count) // (2 * count):02x}" for total in colour)


# --- ThumbHash -----------------------------------------------------------------------


def thumbhash(engine: Engine) -> bytes:
    """See Engine.thumbhash()."""
    return thumbhash_of(*small_pixels(engine, HASH_SIDE))


def thumbhash_of(width: int, height: int, data: bytes) -> bytes:
    """Evan Wallace's ThumbHash (github.com/evanw/thumbhash) of RGBA, sides to 100.

    A cosine transform of luma and two chroma, and of alpha if there is any; low frequencies
    alone, four bits each, scaled by the largest.
    """
    luma, yellow, red, alpha = planes_of(data)
    has_alpha = sum(alpha) < width * height
    most = 5 if has_alpha else 7
    longest = max(width, height)
    across = max(1, rounded(most * width / longest))
    down = max(1, rounded(most * height / longest))
    parts = [
        transform(luma, width, height, max(3, across), max(3, down)),
        transform(yellow, width, height, 3, 3),
        transform(red, width, height, 3, 3),
    ]
    if has_alpha:
        parts.append(transform(alpha, width, height, 5, 5))
    head = header(parts, has_alpha, width > height, across, down)
    levels = [rounded(15 * level) for _, waves, _ in parts for level in waves]
    levels += [0] * (len(levels) % 2)
    pairs = zip(levels[0::2], levels[1::2], strict=True)
    return head + bytes(low | high << 4 for low, high in pairs)


def rounded(number: float) -> int:
    """Half upwards, as JavaScript's Math.round, which the format is defined by."""
    return floor(number + 0.5)


def planes_of(data: bytes) -> tuple[list[float], list[float], list[float], list[float]]:
    """Luma, yellow − blue, red − green and alpha, 0 to 1, over the mean colour."""
    alpha = [value / 255 for value in data[3::4]]
    total = sum(alpha)
    colours = []
    for channel in (data[0::4], data[1::4], data[2::4]):
        shown = [part * value / 255 for part, value in zip(alpha, channel, strict=True)]
        mean = sum(shown) / total if total else 0.0
        colours.append(
            [mean * (1 - part) + value for part, value in zip(alpha, shown, strict=True)]
        )
    triples = list(zip(*colours, strict=True))
    luma = [(red + green + blue) / 3 for red, green, blue in triples]
    yellow = [(red + green) / 2 - blue for red, green, blue in triples]
    reds = [red - green for red, green, _ in triples]
    return luma, yellow, reds, alpha


def waves_of(size: int, count: int) -> list[list[float]]:
    """The first cosines over so many samples."""
    return [[cos(pi / size * n * (i + 0.5)) for i in range(size)] for n in range(count)]


def transform(
    plane: Sequence[float], width: int, height: int, across: int, down: int
) -> tuple[float, list[float], float]:
    """(mean, the low frequencies scaled to 0..1, their scale) of one plane.

    Those frequencies count that lie under the line from (across, 0) to (0, down).
    """
    columns = waves_of(width, across)
    rows = [plane[y * width : (y + 1) * width] for y in range(height)]
    halves = [[sum(map(mul, row, wave)) for row in rows] for wave in columns]
    found = [
        sum(map(mul, halves[cx], wave)) / (width * height)
        for cy, wave in enumerate(waves_of(height, down))
        for cx in range(across)
        if cx * down < across * (down - cy)
    ]
    mean, *rest = found
    scale = max((abs(value) for value in rest), default=0.0)
    if scale:
        rest = [0.5 + 0.5 / scale * value for value in rest]
    return mean, rest, scale


def header(
    parts: Sequence[tuple[float, list[float], float]],
    has_alpha: bool,
    landscape: bool,
    across: int,
    down: int,
) -> bytes:
    """Means, scales and the shape, in five bytes; six with alpha."""
    luma, yellow, red = parts[:3]
    first = (
        rounded(63 * luma[0])
        | rounded(31.5 + 31.5 * yellow[0]) << 6
        | rounded(31.5 + 31.5 * red[0]) << 12
        | rounded(31 * luma[2]) << 18
        | has_alpha << 23
    )
    second = (
        (down if landscape else across)
        | rounded(63 * yellow[2]) << 3
        | rounded(63 * red[2]) << 9
        | landscape << 15
    )
    head = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    if has_alpha:
        head += bytes([rounded(15 * parts[3][0]) | rounded(15 * parts[3][2]) << 4])
    return head
