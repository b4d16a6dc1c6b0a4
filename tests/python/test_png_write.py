"""PNG out, seen from outside: Pillow and zlib read what every level writes."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

import lazyimage as li

LEVELS = (None, *range(10))
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def picture(kind: str, height: int, width: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng(width * 7 + channels)
    y, x, c = np.mgrid[:height, :width, :channels]
    if kind == "noise":
        return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    if kind == "flat":
        return np.full((height, width, channels), 77, dtype=np.uint8)
    if kind == "photo":
        smooth = 120 + 60 * np.sin(x / 19 + c) + 50 * np.cos(y / 31)
        return (smooth + rng.integers(0, 6, y.shape)).astype(np.uint8)
    return ((x // 5 * 7 ^ y // 3 * 5) % 3 * 100).astype(np.uint8)  # few colours, again and again


def chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    """(type, body) of each; every CRC is checked."""
    found, at = [], 8
    while at < len(file):
        (size,) = struct.unpack_from(">I", file, at)
        kind, body = file[at + 4 : at + 8], file[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", file, at + 8 + size)[0] == zlib.crc32(kind + body)
        found.append((kind, body))
        at += 12 + size
    return found


@pytest.mark.parametrize("kind", ["noise", "flat", "photo", "shapes"])
@pytest.mark.parametrize("channels", MODES)
def test_pillow_and_zlib_read_what_every_level_writes(kind, channels):
    pixels = picture(kind, 131, 203, channels)
    for level in LEVELS:
        file = bytes(li.Engine.from_pixels(pixels).to_buffer("png", compression=level))
        with Image.open(io.BytesIO(file)) as opened:
            assert opened.mode == MODES[channels]
            assert np.array_equal(np.asarray(opened).reshape(pixels.shape), pixels)
        parts = chunks(file)
        assert [parts[0][0], parts[-1][0]] == [b"IHDR", b"IEND"]
        assert {kind for kind, _ in parts[1:-1]} == {b"IDAT"}
        assert all(len(body) <= 65536 - 12 for _, body in parts)
        rows = zlib.decompress(b"".join(body for _, body in parts[1:-1]))
        assert len(rows) == 131 * (203 * channels + 1)


def test_explain_says_how_a_png_is_packed():
    engine = li.Engine.from_pixels(picture("photo", 40, 40, 3))
    assert "compression 2, runs and repeats" in engine.explain("png")
    assert "compression 0, stored" in engine.explain("png", compression=0)
    assert "compression 1, runs" in engine.explain("png", compression=1)


def test_the_default_is_near_pillows_bytes():
    pixels = picture("photo", 400, 600, 3)
    theirs = io.BytesIO()
    Image.fromarray(pixels).save(theirs, "png")
    assert len(li.Engine.from_pixels(pixels).to_buffer("png")) < 1.05 * theirs.tell()


SCRIPT = """
import hashlib, sys
import numpy as np
import lazyimage as li
digest = hashlib.sha256()
rng = np.random.default_rng(4)
for channels in (1, 2, 3, 4):
    for width in (5, 64, 301):
        noise = rng.integers(0, 40, (90, width, channels)).cumsum(axis=1).astype(np.uint8)
        digest.update(bytes(li.Engine.from_pixels(noise).to_buffer("png")))
print(digest.hexdigest())
"""


def test_the_same_bytes_under_every_set_of_instructions():
    digests = set()
    for simd in (None, "scalar", "sse41", "avx2", "neon"):
        environment = {**os.environ, **({"LAZYIMAGE_SIMD": simd} if simd else {})}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True
        )
        if done.returncode == 0:  # this machine has them
            digests.add(done.stdout.strip())
        else:
            assert simd not in (None, "scalar"), done.stderr
    assert len(digests) == 1 and len(digests.pop()) == len(hashlib.sha256().hexdigest())
