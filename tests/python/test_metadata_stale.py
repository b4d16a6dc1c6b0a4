"""What kept metadata say is so of the picture that they go with: how it is turned, of which
colours it is, how large; and a place is gone by whatever name it goes."""

import io
from pathlib import Path

import numpy as np
import oracle
import places
import pytest
from PIL import Image
from test_color import needs_lcms2
from test_color_numbers import P3, chrm, cicp, gama, png
from test_metadata_extended import packet_of

import lazyimage
from lazyimage import Engine

DATA = Path(__file__).parents[1] / "data"
OUT = ("jpeg", "png", "webp", "avif")
SPACES = (
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:wgs="http://www.w3.org/2003/01/geo/wgs84_pos#" xmlns:rss="http://www.georss.org/georss" '
    'xmlns:gml="http://www.opengis.net/gml"'
)


def packet(attributes: str = "", elements: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f"{SPACES} {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def made(
    xmp: bytes, exif: bytes = b"", icc: bytes = b"", size: tuple[int, int] = (64, 48)
) -> bytes:
    out = io.BytesIO()
    options = {name: value for name, value in (("exif", exif), ("icc_profile", icc)) if value}
    places.picture().save(out, "JPEG", xmp=xmp, **options)
    return out.getvalue()


def encode(engine: Engine, format: str) -> bytes:
    options = {"speed": 10} if format == "avif" else {}
    return bytes(engine.to_buffer(format, **options))  # type: ignore[arg-type]


# --- how it is turned ------------------------------------------------------------------


TURNED = packet('tiff:Orientation="3"')


@pytest.mark.parametrize("format", OUT)
def test_what_xmp_alone_says_of_turns_is_not_applied_and_stays(format: str):
    """As browsers, libvips and sharp have it: EXIF turns a picture, XMP does not."""
    plain = Engine.from_bytes(made(packet())).to_pixels()
    for engine in (Engine.from_bytes(made(TURNED)), Engine.from_bytes(made(TURNED)).decoded()):
        assert np.array_equal(engine.to_pixels(), plain)
    for turns in (True, False):
        engine = Engine.from_bytes(made(TURNED)).auto_orient(turns).keep_metadata(xmp=True)
        for one in (engine, engine.decoded(), engine.resize(20)):
            assert b'tiff:Orientation="3"' in packet_of(encode(one, format))


def test_it_goes_where_exif_had_the_word():
    both = made(TURNED, b"Exif\0\0" + places.exif_block(orientation=6))
    upright = made(TURNED, b"Exif\0\0" + places.exif_block(orientation=1))
    for data, exif, turns, kept in (
        (both, False, True, False),
        (both, True, True, False),
        (both, False, False, True),
        (both, True, False, True),
        (upright, False, True, False),  # or who reads XMP would turn what EXIF said is upright
        (upright, True, True, True),
    ):
        engine = Engine.from_bytes(data).auto_orient(turns).keep_metadata(xmp=True, exif=exif)
        for one in (engine, engine.decoded()):
            found = b"Orientation" in packet_of(encode(one, "png"))
            assert found == kept, (exif, turns, data is both)


@pytest.mark.corpus
def test_a_real_file_keeps_its_xmp_orientation():
    directory = oracle.corpus_directory()
    assert directory is not None
    engine = Engine.from_path(directory / "pillow/Tests/images/xmp_tags_orientation.png")
    for turns in (True, False):
        out = encode(engine.auto_orient(turns).keep_metadata(xmp=True), "png")
        with Image.open(io.BytesIO(out)) as image:
            assert image.getexif()[0x0112] == 3


