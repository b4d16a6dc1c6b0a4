"""Colours are converted before the first step, wherever the plan does it: a chain gives what it
gives to the same picture once it is sRGB."""

from typing import Any

import numpy as np
import oracle
import pytest
from PIL import Image
from test_color import ADOBE, SRGB_CURVE, WIDE, encoded, gamma_curve, needs_lcms2, profile
from test_color import P3 as P3_PLACES
from test_color_numbers import P3, chrm, cicp, gama, needs_avif, png, srgb_light

import lazyimage as li
from lazyimage import Engine

Array = np.ndarray[Any, Any]

UNEVEN = {
    "linear": [gama(100000)],
    "gamma 1.8": [gama(55556)],
    "pq": [cicp(9, 16)],
    "hlg": [cicp(9, 18)],
}
"""Curves far from sRGB's: a mean of values is no mean of what they become."""


def _checks(side: int = 64) -> Image.Image:
    y, x = np.mgrid[0:side, 0:side]
    return Image.fromarray(np.dstack([np.where((x + y) % 2, 200, 0).astype(np.uint8)] * 3))


def _pixels(engine: Engine, **options: Any) -> Array:
    return np.asarray(engine.to_pixels(**options)).astype(int)


def _first_steps(engine: Engine, **options: Any) -> list[str]:
    return [line.split()[0] for line in engine.explain("png", **options).splitlines()[2:4]]


# --- fewer pixels first --------------------------------------------------------------


@pytest.mark.parametrize("name", UNEVEN)
@pytest.mark.parametrize("kernel", ["box", "lanczos3", "nearest"])
def test_a_downscale_is_of_converted_colours(name: str, kernel: Any) -> None:
    engine = Engine.from_bytes(png(*UNEVEN[name], image=_checks()))
    wanted = _pixels(engine.decoded().resize(30, kernel=kernel))
    for shrink in ("safe", "exact"):
        found = _pixels(engine.resize(30, kernel=kernel), shrink=shrink)
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("name", UNEVEN)
def test_only_fast_filters_what_is_not_converted(name: str) -> None:
    engine = Engine.from_bytes(png(*UNEVEN[name], image=_checks())).resize(32, kernel="box")
    for shrink in ("safe", "exact"):
        assert _first_steps(engine, shrink=shrink) == ["color", "resize"]
    assert _first_steps(engine, shrink="fast") == ["resize", "color"]
    assert np.abs(_pixels(engine) - _pixels(engine, shrink="fast")).max() > 8


@pytest.mark.parametrize("chunks", [[cicp(12, 13)], [gama(45455), chrm(P3)], [cicp(9, 4)]])
def test_a_curve_near_srgb_s_is_filtered_as_it_is(chunks: list[bytes]) -> None:
    engine = Engine.from_bytes(png(*chunks, image=_checks()))
    assert _first_steps(engine.resize(32)) == ["resize", "color"]
    late = _pixels(engine.resize(32, kernel="box"))
    early = _pixels(engine.decoded().resize(32, kernel="box"))
    assert np.abs(late - early).max() <= 8


@needs_lcms2
@pytest.mark.parametrize(
    ("icc", "shrinks"),
    [
        (WIDE, True),
        (profile(P3_PLACES, SRGB_CURVE), True),
        (profile(ADOBE, gamma_curve(1.8)), False),
        (profile(ADOBE, gamma_curve(1.0)), False),
    ],
)
def test_a_decoder_shrinks_even_colours_only(icc: bytes, shrinks: bool) -> None:
    data = encoded(_checks(640), "jpeg", icc)
    engine = Engine.from_bytes(data).resize(20)
    assert ("full size" not in engine.explain("jpeg", quality=80)) == shrinks
    assert "full size" not in engine.explain("jpeg", quality=80, shrink="fast")


@needs_avif
def test_a_real_pq_picture_is_resized_in_srgb() -> None:
    engine = Engine.from_path(oracle.DATA / "avif" / "420-10-pq.avif")
    late = _pixels(engine.resize(24), dtype="uint16")
    early = _pixels(Engine.from_pixels(engine.to_pixels(dtype="uint16")).resize(24), dtype="uint16")
    assert np.array_equal(late, early)


# --- looks ---------------------------------------------------------------------------


def _dark(level: int = 40) -> Image.Image:
    """In linear light 40 of 255 are 107 of sRGB, 4 are 33: brightness takes 51 away."""
    samples = np.full((30, 40, 3), 4, np.uint8)
    samples[10:20, 10:30] = level
    return Image.fromarray(samples)


