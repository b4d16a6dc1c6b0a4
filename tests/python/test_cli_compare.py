"""lazyimage compare: likeness, bytes, and the picture of the difference."""

import json
import os
import random
from pathlib import Path

import numpy as np
import oracle
import pytest
from shell import lazyimage, run_well

import lazyimage as li
from lazyimage.cli.difference import difference, distances, larger

PHOTO = oracle.DATA / "jpeg" / "420.jpg"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A picture, and a worse one of the same size."""
    engine = li.Engine.from_path(PHOTO)
    engine.to_file(tmp_path / "a.png", durable=False)
    engine.to_file(tmp_path / "b.jpg", quality=30, durable=False)
    return str(tmp_path / "a.png"), str(tmp_path / "b.jpg")


def test_the_numbers_are_the_librarys(pair: tuple[str, str]) -> None:
    found = json.loads(run_well("compare", "--json", *pair))
    assert found == {
        "ssim": li.quality.ssim(*pair),
        "psnr": li.quality.psnr(*pair),
        "bytes_a": os.stat(pair[0]).st_size,
        "bytes_b": os.stat(pair[1]).st_size,
    }
    words = run_well("compare", *pair).decode().split()
    assert words[:2] == ["ssim", f"{found['ssim']:.6f}"]
    assert words[2:5] == ["psnr", f"{found['psnr']:.2f}", "dB"]
    share = 100 * found["bytes_b"] / found["bytes_a"]
    sizes = [str(found["bytes_a"]), "->", str(found["bytes_b"])]
    assert words[5:] == ["bytes", *sizes, f"({share:.1f}", "%)"]


def test_equal_pictures_are_infinitely_alike(pair: tuple[str, str]) -> None:
    assert run_well("compare", pair[0], pair[0]).startswith(b"ssim 1.000000 psnr inf bytes ")
    found = json.loads(run_well("compare", "--json", pair[0], pair[0]))
    assert (found["ssim"], found["psnr"]) == (1.0, None)


@pytest.mark.parametrize(
    ("bounds", "status"),
    [
        (["--min-ssim", "0.5"], 0),
        (["--min-ssim", "0.9999"], 1),
        (["--min-psnr", "10", "--min-ssim", "0.5"], 0),
        (["--min-psnr", "90"], 1),
    ],
)
def test_a_bound_decides_the_status(pair: tuple[str, str], bounds, status: int) -> None:
    done = lazyimage("compare", *pair, *bounds)
    assert (done.returncode, done.stderr) == (status, b"")
    assert done.stdout.startswith(b"ssim ")


def test_one_of_them_may_come_through_a_pipe(pair: tuple[str, str]) -> None:
    found = run_well("compare", "--json", "-", pair[1], input=Path(pair[0]).read_bytes())
    assert json.loads(found)["bytes_a"] is None
    assert json.loads(found)["ssim"] == li.quality.ssim(*pair)
    assert lazyimage("compare", "-", "-").returncode == 2


def test_other_sizes_are_an_error(pair: tuple[str, str], tmp_path: Path) -> None:
    run_well("resize", pair[0], tmp_path / "c.png", "75")
    for more in ([], ["-d", tmp_path / "d.png"]):
        done = lazyimage("compare", pair[0], tmp_path / "c.png", *more)
        assert done.returncode == 1
        assert b"E400" in done.stderr and b"different sizes" in done.stderr
    assert not (tmp_path / "d.png").exists()


@pytest.mark.parametrize(
    ("words", "gain"), [([], 8), (["--gain", "1"], 1), (["--gain", "255"], 255)]
)
def test_the_difference_is_exact(pair: tuple[str, str], tmp_path: Path, words, gain: int) -> None:
    out = tmp_path / "d.png"
    run_well("compare", *pair, "-d", out, *words)
    a, b = (np.asarray(li.open(name).to_pixels()).astype(int) for name in pair)
    expected = np.minimum(abs(a - b) * gain, 255)
    assert np.array_equal(np.asarray(li.open(out).to_pixels()), expected)


@pytest.mark.parametrize(("one", "other"), [("RGBA", "RGB"), ("LA", "L"), ("L", "RGB"), ("L", "L")])
def test_alpha_shows_in_every_channel(one: str, other: str) -> None:
    rng = np.random.default_rng(5)
    # Wider than a strip at 3 rows, so that strips meet inside the picture.
    shapes = [(700, 181, len(mode)) for mode in (one, other)]
    a, b = (rng.integers(0, 256, shape, np.uint8) for shape in shapes)
    found = np.asarray(
        difference(li.Engine.from_pixels(a), li.Engine.from_pixels(b), 1).to_pixels()
    )
    mode = ("RGB" if "RGB" in (one[:3], other[:3]) else "L") + ("A" if "A" in one else "")
    wide = [np.asarray(li.Engine.from_pixels(x).to_pixels(mode=mode)).astype(int) for x in (a, b)]
    expected = abs(wide[0] - wide[1])
    if mode.endswith("A"):
        expected = np.maximum(expected[:, :, :-1], expected[:, :, -1:])
    assert np.array_equal(np.asarray(found), expected)


def test_lanes_do_not_touch_each_other() -> None:
    rng = random.Random(7)
    edges = bytes([0, 255, 0, 0, 255, 255, 1, 254, 128, 127])
    pairs = [(edges, edges[::-1]), (b"", b""), (b"\xff", b"\x00"), (b"\x00", b"\xff")]
    pairs += [(rng.randbytes(n), rng.randbytes(n)) for n in (1, 2, 3, 30, 31, 1001)]
    for a, b in pairs:
        assert distances(a, b) == bytes(abs(x - y) for x, y in zip(a, b, strict=True))
        assert larger(a, b) == bytes(max(x, y) for x, y in zip(a, b, strict=True))


def test_the_difference_goes_to_standard_output_alone(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    run_well("compare", *pair, "-d", tmp_path / "d.png")
    out = run_well("compare", *pair, "-d", "-", "-f", "png")
    assert out == (tmp_path / "d.png").read_bytes()


@pytest.mark.parametrize(
    "words",
    ["--gain 0", "--gain 256", "--min-ssim high", "--min-psnr nan", "-d -", "-d x.bmp"],
)
def test_wrong_usage(pair: tuple[str, str], words: str) -> None:
    done = lazyimage("compare", *pair, *words.split())
    assert (done.returncode, done.stdout) == (2, b"")
