"""effort= of JPEG output, seen from outside: Pillow reads what every effort writes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lazyimage as li

EFFORTS = tuple(range(10))
PHOTOGRAPH = Path(__file__).parents[2] / "benchmarks" / "data" / "picture.jpg"


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """RGB samples, with as many columns and rows as fill no block."""
    resized = li.Engine.from_path(PHOTOGRAPH).resize(637, 637)
    return np.asarray(resized.to_pixels(mode="RGB"))


def opened(data: li.Encoded) -> Image.Image:
    return Image.open(io.BytesIO(bytes(data)))


def difference(image: Image.Image, pixels: np.ndarray) -> float:
    shown = np.asarray(image.convert("RGB")).astype(float)
    return float(np.abs(shown - pixels).mean())


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("progressive", [None, False, True])
@pytest.mark.parametrize("table", [None, "standard", "tuned"])
def test_pillow_reads_every_effort_with_every_option(photograph, subsampling, progressive, table):
    pixels = np.ascontiguousarray(photograph[50:209, 40:243])
    engine = li.Engine.from_pixels(pixels)
    factors = {"4:2:0": (2, 2), "4:2:2": (2, 1), "4:4:4": (1, 1)}[subsampling]
    for effort in EFFORTS:
        for optimize in (None, True) if progressive else (None, False, True):
            made = engine.to_buffer(
                "jpeg",
                90,
                effort=effort,
                optimize=optimize,
                subsampling=subsampling,
                progressive=progressive,
                quant_table=table,
            )
            with opened(made) as image:
                assert image.layer[0][1:3] == factors
                assert image.size == (203, 159)
                usual = effort >= 3 and optimize is not False
                in_scans = usual if progressive is None else progressive
                assert bool(image.info.get("progressive")) == in_scans
                assert difference(image, pixels) < 6


def test_gray_and_the_smallest_pictures_come_back(photograph):
    for shape in ((1, 1), (1, 9), (17, 1), (8, 8), (33, 15)):
        gray = np.ascontiguousarray(photograph[: shape[0], : shape[1], 1])
        for effort in EFFORTS:
            with opened(li.Engine.from_pixels(gray).to_buffer("jpeg", 90, effort=effort)) as image:
                assert image.mode == "L" and image.size == (shape[1], shape[0])
                assert np.abs(np.asarray(image).astype(int) - gray).mean() < 4


def test_files_get_smaller_and_pictures_stay_as_good(photograph):
    engine = li.Engine.from_pixels(photograph)
    for quality in (50, 75, 85):
        made = [engine.to_buffer("jpeg", quality, effort=effort) for effort in EFFORTS]
        sizes = [len(one) for one in made]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[9] < sizes[7] < 0.98 * sizes[3] < sizes[2] < sizes[0]
        scores = [li.quality.ssim(photograph, one.open().to_pixels()) for one in made]
        assert min(scores) > scores[0] - 0.035


def test_quality_is_honoured_by_every_effort(photograph):
    engine = li.Engine.from_pixels(np.ascontiguousarray(photograph[:120, :160]))
    for effort in EFFORTS:
        sizes = [len(engine.to_buffer("jpeg", q, effort=effort)) for q in (1, 20, 50, 80, 100)]
        assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)


def test_a_higher_quality_is_never_a_smaller_file_of_any_effort(photograph):
    """What a search for bytes relies on."""
    engine = li.Engine.from_pixels(photograph)
    for effort in (0, 3, 5, 9):
        sizes = [len(engine.to_buffer("jpeg", q, effort=effort)) for q in (*range(1, 46), 60, 80)]
        assert sizes == sorted(sizes), effort


def test_the_plan_covers_the_peak(photograph):
    engine = li.Engine.from_path(PHOTOGRAPH).resize(900)
    for effort in EFFORTS:
        foreseen = engine.estimate("jpeg", effort=effort)
        made, metrics = engine.to_buffer_with_metrics("jpeg", effort=effort)
        assert metrics.peak_bytes <= foreseen.peak_bytes
        assert len(made) <= foreseen.out_bytes
        assert f"effort {effort}" in engine.explain("jpeg", effort=effort)


def test_effort_5_is_the_default_while_the_coefficients_fit(photograph):
    engine = li.Engine.from_pixels(photograph)
    assert bytes(engine.to_buffer("jpeg")) == bytes(engine.to_buffer("jpeg", effort=5))
    large = li.Engine.from_pixels(np.zeros((1500, 2000, 3), np.uint8))  # 9 MB of them
    assert "progressive, effort 5" in engine.explain("jpeg")
    assert "baseline, effort 0" in large.explain("jpeg")
    assert bytes(large.to_buffer("jpeg")) == bytes(large.to_buffer("jpeg", effort=0))
    assert "baseline, optimized, effort 5" in large.explain("jpeg", effort=5, progressive=False)


def segments(data: li.Encoded, marker: int) -> list[bytes]:
    """Those with this marker in front of the first scan."""
    file, at, found = bytes(data), 2, []
    while file[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == marker:
            found.append(file[at:end])
        at = end
    return found


def test_optimize_false_writes_the_standard_huffman_tables_at_every_effort(photograph):
    engine = li.Engine.from_pixels(photograph)
    streamed = engine.to_buffer("jpeg", 60, effort=0)
    for effort in EFFORTS:
        made = engine.to_buffer("jpeg", 60, effort=effort, optimize=False)
        assert segments(made, 0xC4) == segments(streamed, 0xC4) != []
        assert segments(made, 0xC0) != []  # baseline
        scanned = engine.to_buffer("jpeg", 60, effort=effort, optimize=False, progressive=False)
        assert bytes(made) == bytes(scanned)
        assert (segments(made, 0xDB) == segments(streamed, 0xDB)) == (effort < 3)


@pytest.mark.parametrize("progressive", [None, False])
def test_optimize_false_alone_is_effort_0(photograph, progressive):
    engine = li.Engine.from_pixels(photograph)
    options = {"optimize": False, "progressive": progressive}
    assert bytes(engine.to_buffer("jpeg", **options)) == bytes(engine.to_buffer("jpeg", effort=0))
    assert engine.explain("jpeg", **options) == engine.explain("jpeg", effort=0)
    streamed, held = engine.estimate("jpeg", **options), engine.estimate("jpeg")
    assert streamed.peak_bytes == engine.estimate("jpeg", effort=0).peak_bytes < held.peak_bytes


def test_progressive_scans_in_standard_huffman_tables_are_refused(photograph):
    engine = li.Engine.from_pixels(photograph)
    for effort in (None, 0, 5):
        with pytest.raises(li.InvalidArgumentError, match="tables of its own") as caught:
            engine.to_buffer("jpeg", effort=effort, optimize=False, progressive=True)
        assert caught.value.code == "E400" and "progressive=False" in str(caught.value.hint)


def test_what_does_not_fit_the_memory_is_refused_before_it_starts():
    large = li.Engine.from_pixels(np.zeros((2000, 2000, 3), np.uint8)).limits(max_memory=20_000_000)
    assert len(large.to_buffer("jpeg", effort=0)) > 0  # streams
    with pytest.raises(li.MemoryBudgetError) as caught:
        large.to_buffer("jpeg", effort=5)
    assert caught.value.code == "E124"


def test_wrong_values_and_types_are_told(photograph):
    engine = li.Engine.from_pixels(photograph)
    for options in ({"effort": 10}, {"effort": -1}, {"quant_table": "flat"}):
        with pytest.raises(li.InvalidArgumentError) as caught:
            engine.to_buffer("jpeg", **options)
        assert caught.value.code == "E400"
    for format, options in (("png", {"effort": 5}), ("webp", {"quant_table": "tuned"})):
        with pytest.raises(li.InvalidArgumentError):
            engine.to_buffer(format, **options)
    for options in ({"effort": "5"}, {"effort": 5.0}, {"effort": True}, {"quant_table": 1}):
        with pytest.raises(TypeError):
            engine.to_buffer("jpeg", **options)
    assert bytes(engine.to_buffer("jpeg", effort=None)) == bytes(engine.to_buffer("jpeg"))


BYTES = """
import hashlib, sys
import lazyimage as li
engine = li.Engine.from_path(sys.argv[1]).resize(300)
for effort in range(10):
    for options in ({}, {"subsampling": "4:4:4"}, {"progressive": False}):
        made = bytes(engine.to_buffer("jpeg", 80, effort=effort, **options))
        print(hashlib.sha256(made).hexdigest())
"""


def test_the_bytes_are_the_same_under_every_set_of_kernels():
    told = []
    for kernels in ("", "scalar"):
        settings = {**os.environ, "LAZYIMAGE_SIMD": kernels} if kernels else os.environ
        command = [sys.executable, "-c", BYTES, str(PHOTOGRAPH)]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
        told.append(done.stdout)
    assert told[0] == told[1] and len(told[0].split()) == 30
