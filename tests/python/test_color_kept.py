"""color="keep": samples stay, and what numbers say of them goes along, where there is a place:
PNG's cICP, gAMA and cHRM, AVIF's nclx and the header of its AV1 data."""

import io
import re
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import places
import pytest
from needs import need_module, need_program
from PIL import Image
from test_color import SRGB as SRGB_PROFILE
from test_color import WIDE, apart, picture, samples
from test_color_numbers import (
    BT709,
    D65,
    P3,
    SRGB,
    avif,
    chrm,
    cicp,
    gama,
    needs_avif,
    png,
)

import lazyimage as li
from lazyimage import Engine

ADOBE = (*D65, 64000, 33000, 21000, 71000, 15000, 6000)
NO_PLACE = "has no place for all that the file's numbers say"


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Type and body of each, in order."""
    found, at = [], 8
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def told(data: bytes) -> bytes:
    """The chunks of colours as they are in the file; they stand before PLTE and IDAT."""
    kinds = [kind for kind, _ in chunks(data)]
    colours = [kind in (b"cICP", b"gAMA", b"cHRM", b"sRGB", b"iCCP") for kind in kinds]
    first = min(kinds.index(kind) for kind in (b"PLTE", b"IDAT") if kind in kinds)
    assert not any(colours[first:])
    at = data.index(b"IHDR") + 21
    size = sum(
        len(body) + 12 for (_, body), colour in zip(chunks(data), colours, strict=True) if colour
    )
    assert colours[1 : 1 + sum(colours)] == [True] * sum(colours)
    return data[at : at + size]


def nclx(data: bytes) -> tuple[int, int, int, int]:
    assert data.count(b"nclx") == 1
    return struct.unpack_from(">3HB", data, data.index(b"nclx") + 4)  # type: ignore[return-value]


NUMBERS = [
    [cicp(12, 13)],
    [cicp(9, 16)],
    [cicp(9, 18)],
    [cicp(1, 1)],
    [cicp(2, 8)],
    [cicp(1, 13, 0, 0)],
    [gama(45455)],
    [gama(100000)],
    [gama(45455), chrm(P3)],
    [chrm(ADOBE)],
    [gama(45455), chrm(ADOBE)],
]


@pytest.mark.parametrize("numbers", NUMBERS, ids=lambda value: "")
def test_png_says_again_what_it_said(numbers: list[bytes]) -> None:
    source = Engine.from_bytes(png(*numbers))
    result = source.to_buffer("png", color="keep")
    assert told(bytes(result)) == b"".join(numbers) and result.metrics.warnings == ()
    kept = Engine.from_bytes(result)
    assert apart(samples(kept, color="keep"), picture()) == 0
    assert apart(samples(kept), samples(source)) == 0
    assert bytes(kept.to_buffer("png", color="keep")) == bytes(result)
    assert told(bytes(source.to_buffer("png"))) == b""


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize(
    "options",
    [{"compression": n} for n in (0, 1, 2, 6, 9)]
    + [{"palette": 16}, {"interlace": True}, {"bit_depth": 16}, {"bit_depth": 2}],
    ids=str,
)
def test_every_way_of_writing_png_says_it(mode: str, options: dict[str, Any]) -> None:
    for numbers in (cicp(12, 13), gama(100000) + chrm(P3)):
        source = Engine.from_bytes(png(numbers, image=picture(mode)))
        result = source.resize(40).to_buffer("png", color="keep", **options)
        assert told(bytes(result)) == numbers
        kept = Engine.from_bytes(result)
        assert told(bytes(kept.to_buffer("png", color="keep", **options))) == numbers


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [SRGB],
        [cicp(1, 13)],
        [cicp(1, 13), gama(100000)],
        [SRGB, gama(100000), chrm(P3)],
        [cicp(2, 2)],
        [cicp(77, 13)],
    ],
    ids=lambda value: "",
)
def test_srgb_needs_no_word(numbers: list[bytes]) -> None:
    """Nor does what says nothing."""
    source = Engine.from_bytes(png(*numbers))
    plain = Engine.from_bytes(png())
    for format in ("png", "jpeg", "webp", "avif"):
        if format not in li.supported_output_formats():
            continue
        result = source.to_buffer(format, color="keep")
        assert bytes(result) == bytes(plain.to_buffer(format))
        assert result.metrics.warnings == ()


# --- AVIF ----------------------------------------------------------------------------


@needs_avif
@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([cicp(12, 13)], (12, 13)),
        ([cicp(9, 16)], (9, 16)),
        ([cicp(9, 18)], (9, 18)),
        ([cicp(1, 1)], (1, 1)),
        ([gama(45455)], (1, 13)),
        ([gama(45000), chrm(BT709)], (1, 13)),
        ([gama(45455), chrm(P3)], (12, 4)),
        ([chrm(P3)], (12, 13)),
        ([gama(100000)], (1, 8)),
        ([gama(55556)], None),
        ([gama(45455), chrm(ADOBE)], None),
    ],
    ids=lambda value: "",
)
def test_avif_says_what_png_said(numbers: list[bytes], wanted: tuple[int, int] | None) -> None:
    """Where H.273 has just that; else the samples are there, and a warning."""
    source = Engine.from_bytes(png(*numbers))
    result = source.to_buffer("avif", color="keep", lossless=True)
    assert nclx(bytes(result)) == (*(wanted or (1, 13)), 0, 0x80)
    assert [NO_PLACE in words for words in result.metrics.warnings] == [True] * (not wanted)
    kept = Engine.from_bytes(result)
    assert apart(samples(kept, color="keep"), picture()) == 0
    if wanted:  # 45455 is 1/2.2 to five digits
        assert apart(samples(kept), samples(source)) <= 1


@needs_avif
@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 16), (9, 18), (1, 1), (1, 8)])
@pytest.mark.parametrize("options", [{}, {"quality": 95}, {"lossless": True}], ids=str)
def test_avif_stays_what_it_is(
    primaries: int, transfer: int, options: dict[str, Any], tmp_path: Path
) -> None:
    pixels = np.asarray(picture())
    source = Engine.from_bytes(avif(primaries, transfer, pixels, lossless=True))
    result = source.to_buffer("avif", color="keep", **options)
    matrix = 0 if options.get("lossless") else 6
    assert nclx(bytes(result)) == (primaries, transfer, matrix, 0x80)
    assert f"cicp {primaries}/{transfer}\n" in source.explain("avif", color="keep", **options)
    again = Engine.from_bytes(result).to_buffer("avif", color="keep", **options)
    assert nclx(bytes(again)) == nclx(bytes(result))
    if options.get("lossless"):
        assert apart(samples(Engine.from_bytes(again)), samples(source)) == 0
    as_png = Engine.from_bytes(result).to_buffer("png", color="keep")
    assert told(bytes(as_png)) == cicp(primaries, transfer)
    assert nclx(bytes(source.to_buffer("avif", **options))) == (1, 13, matrix, 0x80)
    assert told(bytes(source.to_buffer("png"))) == b""
    assert says(bytes(result), tmp_path) == (primaries, transfer, matrix)
    # by the header of the AV1 data, where there is no box
    assert says(without_colr(bytes(result)), tmp_path) == (primaries, transfer, matrix)


def without_colr(data: bytes) -> bytes:
    """Of another name, so that all is where it was."""
    assert data.count(b"colr") == 1
    return data.replace(b"colr", b"free")


def says(data: bytes, directory: Path) -> tuple[int, int, int]:
    """Primaries, transfer, matrix by libavif."""
    tool = need_program("avifdec", "libavif-bin")
    (directory / "asked.avif").write_bytes(data)
    command = [tool, "--info", str(directory / "asked.avif")]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip(" *") in ("Color Primaries", "Transfer Char.", "Matrix Coeffs."):
            found.append(int(value))
    return found[0], found[1], found[2]


@needs_avif
@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 16), (9, 18), (1, 8)])
@pytest.mark.parametrize("matrix", [0, 6, 9])
def test_avif_without_a_box_is_what_its_stream_says(
    primaries: int, transfer: int, matrix: int, tmp_path: Path
) -> None:
    """A file of avifenc's: shown and kept as with the box, as libavif and Pillow have it."""
    tool = need_program("avifenc", "libavif-bin")
    picture().save(tmp_path / "a.png")
    colours = f"{primaries}/{transfer}/{matrix}"
    command = [tool, "--cicp", colours, "--speed", "8", "--yuv", "444", "--min", "5", "--max", "9"]
    files = [str(tmp_path / "a.png"), str(tmp_path / "a.avif")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    boxed = (tmp_path / "a.avif").read_bytes()
    bare = without_colr(boxed)
    assert says(bare, tmp_path) == (primaries, transfer, matrix)
    one, other = Engine.from_bytes(bare), Engine.from_bytes(boxed)
    for color in ("srgb", "keep"):
        assert apart(samples(one, color=color), samples(other, color=color)) == 0
        ours, theirs = (engine.to_buffer("avif", color=color) for engine in (one, other))
        assert nclx(bytes(ours)) == nclx(bytes(theirs))
        assert ours.metrics.icc == theirs.metrics.icc
    assert one.to_buffer("png").metrics.icc == "converted"
    assert told(bytes(one.to_buffer("png", color="keep"))) == cicp(primaries, transfer)
    if not hasattr(Image.core, "avif"):
        need_module("PIL._avif")
    with Image.open(io.BytesIO(bare)) as theirs:
        assert apart(samples(one, color="keep"), theirs.convert("RGB")) <= 2


@needs_avif
@pytest.mark.corpus
def test_the_corpus_says_what_libavif_reads_of_it(
    corpus: list[oracle.Entry], tmp_path: Path
) -> None:
    """With its nclx, and with none: grids, sequences, items in pieces."""
    seen = set()
    for entry in corpus:
        data = entry.file.read_bytes() if entry.format == "avif" else b""
        if not data or not entry.crc32 or len(data) > 30000:
            continue
        for asked in (data, data.replace(b"colrnclx", b"freenclx")):
            try:
                wanted = says(asked, tmp_path)[:2]
            except subprocess.CalledProcessError:
                continue
            found = re.search(
                r"keep     cicp (\d+)/(\d+)", Engine.from_bytes(asked).explain("avif", color="keep")
            )
            unsaid = wanted in ((1, 13), (2, 2))
            if unsaid and found and li.inspect(asked).icc_bytes:
                assert found.groups() == ("2", "2"), entry.file  # samples of a profile
                continue
            assert unsaid if found is None else wanted == tuple(map(int, found.groups())), (
                entry.file
            )
            seen.add((wanted, asked is data))
    assert len(seen) > 6


@needs_avif
def test_deep_and_large_avifs_say_it(tmp_path: Path) -> None:
    """16 bits become 10; four million pixels a grid, whose cells say it too."""
    deep = Engine.from_bytes(png(cicp(9, 16))).to_buffer("png", color="keep", bit_depth=16)
    ten = Engine.from_bytes(deep).to_buffer("avif", color="keep", bit_depth=10)
    assert nclx(bytes(ten)) == (9, 16, 6, 0x80) and says(bytes(ten), tmp_path) == (9, 16, 6)
    source = Engine.from_bytes(png(cicp(12, 13))).resize(2200, 2200, fit="fill", enlarge=True)
    grid = bytes(source.to_buffer("avif", color="keep", speed=10, quality=30))
    assert b"grid" in grid and nclx(grid) == (12, 13, 6, 0x80)
    assert says(grid, tmp_path) == says(without_colr(grid), tmp_path) == (12, 13, 6)


# --- who has no place, and who needs none -----------------------------------------------


@needs_avif
@pytest.mark.parametrize("goal", [{"max_bytes": 3000}, {"min_ssim": 0.9}], ids=str)
def test_a_search_says_what_one_job_says(goal: dict[str, Any]) -> None:
    source = Engine.from_bytes(png(cicp(12, 13)))
    found = source.to_buffer("avif", color="keep", **goal)
    assert nclx(bytes(found)) == (12, 13, 6, 0x80)
    assert nclx(bytes(source.to_buffer("avif", **goal))) == (1, 13, 6, 0x80)
    many = li.run([source.output(format="avif", color="keep", **goal)], on_error="raise")
    assert nclx(bytes(many[0].result)) == (12, 13, 6, 0x80)
    warnings = source.to_buffer("jpeg", color="keep", **goal).metrics.warnings
    assert len(warnings) == 1 and NO_PLACE in warnings[0]


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_jpeg_and_webp_say_that_they_have_no_place(format: str) -> None:
    if format not in li.supported_output_formats():
        pytest.skip("a build without it")
    for numbers, silent in ((cicp(12, 13), False), (gama(100000), False), (gama(45455), True)):
        source = Engine.from_bytes(png(numbers))
        warnings = source.to_buffer(format, color="keep").metrics.warnings
        assert (warnings == ()) if silent else (NO_PLACE in warnings[0] and len(warnings) == 1)
        assert source.to_buffer(format).metrics.warnings == ()


@pytest.mark.skipif("lcms2" not in li.features(), reason="a build without lcms2")
def test_a_profile_that_goes_along_says_all() -> None:
    source = Engine.from_bytes(png(gama(100000), chrm(P3), icc=WIDE)).keep_metadata(icc=True)
    for color in ("keep", "srgb"):
        result = source.to_buffer("png", color=color)
        assert [kind for kind, _ in chunks(told_profile(result))] == [b"iCCP"]
        assert result.metrics.icc == "kept" and result.metrics.warnings == ()
        if "avif" in li.supported_output_formats():
            result = source.to_buffer("avif", color=color)
            assert nclx(bytes(result)) == (2, 2, 6, 0x80) and result.metrics.icc == "kept"
    # of another kind of picture it does not go along: then numbers do
    gray = source.grayscale().to_buffer("png", color="keep")
    assert told(bytes(gray)) == gama(100000) + chrm(P3)


NO_PROFILE = "color: samples are kept, but not the profile that they are for"


def test_a_profile_that_stays_behind_is_a_warning() -> None:
    """And nothing positive is said of the samples: in an AVIF that is 2/2."""
    for beside in ([], [gama(45455), chrm(BT709)]):
        source = Engine.from_bytes(png(*beside, icc=WIDE))
        for format in li.supported_output_formats():
            result = source.to_buffer(format, color="keep")
            assert result.metrics.warnings == (NO_PROFILE,)
            assert result.metrics.icc == "stripped"
            if format == "avif":
                assert nclx(bytes(result)) == (2, 2, 6, 0x80)
            if format == "png":
                assert told(bytes(result)) == b""
            if "lcms2" in li.features():
                assert source.to_buffer(format).metrics.warnings == ()
        assert source.keep_metadata().to_buffer("png", color="keep").metrics.warnings == ()
        source.to_pixels(color="keep")


def test_numbers_beside_a_profile_that_stays_behind_are_better_than_nothing() -> None:
    source = Engine.from_bytes(png(gama(45455), chrm(P3), icc=WIDE))
    result = source.to_buffer("png", color="keep")
    assert told(bytes(result)) == gama(45455) + chrm(P3)
    assert result.metrics.warnings == (NO_PROFILE,)


def test_the_profile_of_srgb_needs_no_word() -> None:
    """Nor do numbers count that it overrules."""
    for beside in ([], [gama(100000)]):
        source = Engine.from_bytes(png(*beside, icc=SRGB_PROFILE))
        assert apart(samples(source), picture()) == 0
        for format in li.supported_output_formats():
            result = source.to_buffer(format, color="keep")
            assert result.metrics.warnings == ()
            if format == "avif":
                assert nclx(bytes(result)) == (1, 13, 6, 0x80)
        assert told(bytes(source.to_buffer("png", color="keep"))) == b""


def test_every_job_says_that_a_profile_stays_behind() -> None:
    source = Engine.from_bytes(png(icc=WIDE))
    formats = li.supported_output_formats()
    colors = ("keep", "srgb", "srgb", "keep")  # one decode for all
    outputs = [
        source.resize(20 + i).output(format=format, color=color)
        for i, color in enumerate(colors)
        for format in formats
    ]
    found = [
        NO_PROFILE in done.result.metrics.warnings for done in li.run(outputs, on_error="raise")
    ]
    assert found == [color == "keep" for color in colors for _ in formats]
    for format in set(formats) - {"png"}:
        found = source.to_buffer(format, color="keep", max_bytes=3000)
        assert found.metrics.warnings == (NO_PROFILE,)
        if format == "avif":
            assert nclx(bytes(found)) == (2, 2, 6, 0x80)
    handed = source.keep_metadata().decoded().keep_metadata(icc=False)
    result = handed.to_buffer("png", color="keep")  # without lcms2 its decode warns as well
    assert result.metrics.warnings[-1] == NO_PROFILE


def told_profile(result: Any) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + told(bytes(result))


def test_groups_say_it_each_for_itself(tmp_path: Path) -> None:
    engine = Engine.from_bytes(png(cicp(12, 13)))
    outputs = [
        engine.resize(width).output(tmp_path / f"{width}.png", color=color)
        for width, color in ((20, "keep"), (48, "srgb"), (96, "keep"))
    ]
    li.run(outputs, on_error="raise")
    found = [told((tmp_path / f"{width}.png").read_bytes()) for width in (20, 48, 96)]
    assert found == [cicp(12, 13), b"", cicp(12, 13)]


def test_exiftool_and_the_oracle_read_it(tmp_path: Path) -> None:
    paths = []
    for i, numbers in enumerate(NUMBERS):
        result = Engine.from_bytes(png(*numbers)).to_buffer("png", color="keep")
        paths.append(tmp_path / f"{i}.png")
        paths[-1].write_bytes(bytes(result))
        assert apart(np.asarray(oracle.png_samples(bytes(result))), picture()) == 0
    assert set(map(tuple, places.exiftool_warnings(paths).values())) == {()}


def test_a_viewer_sees_the_same() -> None:
    """Of a smaller picture, whose colours are converted behind the resize."""
    source = Engine.from_bytes(png(cicp(12, 13))).resize(30)
    kept = Engine.from_bytes(source.to_buffer("png", color="keep"))
    assert apart(samples(kept), samples(source)) <= 1