def test_orientation_stays_where_a_jpeg_has_no_room_for_its_exif():
    """66,000 bytes go into a PNG, and not into a JPEG's segment."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "x" * 66_000
    out = io.BytesIO()
    places.picture().save(out, "PNG", exif=exif)
    engine = Engine.from_bytes(out.getvalue()).keep_metadata(exif=True)
    for turns, wanted in ((False, 6), (True, 1)):
        encoded, metrics = engine.auto_orient(turns).to_buffer_with_metrics("jpeg")
        assert lazyimage.inspect(bytes(encoded)).orientation == wanted
        assert lazyimage.inspect(bytes(encoded)).size == (48, 64)
        assert [text for text in metrics.warnings if "more than the" in text]


# --- which colours it has --------------------------------------------------------------


def adobe_rgb() -> bytes:
    """A block that says Adobe RGB, in the three ways that DCF has."""
    exif = Image.Exif()
    exif[0x013E] = (0.313, 0.329)
    exif[0x013F] = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    exif[0x8769] = {0xA001: 0xFFFF, 0xA500: 2.2, 0x9003: "2024:05:06 07:08:09", 0xA005: {1: "R03"}}
    return exif.tobytes()


COLOURS = packet(
    'exif:ColorSpace="65535" photoshop:ICCProfile="Adobe RGB (1998)"',
    "<photoshop:Headline>kept</photoshop:Headline>",
)


@needs_lcms2
@pytest.mark.parametrize("format", OUT)
def test_converted_colours_are_not_called_adobes(format: str):
    with Image.open(DATA / "png" / "icc-p3.png") as image:
        profile = image.info["icc_profile"]
    data = made(COLOURS, adobe_rgb(), profile)
    engine = Engine.from_bytes(data)
    converted = engine.keep_metadata(icc=False, exif=True, xmp=True)
    kept = engine.keep_metadata(exif=True, xmp=True)
    for one, old in (
        (converted, False),
        (converted.decoded(), False),
        (engine.keep_metadata(exif=True, xmp=True, icc=False).resize(20), False),
        (kept, True),
        (kept.decoded(), True),
    ):
        out = encode(one, format)
        with Image.open(io.BytesIO(out)) as image:
            exif = image.getexif()
            inner = exif.get_ifd(0x8769)
            assert inner[0x9003] == "2024:05:06 07:08:09"
            assert (inner[0xA001] == 0xFFFF) == old and (inner[0xA001] == 1) != old
            assert (0xA500 in inner) == (0x013E in exif) == (0x013F in exif) == old
            assert (exif.get_ifd(0xA005).get(1) == "R03") == old
        text = packet_of(out)
        assert b"kept" in text and (b"65535" in text) == (b"Adobe RGB" in text) == old


@needs_lcms2
def test_searches_and_several_outputs_say_the_same():
    with Image.open(DATA / "png" / "icc-p3.png") as image:
        profile = image.info["icc_profile"]
    engine = Engine.from_bytes(made(COLOURS, adobe_rgb(), profile))
    engine = engine.keep_metadata(icc=False, exif=True, xmp=True)
    several = lazyimage.run([engine.resize(s).output(format="jpeg") for s in (10, 20)])
    searched = engine.to_buffer("jpeg", max_bytes=20_000)
    for out in (bytes(searched), *[bytes(one.result) for one in several]):
        with Image.open(io.BytesIO(out)) as image:
            assert image.getexif().get_ifd(0x8769)[0xA001] == 1
        assert b"Adobe RGB" not in packet_of(out)


@pytest.mark.parametrize("numbers", [cicp(9, 16), gama(100_000) + chrm(P3)])
def test_kept_samples_keep_what_their_own_bytes_say_of_them(numbers: bytes):
    image = places.picture().quantize(16)
    data = png(numbers, image=image)
    engine = Engine.from_bytes(data)
    own = engine.to_buffer("png", compression=0, color="keep", never_larger=True)
    assert len(own) == len(data) and numbers in bytes(own)
    plain = Engine.from_bytes(bytes(own)).to_pixels(color="srgb")
    assert np.array_equal(plain, engine.to_pixels(color="srgb"))


# --- how large it is -------------------------------------------------------------------


def test_sizes_in_xmp_go_with_the_size():
    words = (b"PixelXDimension", b"PixelYDimension", b"ImageWidth", b"ImageLength")
    data = made(
        packet(
            'exif:PixelXDimension="64" tiff:ImageWidth="64"',
            "<exif:PixelYDimension>48</exif:PixelYDimension><tiff:ImageLength>48</tiff:ImageLength>",
        )
    )
    engine = Engine.from_bytes(data).keep_metadata(xmp=True)
    for one, kept in (
        (engine, True),
        (engine.flip_h(), True),
        (engine.decoded(), True),
        (engine.resize(20), False),
        (engine.rotate(90), False),
        (engine.resize(20).decoded(), False),
        (engine.decoded().crop(0, 0, 20, 20), False),
    ):
        text = packet_of(encode(one, "png"))
        assert [word in text for word in words] == [kept] * 4


# --- where it was taken ----------------------------------------------------------------


PLACES = packet(
    'wgs:lat="48.858303" rss:elev="352.341"',
    "<wgs:long>2.353428</wgs:long><rss:point>48.858303 2.353428</rss:point>"
    '<alt xmlns="http://www.w3.org/2003/01/geo/wgs84_pos#">352.341</alt>'
    "<rss:where><gml:Point><gml:pos>48.858303 2.353428</gml:pos></gml:Point></rss:where>"
    '<photoshop:Headline><rdf:Alt><rdf:li xml:lang="x-default">kept</rdf:li></rdf:Alt>'
    "</photoshop:Headline>",
)


@pytest.mark.parametrize("format", OUT)
def test_a_place_is_gone_by_whatever_name(format: str):
    engine = Engine.from_bytes(made(PLACES))
    text = packet_of(encode(engine.keep_metadata(xmp=True), format))
    assert b"48.858" not in text and b"2.3534" not in text and b"352.341" not in text
    assert b"<rdf:Alt>" in text and b"kept" in text
    whole = packet_of(encode(engine.keep_metadata(xmp=True, strip_gps=False), format))
    assert whole.count(b"48.858303") == 3
