"""lazyimage resize, and the geometry and encoder's options that every verb shares."""

import argparse
import os
import pty
import subprocess
from pathlib import Path

import oracle
import pytest
from shell import lazyimage, program, run_well

import lazyimage as li
from lazyimage.cli.geometry import Geometry, parse_geometry

PHOTO = oracle.DATA / "jpeg" / "420.jpg"  # 150×103
PORTRAIT = oracle.DATA / "jpeg" / "orientation-6.jpg"  # 48×64 as stored, upright 64×48


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("60", (60, 41)),
        ("60x60", (60, 41)),
        ("60x", (60, 41)),
        ("x41", (60, 41)),
        ("X41", (60, 41)),
        ("60x20", (29, 20)),
        ("300", (300, 206)),
        ("60x20!", (60, 20)),
        ("60!", (60, 60)),
        ("300>", (150, 103)),
        ("300x50>", (73, 50)),
        ("60>", (60, 41)),
        ("x300>", (150, 103)),
        ("60<", (150, 103)),
        ("300<", (300, 206)),
        ("300x50<", (150, 103)),
        ("x206<", (300, 206)),
    ],
)
def test_a_size_means_what_vipsthumbnail_makes_of_it(
    tmp_path: Path, size: str, expected: tuple[int, int]
) -> None:
    out = tmp_path / "out.png"
    run_well("resize", PHOTO, out, size)
    assert li.inspect_file(out).size == expected


def test_a_number_alone_is_a_box_for_portraits_too(tmp_path: Path) -> None:
    tall = tmp_path / "tall.png"
    li.Engine.from_path(PHOTO).rotate(90).to_file(tall, durable=False)
    run_well("resize", tall, tmp_path / "out.png", "60")
    assert li.inspect_file(tmp_path / "out.png").size == (41, 60)


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        (("40x40", "--fit", "cover"), {"width": 40, "height": 40, "fit": "cover"}),
        (("40x40", "--fit", "fill"), {"width": 40, "height": 40, "fit": "fill"}),
        (("200x90<", "--fit", "cover"), {"width": 200, "height": 90, "fit": "cover"}),
        (("40x40", "--fit", "contain"), {"width": 40, "height": 40, "fit": "contain"}),
        (("40x40", "--fit", "outside"), {"width": 40, "height": 40, "fit": "outside"}),
        (
            ("40x50", "--fit", "contain", "--position", "top", "--background", "#123"),
            {
                **{"width": 40, "height": 50, "fit": "contain"},
                **{"position": "top", "background": (17, 34, 51)},
            },
        ),
        (
            ("40x50", "--fit", "cover", "--position", "bottom-right", "--linear"),
            {
                **{"width": 40, "height": 50, "fit": "cover"},
                **{"position": "bottom-right", "linear": True},
            },
        ),
        (("40", "--kernel", "mitchell"), {"width": 40, "height": 40, "kernel": "mitchell"}),
        (("40", "--kernel", "nearest"), {"width": 40, "height": 40, "kernel": "nearest"}),
    ],
)
def test_fit_and_kernel_are_the_engines(tmp_path: Path, arguments, steps) -> None:
    out = tmp_path / "out.png"
    run_well("resize", PHOTO, out, *arguments)
    assert out.read_bytes() == bytes(li.Engine.from_path(PHOTO).resize(**steps).to_buffer("png"))


@pytest.mark.parametrize(
    "size", ["", "x", "0", "0x5", "70000", "1x2x3", "-5", "5x!", "x5!", "5^", "5><", "٣", "5 x5"]
)
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no size"):
        parse_geometry(size)


