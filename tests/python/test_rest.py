"""What lies behind the end of a file, and what a file lacks that ends too early."""

from pathlib import Path

import numpy as np
import pytest
import ways

import lazyimage as li
from lazyimage import Engine, Recipe, TruncatedImageError

NOISE = np.random.default_rng(3).integers(0, 255, (96, 130, 3), np.uint8)
ENDS = {
    "jpeg": "the end marker",
    "png": "IEND",
    "webp": "the RIFF",
    "avif": "the last box",
}
VARIANTS = {
    **{format: (format, {}) for format in ways.FORMATS},
    "progressive": ("jpeg", {"progressive": True}),
    "interlaced": ("png", {"interlace": True}),
    "lossless": ("webp", {"lossless": True}),
}
# A motion photo's second file begins with a box or a picture of its own.
RESTS = {
    "one": b"\0",
    "seven": b"\xff" * 7,
    "zeros": b"\0" * 77,
    "words": b"words that somebody put there",
    "free": b"\0\0\0\x10fre\x01" + b"\0" * 8,
    "long": b"\0\0\0\1uuid" + b"\xff" * 8 + b"x" * 40,
    "trailer": b"\0\0\x7f\0mpvd" + b"\0\0\0\x18ftypmp42" + b"\0" * 90,
}


def made(variant: str) -> bytes:
    format, options = VARIANTS[variant]
    return bytes(Engine.from_pixels(NOISE).to_buffer(format, **options))


def said(variant: str, rest: bytes) -> tuple[str, ...]:
    format = VARIANTS[variant][0]
    return (f"{format}: {len(rest)} extraneous bytes behind {ENDS[format]}",)


@pytest.mark.parametrize("variant", VARIANTS)
def test_bytes_behind_the_end_are_a_warning(variant):
    data = made(variant)
    whole = Engine.from_bytes(data).to_pixels()
    assert whole.metrics.warnings == ()
    for rest in (*RESTS.values(), data):
        longer = Engine.from_bytes(data + rest)
        pixels = longer.to_pixels()
        assert np.array_equal(np.asarray(pixels), np.asarray(whole)), rest[:20]
        assert pixels.metrics.warnings == said(variant, rest), rest[:20]
        small = longer.resize(width=16).to_buffer("jpeg", shrink="fast")
        assert small.metrics.warnings == said(variant, rest), rest[:20]


@pytest.mark.parametrize("variant", ways.FORMATS)
def test_every_way_into_a_job_says_so_once(variant, tmp_path):
    data = ways.FILES[variant] + RESTS["zeros"]
    for name, way in ways.WAYS.items():
        result = way(data, Recipe(), tmp_path)
        if name not in ("by_pipeline", "by_batch"):  # bytes, and what is told on asking
            assert result.metrics.warnings == said(variant, RESTS["zeros"]), name


def test_a_region_above_the_end_does_not_look_for_it():
    for variant in ("jpeg", "png"):
        top = Engine.from_bytes(made(variant) + b"rest").crop(0, 0, 64, 16)
        assert top.to_pixels().metrics.warnings == ()


@pytest.mark.skipif("avif" not in li.features(), reason="a build without AVIF")
def test_a_box_that_is_needed_is_no_rest():
    """Padding in front of meta is a box like any other."""
    data = ways.FILES["avif"]
    start = int.from_bytes(data[:4], "big")
    for padding in (b"\0\0\0\x08free", b"\0\0\0\x0c\1\2\3\4abcd"):
        with pytest.raises(li.LazyImageError):  # all offsets are wrong now
            Engine.from_bytes(data[:start] + padding + data[start:]).to_pixels()
        assert Engine.from_bytes(data[:start] + padding + data[start:]).info.width == ways.WIDTH


@pytest.mark.parametrize("options", [{}, {"bit_depth": 10}, {"lossless": True}])
@pytest.mark.parametrize("alpha", [False, True])
def test_an_avif_that_is_cut_is_truncated(options, alpha):
    pixels = np.dstack([NOISE, NOISE[..., :1]]) if alpha else NOISE
    data = bytes(Engine.from_pixels(pixels).to_buffer("avif", **options))
    start = data.index(b"meta") + 4
    for size in (*range(start, start + 400, 7), *range(start + 400, len(data), 997), len(data) - 1):
        cut = Engine.from_bytes(data[:size])
        with pytest.raises(TruncatedImageError):
            cut.to_pixels()
    assert Engine.from_bytes(data[: len(data) // 2]).info.width == NOISE.shape[1]


def test_cells_that_are_cut_off_are_truncated():
    data = (Path(__file__).parents[1] / "data" / "avif" / "grid-420.avif").read_bytes()
    assert Engine.from_bytes(data + data).to_pixels().metrics.warnings == said("avif", data)
    start = data.index(b"mdat")
    for size in range(start, len(data), max(1, (len(data) - start) // 20)):
        with pytest.raises(TruncatedImageError):
            Engine.from_bytes(data[:size]).to_pixels()
