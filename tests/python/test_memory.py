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

SCRIPT = oracle.REPOSITORY / "docs" / "scripts" / "measure_zero_copy.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer's memory is not ours"
    ),
]
FORMATS = ("png", "jpeg")
WIDTH, HEIGHT = 3000, 2000
"""6 MP: decoded whole, 18 MB as JPEG and 24 MB as PNG; a job may grow by 8."""

sys.path.insert(0, str(SCRIPT.parent))
import measure_zero_copy as script  # noqa: E402


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A 6 MP RGBA PNG and RGB JPEG, made once."""
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


@pytest.mark.parametrize(
    ("target", "warm"),
    [(0, False), (800, False), (800, True), (2000, False)],
    ids=["whole", "800", "800-warm", "2000"],
)
@pytest.mark.parametrize("to_file", [False, True], ids=["buffer", "file"])
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
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
    assert found["decoded_mb"] == WIDTH * HEIGHT * (3 if source == "jpeg" else 4) / 1e6
    assert found["heap_delta_mb"] < 0.1
    verdict = script.judge(job, found)
    assert verdict["passed"], verdict
    if to_file and not target:
        assert found["peak_rss_delta_mb"] <= 12, "a whole picture streams to a file"


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
