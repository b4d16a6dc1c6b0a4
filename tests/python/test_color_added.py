"""A kept profile goes with samples in its colours alone: decoded(), what steps add, searches."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_color import (
    APPLE,
    P3,
    SRGB,
    apart,
    encoded,
    gamma_curve,
    needs_lcms2,
    picture,
    profile,
    samples,
)
from test_color_numbers import srgb_value

import lazyimage as li
from lazyimage import Engine
from lazyimage.quality import ssim

GREEN = (60, 200, 60)
GRAY = profile(None, gamma_curve(1.0))
pytestmark = needs_lcms2


def flat() -> Engine:
    """A green of Display P3, its profile kept."""
    picture = Image.new("RGB", (24, 16), GREEN)
    return Engine.from_bytes(encoded(picture, "PNG", APPLE)).keep_metadata()


def corner(engine: Engine, **options: Any) -> tuple[tuple[int, ...], str]:
    """The first pixel of a PNG, and what became of the profile."""
    made = engine.to_buffer("png", **options)
    stored = Engine.from_bytes(made.to_bytes()).to_pixels(color="keep")
    return tuple(np.asarray(stored)[0, 0].tolist()), made.metrics.icc


def test_what_was_decoded_in_its_profile_is_converted_where_that_is_not_kept() -> None:
    engine = flat()
    narrow = tuple(samples(engine)[0, 0].tolist())
    assert narrow != GREEN
    decoded = engine.decoded()
    assert corner(decoded) == (GREEN, "kept")
    assert corner(decoded.keep_metadata(icc=False)) == (narrow, "converted")
    assert corner(decoded, color="keep") == (GREEN, "kept")
    assert tuple(samples(decoded)[0, 0].tolist()) == narrow
    assert samples(decoded.grayscale()).tolist() == samples(engine.grayscale()).tolist()
    assert decoded.dominant_color() == engine.dominant_color()
    black = Engine.from_pixels(np.zeros((20, 30, 3), np.uint8))
    laid = samples(black.overlay(decoded, position=(0, 0)))
    assert tuple(laid[0, 0].tolist()) == narrow


def test_samples_that_were_converted_do_not_take_the_profile_along() -> None:
    gray = flat().grayscale().decoded()
    assert corner(gray.convert("RGB"))[1] == "absent"


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (lambda e, logo: e.overlay(logo, position=(0, 0)), {}),
        (lambda e, logo: e.pad(2, background=GREEN), {}),
        (lambda e, logo: e.rotate(45, background=GREEN), {}),
        (lambda e, logo: e.resize(40, 40, fit="contain", background=GREEN), {}),
    ],
    ids=["overlay", "pad", "rotate", "contain"],
)
def test_colours_that_are_added_are_what_was_asked_for(step: Any, options: Any) -> None:
    logo = Engine.from_pixels(np.full((4, 4, 3), GREEN, np.uint8))
    assert corner(step(flat(), logo)) == (GREEN, "converted")
    assert corner(step(flat(), logo), color="keep") == (GREEN, "kept")


@needs_lcms2
def test_light_is_that_of_the_samples() -> None:
    """Resized in sRGB's light, after the profile was converted: half of gamma 1 stays half of
    the light. Samples that stay are filtered by sRGB's curve all the same."""
    board = np.indices((64, 64)).sum(0) % 2 * 255
    picture = Image.fromarray(np.dstack([board] * 3).astype(np.uint8))
    linear = profile(P3, gamma_curve(1.0))
    engine = Engine.from_bytes(encoded(picture, "PNG", linear)).keep_metadata()
    step = engine.resize(32, kernel="box", linear=True)
    assert corner(step) == ((188, 188, 188), "converted")
    assert corner(engine.resize(32, kernel="box")) == ((128, 128, 128), "kept")
    assert corner(step, color="keep") == ((188, 188, 188), "kept")
    assert corner(engine.resize(64, linear=True))[1] == "kept"
    assert corner(engine.resize(32, kernel="nearest", linear=True))[1] == "kept"
    tagged = Engine.from_bytes(encoded(picture, "PNG", SRGB)).keep_metadata()
    assert corner(tagged.resize(32, kernel="box", linear=True)) == ((188, 188, 188), "kept")


def test_a_background_under_alpha_is_what_was_asked_for() -> None:
    picture = Image.new("RGBA", (8, 8), (9, 9, 9, 0))
    engine = Engine.from_bytes(encoded(picture, "PNG", APPLE)).keep_metadata()
    assert corner(engine.flatten(GREEN)) == (GREEN, "converted")
    assert corner(engine.flatten("black")) == ((0, 0, 0), "kept")
    assert engine.to_buffer("jpeg", background="#3cc83c").metrics.icc == "converted"
    assert engine.to_buffer("jpeg").metrics.icc == "kept"