def test_trim_looks_at_converted_colours() -> None:
    engine = Engine.from_bytes(png(gama(100000), image=_dark())).brightness(-20)
    assert engine.trim().to_pixels().shape == (10, 20, 3)
    assert engine.trim(12).to_pixels().shape == engine.decoded().trim(12).to_pixels().shape


@pytest.mark.parametrize("level", [5, 6, 8, 12])
def test_a_threshold_counts_levels_of_srgb(level: int) -> None:
    engine = Engine.from_bytes(png(gama(100000), image=_dark(level)))
    shapes = [
        [one.trim(threshold).to_pixels().shape for threshold in range(0, 40, 3)]
        for one in (engine, engine.decoded())
    ]
    assert shapes[0] == shapes[1]
    kept = engine.trim(3).to_pixels(color="keep").shape
    assert kept == ((10, 20, 3) if level > 7 else (30, 40, 3))  # as the samples have it


def test_a_look_says_nothing_of_colours() -> None:
    """The job does; of a profile here, which is for other samples than are written."""
    engine = Engine.from_bytes(png(gama(100000), image=_dark())).trim()
    for color in ("keep", "srgb"):
        assert engine.to_buffer("png", color=color).metrics.warnings == ()
    tagged = Engine.from_bytes(encoded(_dark(), "png", WIDE))
    for one in (tagged, tagged.keep_metadata()):
        alone = one.to_buffer("jpeg", color="keep").metrics.warnings
        assert one.trim().to_buffer("jpeg", color="keep").metrics.warnings == alone


@needs_lcms2
def test_a_profile_that_cannot_be_kept_is_converted_before_the_look() -> None:
    """By a later step that brings sRGB, or by a layout that the profile is not of."""
    data = encoded(_dark(8), "png", profile(ADOBE, gamma_curve(1.0)))
    engine = Engine.from_bytes(data).keep_metadata(icc=True)
    inside, whole = (10, 20), (30, 40)
    assert engine.trim(10).to_pixels(color="srgb").shape[:2] == inside
    assert engine.trim(10).to_buffer("png").open().dimensions() == whole[::-1]
    padded = engine.trim(10).pad(1, background="red").to_buffer("png")
    assert padded.open().dimensions() == (22, 12)
    assert engine.trim(10).grayscale().to_buffer("png").open().dimensions() == inside[::-1]
    assert li.inspect(bytes(engine.trim(10).to_buffer("png"))).icc_bytes > 0


@needs_lcms2
def test_outputs_of_one_source_look_at_their_own_colours() -> None:
    data = encoded(_dark(8), "png", profile(ADOBE, gamma_curve(1.0)))
    engine = Engine.from_bytes(data).trim(10)
    outputs = [
        engine.output(format="png", color="keep"),
        engine.output(format="png"),
        engine.keep_metadata(icc=True).output(format="png"),
        engine.output(format="png", compression=1),
    ]
    outcomes = li.run(outputs)
    sizes = [outcome.result.open().dimensions() for outcome in outcomes]
    assert sizes == [(40, 30), (20, 10), (40, 30), (20, 10)]


def test_a_layer_is_looked_at_in_its_colours() -> None:
    below = Engine.from_pixels(np.zeros((30, 40, 3), np.uint8))
    logo = Engine.from_bytes(png(gama(100000), image=_dark())).brightness(-20).trim()
    found = _pixels(below.overlay(logo, position="top-left"))
    wanted = _pixels(below.overlay(logo.decoded(), position="top-left"))
    assert np.array_equal(found, wanted)
    assert (found[10:] == 0).all() and found[0, 0, 0] > 40


def test_attention_looks_at_converted_colours() -> None:
    """Dark stripes that the converted picture shows, and light ones that it does not."""
    ramp = srgb_light(np.linspace(22, 253, 160) / 255) * 255
    samples = np.dstack([np.tile(ramp, (40, 1))] * 3).astype(np.uint8)
    samples[::4, 10:30] += 9
    samples[::4, 130:150] -= 24
    engine = Engine.from_bytes(png(gama(100000), image=Image.fromarray(samples)))
    found = _pixels(engine.resize(40, 40, fit="cover", position="attention"))
    wanted = _pixels(engine.decoded().resize(40, 40, fit="cover", position="attention"))
    assert np.array_equal(found, wanted)
    kept = _pixels(engine.resize(40, 40, fit="cover", position="attention"), color="keep")
    assert kept.min() > 100 > found.max()
