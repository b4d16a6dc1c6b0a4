"""The founding promise: sources stay out of the Python heap, and memory stays flat.

Each measurement is docs/scripts/measure_zero_copy.py's own, in a fresh process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import oracle
import pytest

import lazyimage as li

SCRIPT = oracle.REPOSITORY / "docs" / "scripts" / "measure_zero_copy.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer's memory is not ours"
    ),
]
STREAMED = ("png", "jpeg")
FORMATS = [
    format
    for format in ("png", "jpeg", "webp", "avif")
    if format in li.supported_input_formats() and format in li.supported_output_formats()
]
WIDTH, HEIGHT = 3000, 2000
"""6 MP: decoded whole, 18 MB, and 24 MB as RGBA PNG; a job may grow by 8."""
WAYS = {"whole": (0, False), "800": (800, False), "800-warm": (800, True), "2000": (2000, False)}
CASES = [
    pytest.param(source, format, to_file, *way, id=f"{source}-{format}-{where}-{name}")
    for source in FORMATS
    for format in FORMATS
    for where, to_file in (("buffer", False), ("file", True))
    for name, way in WAYS.items()
    # The others at least once each way: their encoders take seconds.
    if {source, format} <= {*STREAMED} or (where, name) in (("buffer", "800"), ("file", "2000"))
]

sys.path.insert(0, str(SCRIPT.parent))
import measure_zero_copy as script  # noqa: E402


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A 6 MP picture of every format, made once; the PNG is RGBA."""
    directory = tmp_path_factory.mktemp("pictures")
    return {
        format: _run("--make", format, f"{WIDTH}x{HEIGHT}", str(directory)).strip()
        for format in FORMATS
    }


def _run(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _job(source: str, target: int, format: str, out: str, warm: bool) -> dict[str, Any]:
    return {"source": source, "target": target, "format": format, "warm": warm, "out": out}


@pytest.mark.parametrize(("source", "format", "to_file", "target", "warm"), CASES)
def test_heap_and_rss_stay_within_their_budgets(
    sources: dict[str, str],
    tmp_path: Path,
    source: str,
    format: str,
    to_file: bool,
    target: int,
    warm: bool,
) -> None:
    out = str(tmp_path / f"out.{format}") if to_file else ""
    job = _job(sources[source], target, format, out, warm)
    found = json.loads(_run("--measure", json.dumps(job)))
    assert found["decoded_mb"] == WIDTH * HEIGHT * (4 if source == "png" else 3) / 1e6
    assert found["heap_delta_mb"] < 0.1
    verdict = script.judge(job, found)
    assert verdict["passed"], verdict
    if to_file and not target and {source, format} <= {*STREAMED}:
        assert found["peak_rss_delta_mb"] <= 12, "a whole picture streams to a file"


ORIENTED = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""EXIF that says orientation 6 and nothing else."""


@pytest.mark.parametrize("format", FORMATS)
def test_a_portrait_costs_what_a_landscape_does(
    sources: dict[str, str], tmp_path: Path, format: str
) -> None:
    landscape, portrait = Path(sources["jpeg"]), tmp_path / "portrait.jpg"
    data = landscape.read_bytes()
    segment = b"\xff\xe1" + (len(ORIENTED) + 2).to_bytes(2, "big") + ORIENTED
    portrait.write_bytes(data[:2] + segment + data[2:])
    assert li.Engine.from_path(portrait).dimensions() == (HEIGHT, WIDTH)
    upright, turned = (
        min(  # a page more or less is the system's
            json.loads(_run("--measure", json.dumps(_job(str(path), 800, format, "", False))))[
                "peak_rss_mb"
            ]
            for _ in range(3)
        )
        for path in (landscape, portrait)
    )
    assert turned <= 1.10 * upright  # 0 to 3 % are seen


def test_the_script_fails_what_is_over_budget() -> None:
    job = _job("a.png", 800, "png", "", False)
    good = {
        "source": "a.png",
        "heap_delta_mb": 0.05,
        "peak_rss_mb": 60.0,
        "peak_rss_delta_mb": 7.9,
        "decoded_mb": 96.0,
        "pixels": 24_000_000,
        "out_pixels": 426_400,
        "streams": True,
    }
    assert script.judge(job, good)["passed"]
    for key, value in (
        ("heap_delta_mb", 0.11),
        ("heap_delta_mb", 2.1),
        ("peak_rss_mb", 120.1),
        ("peak_rss_delta_mb", 8.1),
    ):
        verdict = script.judge(job, {**good, key: value})
        assert not verdict["passed"] and verdict["failed"], key
    progressive = {**good, "streams": False, "peak_rss_delta_mb": 119.0}
    assert script.judge(job, progressive)["passed"]
    assert not script.judge(job, {**progressive, "peak_rss_delta_mb": 121.0})["passed"]


def test_encoders_that_take_whole_pictures_have_their_own_budgets() -> None:
    found = {"streams": True, "decoded_mb": 72.0, "out_pixels": 1_000_000}
    webp, avif = (_job("a.jpg", 800, format, "", False) for format in ("webp", "avif"))
    assert script.budgets(webp, found) == (96.0, 8.0 + 15.0)
    assert script.budgets(avif, found) == (96.0 + 48.0, 16.0 + 32.0)
    assert script.budgets({**webp, "target": 0}, found) == (96.0, 96.0)
    held = {**found, "streams": False}
    assert script.budgets(webp, held) == (96.0, 96.0)
    assert script.budgets(avif, held) == (144.0, 144.0)
    small = {**found, "decoded_mb": 3.0}
    assert script.budgets({**webp, "target": 2000}, {**small, "out_pixels": 2_666_000})[1] == 27.0


def test_pictures_too_large_for_their_format_are_made_as_large_as_it_has() -> None:
    assert script.size_of("png", 24) == script.size_of("webp", 24) == (6000, 4000)
    assert script.size_of("jpeg", 400) == (24495, 16330)
    assert script.size_of("webp", 400) == (16383, 16383)
    width, height = script.size_of("avif", 400)
    assert width % 2 == height % 2 == 0
    assert 0.99 < width * height / 16384**2 <= 1
