"""A CRC of everything that jobs make of pictures, or the error that they end with: R15's worker.

    digests.py [LIST]   (a file with a path a line)

A line a job. The first line is what malloc had left in a new block, which the two runs of R15
must see differ.
"""

from __future__ import annotations

import ctypes
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from lazyimage import Engine, LazyImageError, run

WHOLE_PIXELS = 500_000


def fresh_byte() -> int:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    block = libc.malloc(200)
    value = ctypes.string_at(block + 100, 1)[0]
    libc.free(ctypes.c_void_p(block))
    return value


def crc(data: object) -> str:
    return f"{zlib.crc32(memoryview(data).cast('B')):08x}"  # type: ignore[call-overload]


def results(path: str) -> Iterator[str]:
    engine = Engine.from_path(path)
    info = engine.info
    yield repr(info)
    small = engine.resize(48)
    if info.width * info.height <= WHOLE_PIXELS:
        yield crc(engine.to_pixels())
        yield crc(engine.to_buffer("png"))
    yield crc(small.rotate(90).contrast(9).to_pixels(dtype="float32", layout="CHW"))
    for format, options in (
        ("jpeg", {"progressive": True}),
        ("png", {"compression": 9}),
        ("webp", {}),
        ("webp", {"lossless": True}),
        ("avif", {"speed": 10}),
    ):
        yield crc(small.to_buffer(format, **options))
    for outcome in run([engine.resize(n).output(format="jpeg") for n in (20, 33)]):
        yield crc(outcome.result) if outcome.ok else str(outcome.error)


def main() -> None:
    print("fresh", fresh_byte())
    for path in Path(sys.argv[1]).read_text().splitlines():
        try:
            for index, line in enumerate(results(path)):
                print(path, index, line)
        except LazyImageError as error:
            print(path, error.code, error)


if __name__ == "__main__":
    main()
