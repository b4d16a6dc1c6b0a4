"""The options of web delivery on the command line."""

import os
from pathlib import Path

import oracle
import pytest
from shell import lazyimage, run_well

import lazyimage as li

PHOTO = oracle.DATA / "jpeg" / "420.jpg"


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--max-bytes", "2kB"], {"max_bytes": 2000}),
        (["--max-bytes", "2500", "--max-quality", "60"], {"max_bytes": 2500, "max_quality": 60}),
        (["--min-ssim", "0.9"], {"min_ssim": 0.9}),
        (["--min-ssim", "0.5", "--min-quality", "40"], {"min_ssim": 0.5, "min_quality": 40}),
        (["--profile", "size-first"], {"profile": "size-first"}),
        (["--preset", "social"], {"preset": "social"}),
        (["--preset", "avatar", "-q", "33"], {"preset": "avatar", "quality": 33}),
        (["--never-larger"], {"never_larger": True}),
    ],
)
def test_options_are_those_of_the_engine(tmp_path: Path, words, options) -> None:
    out = tmp_path / "out.jpg"
    run_well("convert", PHOTO, out, *words)
    expected = li.Engine.from_path(PHOTO).to_buffer("jpeg", **options)
    assert out.read_bytes() == bytes(expected)
    piped = run_well("convert", "-", "-", "-f", "jpeg", *words, input=PHOTO.read_bytes())
    assert piped == out.read_bytes()


def test_goals_hold_for_a_resized_picture(tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    run_well("resize", PHOTO, out, "100", "--max-bytes", "1500")
    assert out.stat().st_size <= 1500
    assert li.inspect_file(out).size == (100, 69)
    shown = run_well("explain", PHOTO, out, "-s", "100", "--max-bytes", "1500")
    assert b"search   quality 1 to 100 for at most 1500 bytes" in shown


def test_what_cannot_be_met_is_a_failure_when_strict(tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    run_well("convert", PHOTO, out, "--max-bytes", "10")  # the nearest that there is
    os.unlink(out)
    done = lazyimage("convert", PHOTO, out, "--max-bytes", "10", "--strict")
    assert done.returncode == 1 and b"E300" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        "--max-bytes many",
        "--max-bytes 2kB -q 50",
        "--min-ssim 2",
        "--min-ssim 0",
        "--preset poster",
        "--profile slow",
        "--min-quality 0",
        "--strict",
        "--max-quality 50",
    ],
)
def test_wrong_usage(tmp_path: Path, words: str) -> None:
    done = lazyimage("convert", PHOTO, tmp_path / "out.jpg", *words.split())
    assert done.returncode == 2, done.stderr
    assert os.listdir(tmp_path) == []


def test_png_has_no_quality_to_search(tmp_path: Path) -> None:
    done = lazyimage("convert", PHOTO, tmp_path / "out.png", "--max-bytes", "9kB")
    assert done.returncode == 2 and b"lossless" in done.stderr
