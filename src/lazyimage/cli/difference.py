"""The difference of two pictures as a picture: |a − b| of each sample, made brighter.

The idea: a long integer is a row of 16-bit lanes, and Python adds long integers in C; so a
strip of samples is subtracted at once, without NumPy.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from lazyimage import Engine
from lazyimage.errors import InvalidArgumentError

STRIP: Final = 1 << 18
"""Bytes at a time, about."""


@lru_cache(maxsize=4)
def lanes(size: int) -> tuple[int, int]:
    """0x00FF and 0x0001 in each 16-bit lane of so many bytes."""
    return (
        int.from_bytes(b"\xff\x00" * ((size + 1) // 2), "little"),
        int.from_bytes(b"\x01\x00" * ((size + 1) // 2), "little"),
    )


def each_half(a: bytes, b: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Even bytes, then odd ones, a lane each: (a's, max(a − b, 0), max(b − a, 0), shift)."""
    low, one = lanes(len(a))
    first, second = int.from_bytes(a, "little"), int.from_bytes(b, "little")
    for shift in (0, 8):
        x, y = (first >> shift) & low, (second >> shift) & low
        d = (x | (one << 8)) - y  # 256 + x − y: no lane borrows from the next
        positive = ((d >> 8) & one) * 0xFF  # all ones where x ≥ y
        negative = positive ^ low
        up = d & low & positive
        down = ((d & low & negative) ^ negative) + (negative & one)  # 256 − (256 + x − y)
        yield x, up, down, shift


def distances(a: bytes, b: bytes) -> bytes:
    """|a − b| of each byte; both have one length."""
    total = sum((up + down) << shift for _, up, down, shift in each_half(a, b))
    return total.to_bytes(len(a), "little")


def larger(a: bytes, b: bytes) -> bytes:
    """max(a, b) of each byte; both have one length."""
    total = sum((x + down) << shift for x, _, down, shift in each_half(a, b))
    return total.to_bytes(len(a), "little")


def difference(a: Engine, b: Engine, gain: int) -> Engine:
    """Black where a and b are the same, gain times |a − b| elsewhere; gray or RGB.

    A difference of alpha shows in all channels. Raises InvalidArgumentError (E400) for
    pictures of different sizes.
    """
    modes = {engine.info.mode for engine in (a, b)}
    has_alpha = bool(modes & {"LA", "RGBA"})
    kind = "L" if modes <= {"L", "LA"} else "RGB"
    mode: Any = kind + ("A" if has_alpha else "")
    first, second = (engine.to_pixels(mode=mode, shrink="exact") for engine in (a, b))
    if first.shape != second.shape:
        sizes = " and ".join(f"{pixels.width}x{pixels.height}" for pixels in (first, second))
        raise InvalidArgumentError(
            f"the pictures are of different sizes: {sizes}",
            hint="resize one of them to the size of the other",
        )
    height, width, channels = first.shape
    table = bytes(min(255, value * gain) for value in range(256))
    out = bytearray()
    flat = memoryview(first).cast("B"), memoryview(second).cast("B")
    step = max(1, STRIP // (width * channels)) * width * channels
    for start in range(0, flat[0].nbytes, step):
        strip = distances(*(bytes(view[start : start + step]) for view in flat))
        out += (without_alpha(strip, channels) if has_alpha else strip).translate(table)
    shape = (height, width, channels - has_alpha)
    return Engine.from_pixels(memoryview(out).toreadonly().cast("B", shape))


def without_alpha(strip: bytes, channels: int) -> bytes:
    """Each channel, but where alpha differs more, that."""
    colors = channels - 1
    out = bytearray(len(strip) // channels * colors)
    alpha = strip[colors::channels]
    for channel in range(colors):
        out[channel::colors] = larger(strip[channel::channels], alpha)
    return bytes(out)