@pytest.mark.parametrize("text", ["800x600", "800x", "x600", "800x600>", "x600<", "8x6!"])
def test_a_size_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_geometry(text)) == text
    assert parse_geometry(str(parse_geometry("8"))) == Geometry(8, 8)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("-O", "progressive=no"), {"progressive": False}),
        (("-O", "subsampling=4:4:4"), {"subsampling": "4:4:4"}),
        (("-O", "progressive"), {"progressive": True}),
        (("-O", "optimize=yes", "-O", "compression=9"), {"optimize": True}),
        (("-O", "shrink=exact"), {"shrink": "exact"}),
    ],
)
def test_options_reach_the_encoder(tmp_path: Path, words, options) -> None:
    out = tmp_path / "out.jpg"
    run_well("resize", PHOTO, out, "60", "-q", "70", *words)
    expected = li.Engine.from_path(PHOTO).resize(60, 60).to_buffer("jpeg", 70, **options)
    assert out.read_bytes() == bytes(expected)


@pytest.mark.parametrize("words", [["-q", "70"], ["-O", "lossless", "-q", "70"]])
def test_quality_is_dropped_where_there_is_none(tmp_path: Path, words: list[str]) -> None:
    if "webp" not in li.supported_output_formats() and "lossless" in words:
        pytest.skip("this build has no WebP")
    name = "out.webp" if "lossless" in words else "out.png"
    run_well("resize", PHOTO, tmp_path / name, "60", *words)
    assert li.inspect_file(tmp_path / name).size == (60, 41)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-O", "progresive"], b"'progresive' is no option of an encoder"),
        (["-O", "compression=12"], b"compression=12 is outside 0..9"),
        (["-O", "progressive=maybe"], b"progressive"),
        (["-O", "background=puce"], b"is no colour"),
        (["--fit", "around"], b"invalid choice"),
        (["--position", "north"], b"invalid choice"),
        (["--background", "puce"], b"is no colour"),
        (["--kernel", "sinc"], b"invalid choice"),
        (["--format", "bmp"], b'format="bmp" is not known'),
        (["--qual", "5"], b"unrecognized arguments"),
    ],
)
def test_a_wrong_option_is_status_2_before_any_work(tmp_path: Path, words, why: bytes) -> None:
    done = lazyimage("resize", tmp_path / "nowhere.jpg", tmp_path / "out.jpg", "60", *words)
    assert done.returncode == 2
    assert why in done.stderr and b"Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


def test_standard_input_and_output(tmp_path: Path) -> None:
    out = run_well("resize", "-", "-", "40", "--format", "png", input=PHOTO.read_bytes())
    assert out == bytes(li.Engine.from_path(PHOTO).resize(40, 40).to_buffer("png"))


def test_a_terminal_gets_no_bytes_and_the_source_is_not_even_opened() -> None:
    leader, follower = pty.openpty()
    try:
        done = lazyimage("resize", "nowhere.jpg", "-", "40", "-f", "png", stdout=follower)
        os.set_blocking(leader, False)
        with pytest.raises(BlockingIOError):
            os.read(leader, 1)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 2
    assert done.stderr.startswith(b"lazyimage: standard output is a terminal")


def test_a_closed_output_is_said() -> None:
    line = f"'{program()[0]}' {' '.join(program()[1:])} resize '{PHOTO}' - 40 -f png >&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr == b"lazyimage: standard output is closed: give a file\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize("verb", [["resize", PHOTO, "-", "40", "-f", "png"], ["info", PHOTO]])
def test_a_full_disk_is_one_line_and_status_1(verb: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = lazyimage(*verb, stdout=full)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"lazyimage: ") and b"No space left on device" in line


def test_a_reader_that_goes_away_is_quiet(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = lazyimage("resize", PHOTO, "-", "40", "-f", "png", stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    odd = os.path.join(os.fsencode(tmp_path), b"a\xff\nb.jpg")
    out = os.path.join(os.fsencode(tmp_path), b"\xfe.png")
    with open(odd, "wb") as file:
        file.write(PHOTO.read_bytes())
    run_well("resize", odd, out, "40")
    assert li.inspect_file(os.fsdecode(out)).size == (40, 27)
    (line,) = run_well("info", odd).splitlines()
    assert (
        line
        == os.fsencode(tmp_path) + rb"/a" + b"\xff" + rb"\nb.jpg: jpeg 150x103 RGB 8 bit 71.12 dpi"
    )
    assert rb"\udcff\nb.jpg" in run_well("info", "--json", odd)
