"""A kept profile goes with samples in its colours alone: decoded(), what steps add, searches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_color import APPLE, encoded, needs_lcms2, samples

from lazyimage import Engine
from lazyimage.quality import ssim

GREEN = (60, 200, 60)
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
