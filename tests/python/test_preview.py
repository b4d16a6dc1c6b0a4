"""Previews: one raster of 512 px at most, and never an exception."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from lazyimage import Engine

RNG = np.random.default_rng(5)
BIG = np.tile(RNG.integers(0, 255, (30, 30, 3), np.uint8), (30, 20, 1))  # 600 × 900


def shown(subject):
    bundle = subject._repr_mimebundle_(include=None, exclude=None)
    (mime, data), *others = bundle.items()
    assert not others and isinstance(data, str)
    picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert Image.MIME[picture.format] == mime
    return picture


@pytest.mark.parametrize("kind", ["engine", "encoded", "encoded png", "pixels"])
def test_a_big_picture_is_shown_within_512(kind):
    engine = Engine.from_pixels(BIG)
    subject = {
        "engine": lambda: engine,
        "encoded": lambda: engine.to_buffer("jpeg"),
        "encoded png": lambda: engine.to_buffer("png"),
        "pixels": lambda: engine.to_pixels(),
    }[kind]()
    picture = shown(subject)
    assert picture.size == (341, 512) and picture.format == "JPEG"


def test_the_recipe_is_run_first():
    assert shown(Engine.from_pixels(BIG).crop(0, 0, 100, 50)).size == (100, 50)
    assert shown(Engine.from_pixels(BIG).resize(200)).size == (200, 300)


def test_alpha_and_small_pictures_are_shown_exactly():
    clear = np.dstack([BIG, np.full(BIG.shape[:2], 99, np.uint8)])
    picture = shown(Engine.from_pixels(clear))
    assert picture.format == "PNG" and picture.mode == "RGBA"
    assert (np.asarray(picture)[..., 3] == 99).all()
    small = shown(Engine.from_pixels(BIG[:50, :50]))
    assert small.format == "PNG" and (np.asarray(small) == BIG[:50, :50]).all()


def test_a_small_encoded_is_shown_as_it_is():
    encoded = Engine.from_pixels(BIG[:400, :400]).to_buffer("jpeg", 12)
    assert base64.b64decode(encoded._repr_mimebundle_()["image/jpeg"]) == bytes(encoded)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Engine.from_bytes(b"this is no picture at all, none"),
        lambda: Engine.from_pixels(BIG).crop(0, 0, 5000, 5000),
        lambda: Engine.from_pixels(BIG).limits(max_pixels=5),
        lambda: Engine.from_pixels(BIG).to_pixels(dtype="float32"),
        lambda: Engine.from_pixels(BIG).to_pixels(layout="CHW"),
    ],
    ids=["no picture", "crop outside", "limit", "float32", "CHW"],
)
def test_what_cannot_be_shown_is_none(make):
    assert make()._repr_mimebundle_() is None


def test_a_file_that_is_gone_is_none(tmp_path):
    Image.fromarray(BIG).save(tmp_path / "a.png")
    engine = Engine.from_path(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    assert engine._repr_mimebundle_() is None
    assert repr(engine)


def test_there_is_no_second_raster():
    for subject in (Engine.from_pixels(BIG), Engine.from_pixels(BIG).to_buffer("png")):
        for name in ("_repr_png_", "_repr_jpeg_", "_repr_svg_", "_repr_html_"):
            assert not hasattr(subject, name)
