"""decoded(): what came along with the picture is told."""

import pickle
from pathlib import Path

import places
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine

DATA = Path(__file__).parents[1] / "data"
ALL = {"icc": True, "exif": True, "xmp": True}

needs_lcms2 = pytest.mark.skipif(
    "lcms2" not in lazyimage.features(), reason="a build without lcms2"
)


@pytest.mark.parametrize("orients", [True, False])
def test_what_is_decoded_once_tells_of_what_it_has(orients: bool):
    data = places.source("jpeg", places.exif_block(orientation=6))
    engine = Engine.from_bytes(data).auto_orient(orients)
    stored = (engine.info.stored_width, engine.info.stored_height)
    plain, decoded = engine.decoded(), engine.keep_metadata(**ALL).decoded()
    assert plain.info.exif_bytes == plain.info.xmp_bytes == plain.info.icc_bytes == 0
    assert plain.info.orientation == 1 and plain.info.density is None
    for one in (decoded, decoded.auto_orient(not orients), pickle.loads(pickle.dumps(decoded))):
        info = one.info
        assert info.exif_bytes and info.xmp_bytes and info.density
        assert info.orientation == (1 if orients else 6)
        assert info.size == (info.stored_width, info.stored_height) == one.dimensions()
        assert info.size == (stored[::-1] if orients else stored)
        out = one.to_buffer("jpeg")
        assert (out.width, out.height) == info.size
        again = lazyimage.inspect(out)
        assert again.orientation == info.orientation and again.exif_bytes and again.xmp_bytes
        assert one.keep_metadata(icc=False).to_buffer("jpeg").metrics.metadata_stripped
    assert not plain.to_buffer("jpeg").metrics.metadata_stripped


@needs_lcms2
def test_what_is_decoded_once_tells_of_its_profile():
    kept = Engine.from_path(DATA / "png/icc-p3.png").keep_metadata()
    decoded = kept.decoded()
    with Image.open(DATA / "png/icc-p3.png") as image:
        profile = image.info["icc_profile"]
    assert decoded.info.icc_bytes == len(profile) and decoded.has_icc_profile()
    assert decoded.to_buffer("png").metrics.icc == "kept"
    assert decoded.keep_metadata(icc=False).to_buffer("png").metrics.icc == "converted"
    assert not kept.keep_metadata(icc=False).decoded().has_icc_profile()
