"""Metadata in and out: what is kept is right by other people's eyes, what is not is gone."""

import io
import json
import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import places
import pytest
from PIL import Image, ImageCms

import lazyimage
from lazyimage import Engine, InvalidArgumentError, Recipe, cli

DATA = Path(__file__).parents[1] / "data"
OUT = ("jpeg", "png", "webp", "avif")
IN = (*OUT, "png-late")
EXTENSION = {"jpeg": "jpg"}
ALL = {"icc": True, "exif": True, "xmp": True}
QUICK: dict[str, dict[str, int]] = {"avif": {"speed": 10}}

needs_lcms2 = pytest.mark.skipif(
    "lcms2" not in lazyimage.features(), reason="a build without lcms2"
)

TRACES = places.traces([places.LATITUDE, places.LONGITUDE, places.ALTITUDE])
PRIVATE = [*TRACES, places.MAKER_NOTE[:12], places.THUMBNAIL]


def encode(engine: Engine, format: str) -> bytes:
    return bytes(engine.to_buffer(format, **QUICK.get(format, {})))  # type: ignore[arg-type]


@pytest.fixture(
    scope="module", params=[(f, o) for f in IN for o in "<>"], ids=lambda p: "-".join(p)
)
def made(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    """A picture of each format with everything, in either byte order; of a PNG in either place."""
    format, order = request.param
    return format, places.source(format, places.exif_block(order))


# --- what is kept ----------------------------------------------------------------------


@pytest.mark.parametrize("format", OUT)
def test_what_is_kept_is_there_and_fits_the_new_picture(made: tuple[str, bytes], format: str):
    out = encode(Engine.from_bytes(made[1]).keep_metadata(**ALL).resize(32), format)
    info = lazyimage.inspect(out)
    assert info.size == (32, 43)
    assert info.orientation == 1 and info.exif_bytes > 0 and info.xmp_bytes > 0
    with Image.open(io.BytesIO(out)) as image:
        exif = image.getexif()
        inner = exif.get_ifd(0x8769)
        assert (exif[0x010F], exif[0x0110]) == ("Somebody", "A camera")
        assert exif.get(0x0112, 1) == 1
        assert (inner[0xA002], inner[0xA003]) == image.size
        assert inner[0x9003] == "2024:05:06 07:08:09" and inner[0x829A] == 1 / 250
        assert not exif.get_ifd(0x8825) and not exif.get_ifd(1)
    assert b"Somebody</rdf:li>" in out


@pytest.mark.parametrize("format", OUT)
def test_nothing_is_kept_without_the_call(made: tuple[str, bytes], format: str):
    encoded = Engine.from_bytes(made[1]).to_buffer(format, **QUICK.get(format, {}))
    info, metrics = encoded.open().info, encoded.metrics
    assert (info.icc_bytes, info.exif_bytes, info.xmp_bytes) == (0, 0, 0)
    assert metrics.metadata_stripped and b"Somebody" not in bytes(encoded)


@pytest.mark.parametrize("format", OUT)
def test_orientation_that_is_not_applied_stays(format: str):
    data = places.source("jpeg", places.exif_block(orientation=5))
    out = encode(Engine.from_bytes(data).auto_orient(False).keep_metadata(exif=True), format)
    info = lazyimage.inspect(out)
    assert info.orientation == 5
    assert (info.stored_width, info.stored_height) == (64, 48) and info.size == (48, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_goes_into_an_avif_and_back(orientation: int):
    data = places.source("jpeg", places.exif_block(orientation=orientation))
    kept = Engine.from_bytes(data).auto_orient(False).keep_metadata(exif=True)
    avif = encode(kept, "avif")
    assert lazyimage.inspect(avif).orientation == orientation
    back = encode(Engine.from_bytes(avif).auto_orient(False).keep_metadata(exif=True), "jpeg")
    assert lazyimage.inspect(back).orientation == orientation


# --- what is gone ----------------------------------------------------------------------


@pytest.mark.parametrize("format", OUT)
def test_no_byte_of_the_place_is_left(made: tuple[str, bytes], format: str):
    assert places.found_in(made[1], TRACES)
    engine = Engine.from_bytes(made[1]).keep_metadata(**ALL)
    for one in (engine, engine.auto_orient(False), engine.resize(20).grayscale()):
        assert places.found_in(encode(one, format), PRIVATE) == []


@pytest.mark.parametrize("format", OUT)
def test_the_place_stays_where_that_is_asked_for(made: tuple[str, bytes], format: str):
    out = encode(Engine.from_bytes(made[1]).keep_metadata(**ALL, strip_gps=False), format)
    with Image.open(io.BytesIO(out)) as image:
        gps = image.getexif().get_ifd(0x8825)
    assert float(gps[2][2]) == pytest.approx(29.87653) and gps[3] == "E"
    assert places.IN_DEGREES[0].encode() in out and places.IN_DEGREES[1].encode() in out
    again = encode(Engine.from_bytes(out).keep_metadata(**ALL), format)
    assert places.found_in(again, PRIVATE) == []


@pytest.mark.corpus
def test_no_byte_of_the_place_is_left_of_any_real_file(tmp_path: Path):
    """Check 6d over the corpus: every file with EXIF that has a place, in every format; and
    what exiftool says of each output is nothing that it does not say of the source."""
    outputs: dict[Path, Path] = {}
    placed = 0
    directory = oracle.corpus_directory()
    assert directory is not None
    for entry in oracle.read_index(directory):
        if "metadata:" not in entry.notes or "exif" not in entry.notes or entry.pixels > 4e6:
            continue
        data = entry.file.read_bytes()
        needles = places.traces([p for p in places.stored_rationals(data) if any(map(any, p))], ())
        placed += bool(needles)
        engine = Engine.from_path(entry.file).keep_metadata(**ALL).resize(40, 40)
        for format in OUT:
            try:
                out = encode(engine, format)
            except lazyimage.DecodeError:
                continue
            assert places.found_in(out, needles) == [], (entry.path, format)
            path = tmp_path / f"{len(outputs)}.{EXTENSION.get(format, format)}"
            path.write_bytes(out)
            outputs[path] = entry.file
    assert placed > 8 and len(outputs) > 100
    said = places.exiftool_warnings([*outputs, *{*outputs.values()}])
    said = {name: [text.removeprefix("[minor] ") for text in texts] for name, texts in said.items()}
    known = {str(path): set(said[path]) for path in outputs.values()}
    new = {}
    for path, given in outputs.items():
        told = set(said[path]) - known[str(given)]
        if given.suffix not in (".jpg", ".jpeg"):  # it asks more of JPEGs; nothing is made up
            told = {text for text in told if not text.startswith(OF_JPEG)}
        if told:
            new[f"{given}{path.suffix}"] = told
    assert new == {}


OF_JPEG = ("Missing required JPEG", "XMP is missing xpacket wrapper")


def test_exiftool_has_nothing_to_say_of_what_was_made(tmp_path: Path):
    paths, sources = [], []
    for given in IN:
        for order in "<>":
            data = places.source(given, places.exif_block(order))
            sources.append(tmp_path / f"{order == '<'}.{given}")
            sources[-1].write_bytes(data)
            for strip in (True, False):
                engine = Engine.from_bytes(data).keep_metadata(**ALL, strip_gps=strip)
                for format in OUT:
                    name = f"{given}-{'le' if order == '<' else 'be'}-{strip}"
                    path = tmp_path / f"{name}.{EXTENSION.get(format, format)}"
                    path.write_bytes(encode(engine.resize(30), format))
                    paths.append(path)
    said = places.exiftool_warnings([*paths, *sources])
    known = {text for path in sources for text in said[path]}  # of Pillow's EXIF
    new = {path.name: set(said[path]) - known for path in paths}
    assert {name: texts for name, texts in new.items() if texts} == {}


# --- the setting -----------------------------------------------------------------------


def test_the_setting_is_part_of_a_recipe():
    plain = Recipe()
    kept = plain.keep_metadata(exif=True, strip_gps=False)
    assert repr(kept) == "Recipe().keep_metadata(exif=True, strip_gps=False)"
    assert Recipe.from_json(kept.to_json()) == kept and kept != plain
    assert json.loads(kept.to_json())["keep"] == {"exif": True, "strip_gps": False}
    assert "keep" not in json.loads(plain.to_json())
    assert kept.keep_metadata(icc=False) == plain and hash(kept) != hash(plain)
    assert repr(plain.keep_metadata()) == "Recipe().keep_metadata()"
    with pytest.raises(TypeError):
        plain.keep_metadata(exif=1)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        Recipe.from_json('{"lazyimage":1,"keep":{"iptc":true}}')


def test_a_policy_strips_what_it_does_not_allow():
    data = places.source("jpeg", places.exif_block())
    for policy in ("strict", "public-upload"):
        engine = Engine.from_bytes(data).keep_metadata(**ALL).sanitize(policy)  # type: ignore[arg-type]
        encoded, metrics = engine.to_buffer_with_metrics("jpeg")
        assert metrics.policy_violations == ("exif", "xmp") and metrics.metadata_stripped
        assert encoded.open().info.exif_bytes == 0
    lenient = Engine.from_bytes(data).keep_metadata(**ALL).sanitize("lenient")
    encoded, metrics = lenient.to_buffer_with_metrics("jpeg")
    assert metrics.policy_violations == () and not metrics.metadata_stripped
    assert encoded.open().info.exif_bytes > 0


# --- by every way ----------------------------------------------------------------------


def test_outputs_of_one_decode_have_each_what_it_asked_for():
    data = places.source("jpeg", places.exif_block())
    base = Engine.from_bytes(data)
    engines = [
        base,
        base.keep_metadata(exif=True),
        base.keep_metadata(xmp=True),
        base.keep_metadata(**ALL),
    ]
    outputs = [
        one.resize(30).output(format=format, **QUICK.get(format, {}))  # type: ignore[arg-type]
        for one in engines
        for format in OUT
    ]
    found = [
        (info.exif_bytes > 0, info.xmp_bytes > 0)
        for outcome in lazyimage.run(outputs, workers=2)
        for info in [outcome.result.open().info]
    ]
    wanted = [(False, False), (True, False), (False, True), (True, True)]
    assert found == [flags for flags in wanted for _ in OUT]


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_a_search_counts_metadata_and_keeps_them(format: str):
    data = places.source("jpeg", places.exif_block())
    engine = Engine.from_bytes(data).keep_metadata(**ALL)
    plain = encode(Engine.from_bytes(data), format)
    most = len(plain) + 1200
    encoded = engine.to_buffer(format, max_bytes=most, **QUICK.get(format, {}))
    info = encoded.open().info
    assert len(encoded) <= most and info.exif_bytes and info.xmp_bytes
    assert info.orientation == 1 and not encoded.metrics.metadata_stripped
    assert places.found_in(bytes(encoded), PRIVATE) == []
    [outcome] = lazyimage.run(
        [engine.output(format=format, max_bytes=most, **QUICK.get(format, {}))]
    )
    assert bytes(outcome.result) == bytes(encoded)


def test_what_is_decoded_once_has_its_metadata():
    data = places.source("jpeg", places.exif_block())
    decoded = Engine.from_bytes(data).keep_metadata(**ALL).decoded()
    for format in OUT:
        out = encode(decoded, format)
        info = lazyimage.inspect(out)
        assert info.exif_bytes and info.xmp_bytes and info.orientation == 1
        assert places.found_in(out, PRIVATE) == []


@pytest.mark.parametrize("given", ["jpeg", "png", "webp", "png-late"])
def test_the_source_itself_is_given_with_what_is_kept(given: str):
    data = places.source(given, places.exif_block(orientation=1))
    format = given.removesuffix("-late")
    options = {"quality": 100} if format != "png" else {"compression": 0}
    engine = Engine.from_bytes(data).keep_metadata(**ALL)
    encoded = engine.to_buffer(format, never_larger=True, **options)  # type: ignore[arg-type]
    bare = Engine.from_bytes(data).to_buffer(format, never_larger=True, **options)  # type: ignore[arg-type]
    info = encoded.open().info
    assert info.exif_bytes and info.xmp_bytes
    assert places.found_in(bytes(encoded) + bytes(bare), PRIVATE) == []
    with Image.open(io.BytesIO(bytes(encoded))) as image, Image.open(io.BytesIO(data)) as given:
        assert image.tobytes() == given.tobytes()
    assert len(bare) < len(encoded) < len(data)


def test_a_plan_that_keeps_what_is_not_there_says_nothing_of_it():
    png = bytes(Engine.from_pixels(np.zeros((2, 2, 3), np.uint8)).to_buffer("png"))
    chunk = b"pHYs" + (3780).to_bytes(4, "big") * 2 + b"\1"
    density = len(chunk[4:]).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    engine = Engine.from_bytes(png).grayscale().keep_metadata(icc=True, exif=True, xmp=True)
    assert "keep" not in engine.explain("png")
    dense = Engine.from_bytes(png[:33] + density + png[33:]).keep_metadata(exif=True)
    assert "keep     96.012x96.012 dpi" in dense.explain("png")


def test_a_damaged_profile_is_told_once():
    png = bytes(Engine.from_pixels(np.zeros((2, 2, 3), np.uint8)).to_buffer("png"))
    chunk = b"iCCPx\0\0" + b"no deflate stream"
    profile = len(chunk[4:]).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    engine = Engine.from_bytes(png[:33] + profile + png[33:])
    for one in (engine, engine.keep_metadata(), engine.keep_metadata(exif=True)):
        warnings = one.to_buffer("png").metrics.warnings
        assert [text for text in warnings if "iCCP" in text] == [
            "png: iCCP is damaged, and not used"
        ]


@pytest.mark.parametrize("format", OUT)
def test_a_profile_that_is_asked_for_and_lost_is_told(format: str):
    data: dict[str, bytes] = {}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode in ("L", "RGB"):
        out = io.BytesIO()
        places.picture().convert(mode).save(out, "JPEG", icc_profile=profile)
        data[mode] = out.getvalue()
    gray, coloured = Engine.from_bytes(data["L"]), Engine.from_bytes(data["RGB"])
    quick: dict[str, Any] = QUICK.get(format, {})
    lost = "metadata: the ICC profile is not for the samples that are written: left out"
    for engine in (gray, coloured.grayscale()):
        kept = engine.keep_metadata()
        [outcome, _] = lazyimage.run(
            [kept.output(format=format, **quick), kept.output(format="png")]
        )
        for result in (kept.to_buffer(format, **quick), outcome.result):
            assert lost in result.metrics.warnings and result.metrics.icc == "stripped"
        assert lost not in engine.to_buffer(format, **quick).metrics.warnings
        assert lost not in kept.to_pixels().metrics.warnings
        assert lost in kept.decoded().to_buffer(format, **quick).metrics.warnings
    metrics = coloured.keep_metadata().to_buffer(format, **quick).metrics
    assert metrics.icc == "kept" and lost not in metrics.warnings


# --- limits and damage -----------------------------------------------------------------


def test_an_exif_that_no_segment_holds_is_left_out_with_a_word():
    big = places.exif_block(orientation=1)
    note = b"\0" * 40000
    exif = Image.Exif()
    exif.load(big)
    exif[0x010E] = "x" * 40000
    exif[0x9C9C] = note
    data = places.source("png", exif.tobytes())
    engine = Engine.from_bytes(data).keep_metadata(exif=True, xmp=True)
    encoded, metrics = engine.to_buffer_with_metrics("jpeg")
    assert encoded.open().info.exif_bytes == 0 and metrics.metadata_stripped
    assert any("EXIF are more than the 65527 that fit" in text for text in metrics.warnings)
    assert engine.to_buffer("png").open().info.exif_bytes > 80000


def test_damaged_metadata_are_left_out_with_a_word():
    for exif, xmp, word in (
        (b"II*\0\0\0\0\xff", places.XMP, "EXIF"),
        (places.exif_block(), places.XMP.replace(b"</dc:creator>", b""), "XMP"),
        (places.exif_block(), b"<!DOCTYPE a><a/>", "XMP"),
    ):
        data = places.source("png", exif, xmp)
        encoded, metrics = (
            Engine.from_bytes(data).keep_metadata(**ALL).to_buffer_with_metrics("jpeg")
        )
        assert any(word in text for text in metrics.warnings), word
        info = encoded.open().info
        assert (info.exif_bytes == 0) == (word == "EXIF") and (info.xmp_bytes == 0) == (
            word == "XMP"
        )
        assert places.found_in(bytes(encoded), PRIVATE) == []


def test_a_packed_text_counts_as_large_as_it_is():
    xmp = places.XMP.replace(b" " * 2000, b" " * 3_000_000)
    data = places.source("png", places.exif_block(), xmp)
    engine = Engine.from_bytes(data).keep_metadata(xmp=True)
    assert engine.to_buffer("png").open().info.xmp_bytes > 0
    with pytest.raises(lazyimage.LimitError):
        engine.limits(max_metadata=2_000_000).to_buffer("png")


def test_the_plan_covers_metadata_and_names_them():
    xmp = places.XMP.replace(b" " * 2000, b"<!-- " + b"x" * 2_000_000 + b" -->")
    data = places.source("webp", places.exif_block(), xmp)
    engine = Engine.from_bytes(data).keep_metadata(**ALL)
    for format in OUT:
        encoded, metrics = engine.to_buffer_with_metrics(format, **QUICK.get(format, {}))
        assert metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes
        assert len(encoded) <= metrics.planned_out_bytes
    assert "keep     exif of" in engine.explain("png") and "without places" in engine.explain("png")
    assert "keep" not in Engine.from_bytes(data).explain("png")


# --- profiles --------------------------------------------------------------------------


def profile_of(size: int, space: bytes = b"RGB ") -> bytes:
    """A profile with its header right and the rest noise: nobody looks at it on the way."""
    head = bytearray(128)
    head[0:4] = size.to_bytes(4, "big")
    head[16:20], head[36:40] = space, b"acsp"
    noise = random.Random(size).randbytes(size - 132)
    return bytes(head) + bytes(4) + noise


def profile_in(data: bytes) -> bytes | None:
    with Image.open(io.BytesIO(data)) as image:
        return image.info.get("icc_profile")


@pytest.mark.parametrize("size", [132, 3000, 65519, 65520, 200_001, 900_000])
def test_a_profile_of_any_size_goes_through_every_format_unchanged(size: int):
    profile = profile_of(size)
    for given in OUT:
        data = places.source(given, places.exif_block(), icc=profile)
        engine = Engine.from_bytes(data).keep_metadata().resize(20)
        for format in OUT:
            encoded, metrics = engine.to_buffer_with_metrics(format, **QUICK.get(format, {}))
            assert profile_in(bytes(encoded)) == profile, (given, format)
            assert metrics.icc == "kept" and metrics.metadata_stripped  # EXIF is
            assert encoded.open().info.has_icc_profile
            assert len(encoded) <= metrics.planned_out_bytes
            assert metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes


@needs_lcms2
def test_a_profile_that_is_kept_leaves_the_colours_alone():
    path = DATA / "png" / "icc-p3.png"
    plain = np.asarray(Engine.from_path(path).to_pixels(color="keep")).copy()
    kept = Engine.from_path(path).keep_metadata().to_buffer("png")
    assert np.array_equal(np.asarray(kept.open().to_pixels(color="keep")), plain)
    turned, metrics = Engine.from_path(path).to_buffer_with_metrics("png")
    assert metrics.icc == "converted" and not turned.open().info.has_icc_profile
    assert not np.array_equal(np.asarray(turned.open().to_pixels()), plain)
    # Samples have no profile beside them: they are converted, whatever the recipe keeps.
    samples = np.asarray(Engine.from_path(path).keep_metadata().to_pixels())
    assert np.array_equal(samples, np.asarray(turned.open().to_pixels()))


@needs_lcms2
def test_a_profile_of_other_pixels_is_not_kept_but_used():
    path = DATA / "png" / "icc-p3.png"
    gray = Engine.from_path(path).keep_metadata().grayscale().to_buffer("png")
    assert gray.metrics.icc == "converted" and not gray.open().info.has_icc_profile
    assert bytes(gray) == bytes(Engine.from_path(path).grayscale().to_buffer("png"))
    for name in ("cmyk.jpg", "ycck.jpg"):
        inks = Engine.from_path(DATA / "jpeg" / name).keep_metadata().to_buffer("png")
        assert not inks.open().info.has_icc_profile


def test_a_search_and_what_is_decoded_keep_the_profile():
    path = DATA / "png" / "icc-p3.png"
    profile = profile_in(path.read_bytes())
    engine = Engine.from_path(path).keep_metadata()
    pair = [engine.resize(9).output(format=format) for format in ("png", "webp")]
    for made in (
        engine.to_buffer("jpeg", max_bytes=20_000),
        engine.decoded().to_buffer("webp"),
        lazyimage.run(pair)[1].result,
    ):
        assert profile_in(bytes(made)) == profile and made.metrics.icc == "kept"


def test_public_upload_keeps_a_profile_that_is_valid_and_small():
    for profile, kept in (
        (profile_of(3000), True),
        (profile_of(512 << 10), True),
        (profile_of((512 << 10) + 1), False),
        (profile_of(3000)[:2000], False),
        (profile_of(3000, b"GRAY"), False),
    ):
        data = places.source("jpeg", places.exif_block(), icc=profile)
        engine = Engine.from_bytes(data).sanitize("public-upload")
        encoded, metrics = engine.to_buffer_with_metrics("png")
        assert encoded.open().info.has_icc_profile == kept
        assert metrics.policy_violations == (() if kept else ("icc",))
        assert (metrics.icc == "kept") == kept
    strict = Engine.from_bytes(places.source("jpeg", places.exif_block())).sanitize("strict")
    assert not strict.keep_metadata().to_buffer("png").open().info.has_icc_profile


# --- the command line ------------------------------------------------------------------


def test_the_command_line_keeps_what_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    given = tmp_path / "in.jpg"
    given.write_bytes(places.source("jpeg", places.exif_block(), icc=profile_of(3000)))
    for words, wanted in (
        ([], (False, False, False, False)),
        (["--keep", "icc,exif"], (True, True, False, False)),
        (["--keep", "xmp,gps"], (False, False, True, True)),
        (["--keep", "ICC,EXIF,XMP,GPS"], (True, True, True, True)),
    ):
        out = tmp_path / "out.png"
        assert cli.main(["resize", str(given), str(out), "30", *words]) == 0
        info, data = lazyimage.inspect_file(out), out.read_bytes()
        found = (info.icc_bytes > 0, info.exif_bytes > 0, info.xmp_bytes > 0)
        assert (*found, bool(places.found_in(data, TRACES))) == wanted
        batch = tmp_path / "batch"
        assert cli.main(["batch", str(given), "-o", str(batch), "-f", "png", *words]) == 0
        assert (lazyimage.inspect_file(batch / "in.png").exif_bytes > 0) == wanted[1]
    for odd in ("iptc", "gps", ""):
        with pytest.raises(SystemExit) as left:
            cli.main(["convert", str(given), str(out), "--keep", odd])
        assert left.value.code == 2
    assert "--keep" in capsys.readouterr().err