@pytest.mark.parametrize("background", ["white", "black"])
def test_black_and_white_are_the_same_in_every_profile(background: str) -> None:
    assert corner(flat().pad(2, background=background))[1] == "kept"


def test_a_candidate_is_compared_as_it_is_stored() -> None:
    grain = np.random.default_rng(1).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    picture = Image.fromarray(grain).resize((96, 96))
    engine = Engine.from_bytes(encoded(picture, "PNG", APPLE)).keep_metadata()
    made = engine.to_buffer("webp", min_ssim=0.95)
    again = Engine.from_bytes(made.to_bytes()).to_pixels(color="keep")
    assert made.metrics.icc == "kept"
    assert made.search is not None
    assert made.search.ssim == pytest.approx(ssim(again, engine.to_pixels(color="keep")), abs=1e-6)


# --- a profile of gray, and files that say RGB ------------------------------------------


def gray(mode: str) -> Engine:
    """With a profile whose samples are light itself."""
    if mode in ("L", "LA"):
        image = picture(mode)
    elif mode == "I;16":
        image = Image.fromarray(np.asarray(picture("L")).astype(np.uint16) * 257)
    else:
        image = picture("L").convert("1")
    return Engine.from_bytes(encoded(image, "PNG", GRAY))


COLOURED: list[tuple[str, dict[str, Any]]] = [
    ("png", {"palette": 256}),
    ("png", {"palette": 16, "dither": False}),
    ("webp", {"lossless": True}),
    ("webp", {}),
]


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "1"])
@pytest.mark.parametrize(("format", "options"), COLOURED, ids=str)
def test_a_profile_of_gray_is_not_kept_in_a_file_that_says_rgb(
    mode: str, format: str, options: dict[str, Any]
) -> None:
    if format not in li.supported_output_formats():
        pytest.skip("a build without it")
    engine = gray(mode)
    plain = engine.to_buffer(format, **options)
    assert plain.metrics.icc == "converted"
    for kept in (engine.keep_metadata(icc=True), engine.sanitize("public-upload")):
        assert bytes(kept.to_buffer(format, **options)) == bytes(plain)
        output = kept.output(format=format, **options)
        assert bytes(li.run([output], on_error="raise")[0].result) == bytes(plain)
        made = kept.to_buffer(format, **options)
        assert made.metrics.icc == "converted" and li.inspect(made.to_bytes()).icc_bytes == 0


def test_gray_beside_alpha_in_few_bits_is_a_palette_and_a_palette_is_rgb() -> None:
    made = gray("LA").keep_metadata(icc=True).to_buffer("png", bit_depth=4)
    with Image.open(io.BytesIO(made.to_bytes())) as image:
        assert image.mode == "P" and "icc_profile" not in image.info
    assert made.metrics.icc == "converted"


@pytest.mark.parametrize(
    ("format", "options"),
    [("png", {}), ("png", {"bit_depth": 4}), ("jpeg", {}), ("avif", {})],
    ids=str,
)
def test_a_profile_of_gray_goes_with_gray(format: str, options: dict[str, Any]) -> None:
    if format not in li.supported_output_formats():
        pytest.skip("a build without it")
    made = gray("L").keep_metadata(icc=True).to_buffer(format, **options)
    assert made.metrics.icc == "kept" and li.inspect(made.to_bytes()).icc_bytes > 0


def test_what_was_kept_and_goes_into_a_webp_looks_as_it_did() -> None:
    if "webp" not in li.supported_output_formats():
        pytest.skip("a build without it")
    made = gray("L").keep_metadata(icc=True).to_buffer("webp", lossless=True)
    truth = srgb_value(np.asarray(picture("L")) / 255).round()
    assert apart(Image.open(io.BytesIO(made.to_bytes())).getchannel(1), truth) <= 1


IDLE = {
    "contain": lambda engine: engine.resize(24, 16, fit="contain", background="red"),
    "pad": lambda engine: engine.pad(0, background="red"),
    "invisible": lambda engine: engine.overlay(Engine.from_pixels(RED), opacity=0),
    "outside": lambda engine: engine.overlay(Engine.from_pixels(RED), position=(99, 99)),
}
RED = np.full((4, 4, 3), (255, 0, 0), np.uint8)


@pytest.mark.parametrize("name", IDLE)
def test_a_step_that_changes_nothing_keeps_the_profile(name: str) -> None:
    assert corner(IDLE[name](flat())) == (GREEN, "kept")
    assert corner(IDLE[name](flat().resize(90)).resize(24)) == (GREEN, "kept")
    narrow = tuple(samples(flat())[0, 0].tolist())
    assert corner(IDLE[name](flat()).keep_metadata(icc=False)) == (narrow, "converted")
    shown = IDLE[name](flat()).pad(1, background="red")
    assert corner(shown) == ((255, 0, 0), "converted")
