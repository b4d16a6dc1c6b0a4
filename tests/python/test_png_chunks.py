"""Ancillary PNG chunks that are twice, late or of a wrong length: a warning, and ignored."""

import re
import struct
import zlib

import numpy as np
import pytest

from lazyimage import Engine

SAMPLES = np.random.default_rng(6).integers(0, 256, (20, 30, 3), np.uint8)
BODIES = {
    "cICP": bytes((1, 13, 0, 1)),
    "sRGB": b"\0",
    "gAMA": struct.pack(">I", 45455),
    "cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    "pHYs": struct.pack(">IIB", 2835, 2835, 1),
    "iCCP": b"x\0\0" + zlib.compress(bytes(200)),
    "tRNS": struct.pack(">3H", 1, 2, 3),
    "tIME": bytes((7, 232, 1, 1, 0, 0, 0)),
    "eXIf": b"II*\0\x08\0\0\0\0\0\0\0\0\0",
}
SIZED = ("cICP", "sRGB", "gAMA", "cHRM", "pHYs", "tIME")
ANYWHERE = ("tIME", "eXIf")


def chunk(kind: str, body: bytes) -> bytes:
    named = kind.encode() + body
    return len(body).to_bytes(4, "big") + named + zlib.crc32(named).to_bytes(4, "big")


def with_chunks(
    interlace: bool, front: bytes, behind: bytes = b"", samples: np.ndarray = SAMPLES
) -> bytes:
    data = bytes(Engine.from_pixels(samples).to_buffer("png", interlace=interlace))
    head = data[:33]  # signature and IHDR
    pixels = data[data.index(b"IDAT") - 4 : -12]
    return head + front + pixels + behind + data[-12:]


def warnings_of(data: bytes) -> list[str]:
    pixels = Engine.from_bytes(data).to_pixels(mode="RGB")
    assert np.array_equal(np.asarray(pixels), SAMPLES)
    return [text for text in pixels.metrics.warnings if re.match(r"png: \w{4}: ", text)]


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("kind", BODIES)
def test_each_chunk_is_where_it_should_be(kind: str, interlace: bool):
    good = chunk(kind, BODIES[kind])
    text = chunk("tEXt", b"Comment\0twice")
    assert warnings_of(with_chunks(interlace, text + good + text, text)) == []
    late = warnings_of(with_chunks(interlace, b"", good))
    assert late == ([] if kind in ANYWHERE else [f"png: {kind}: out of place"])
    twice = warnings_of(with_chunks(interlace, good + good + good))
    assert twice == [f"png: {kind}: duplicate"]
    again = warnings_of(with_chunks(interlace, good, good))
    assert again == [f"png: {kind}: {'duplicate' if kind in ANYWHERE else 'out of place'}"]


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("kind", SIZED)
def test_a_wrong_length_is_told_and_the_chunk_is_ignored(kind: str, interlace: bool):
    good, bad = chunk(kind, BODIES[kind]), chunk(kind, BODIES[kind] + b"\1")
    data = with_chunks(interlace, bad)
    assert warnings_of(data) == [f"png: {kind}: invalid"]
    assert Engine.from_bytes(data).info.density is None
    # The first that is valid counts.
    assert warnings_of(with_chunks(interlace, bad + good)) == [f"png: {kind}: invalid"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_thread_of_its_own_tells_the_same(threads: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", str(threads))
    gamma = chunk("gAMA", BODIES["gAMA"])
    front = gamma + gamma + chunk("pHYs", b"")
    data = with_chunks(False, front, gamma, np.zeros((2000, 2100), np.uint8))
    metrics = Engine.from_bytes(data).resize(50).to_pixels().metrics
    assert metrics.threads == threads
    said = ("png: gAMA: duplicate", "png: pHYs: invalid", "png: gAMA: out of place")
    assert metrics.warnings == said
