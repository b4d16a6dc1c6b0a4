"""How dense pixels are: carried along, and turned with the picture."""

import io

import places
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine

OUT = ("jpeg", "png", "webp", "avif")


def encode(engine: Engine, format: str) -> bytes:
    options = {"speed": 10} if format == "avif" else {}
    return bytes(engine.to_buffer(format, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("format", OUT)
def test_density_goes_along(format: str):
    for given, dpi in (("jpeg", 240), ("png", 240), ("webp", 300), ("avif", 300)):
        data = places.source(given, places.exif_block())
        assert lazyimage.inspect(data).density == pytest.approx((dpi, dpi), abs=0.01)
        out = encode(Engine.from_bytes(data).keep_metadata(exif=True), format)
        # JFIF and pHYs have their own; WebP and AVIF only what EXIF has already said.
        wanted = dpi if format in ("jpeg", "png") else 300
        assert lazyimage.inspect(out).density == pytest.approx((wanted, wanted), abs=0.01)
        bare = encode(Engine.from_bytes(data), format)
        assert lazyimage.inspect(bare).density is None


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_density_alone_becomes_exif_where_there_is_no_other_place(format: str):
    out = io.BytesIO()
    places.picture().save(out, "JPEG", dpi=(72, 96))
    kept = encode(Engine.from_bytes(out.getvalue()).keep_metadata(exif=True), format)
    assert lazyimage.inspect(kept).density == (72.0, 96.0)


def resolutions(data: bytes) -> tuple[float, float]:
    """Of EXIF, by Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        return float(exif[0x011A]), float(exif[0x011B])


def dense(orientation: int) -> bytes:
    """300 by 150 as stored: in JFIF and, within, in EXIF."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x011A], exif[0x011B], exif[0x0128] = 300, 150, 2
    out = io.BytesIO()
    places.picture().save(out, "JPEG", dpi=(300, 150), exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("format", OUT)
def test_density_is_turned_with_the_picture(format: str):
    for orientation in range(1, 9):
        data = dense(orientation)
        turned, stored = orientation >= 5, Engine.from_bytes(data).keep_metadata(exif=True)
        told = (150.0, 300.0) if turned else (300.0, 150.0)
        assert lazyimage.inspect(data).density == told
        for engine, swapped in (
            (stored, turned),
            (stored.rotate(90), not turned),
            (stored.rotate(180).flip_h(), turned),
            (stored.transpose().rotate(270), turned),
            (stored.decoded().rotate(90), not turned),
            (stored.rotate(90).decoded(), not turned),
        ):
            out = encode(engine, format)
            wanted = (150.0, 300.0) if swapped else (300.0, 150.0)
            assert lazyimage.inspect(out).density == pytest.approx(wanted, abs=0.02)
            assert resolutions(out) == pytest.approx(wanted)
        # What is left to who shows it stays as it is stored, and is upright to who asks.
        out = encode(stored.auto_orient(False), format)
        assert resolutions(out) == (300, 150)
        assert lazyimage.inspect(out).density == pytest.approx(told, abs=0.02)


def test_density_is_turned_in_a_search():
    engine = Engine.from_bytes(dense(1)).keep_metadata(exif=True).rotate(90)
    out = bytes(engine.to_buffer("jpeg", max_bytes=20_000))
    assert resolutions(out) == lazyimage.inspect(out).density == (150, 300)


def test_explain_tells_the_density_that_is_written():
    engine = Engine.from_bytes(dense(1)).keep_metadata(exif=True)
    assert "300x150 dpi" in engine.explain("png")
    assert "150x300 dpi" in engine.rotate(90).explain("png")
