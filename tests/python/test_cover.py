"""fit="cover" of any proportion: the box is made, and nothing else."""

from typing import Any

import numpy as np
import pytest

from lazyimage import Engine


@pytest.mark.parametrize(
    ("size", "box"),
    [((3000, 15), (400, 400)), ((15, 3000), (400, 400)), ((65535, 1), (400, 400)),
     ((1, 65535), (300, 200)), ((7000, 3), (65, 100)), ((150, 100), (65535, 1))],
)  # fmt: skip
@pytest.mark.parametrize("place", ["center", "left", "bottom-right"])
def test_cover_of_any_proportion(size: tuple[int, int], box: tuple[int, int], place: Any) -> None:
    """Along the longer side a pixel stands for so little that a ramp across it is flat."""
    width, height = size
    ramp = np.arange(max(size)) * 200 // max(size) + 20
    samples = np.zeros((height, width, 1), np.uint8)
    samples[:] = ramp[None, :width, None] if width > height else ramp[:height, None, None]
    engine = Engine.from_pixels(samples).limits(max_output_pixels=200_000)
    for kernel in ("lanczos3", "nearest"):
        made = engine.resize(*box, fit="cover", kernel=kernel, position=place)
        pixels = np.asarray(made.to_pixels()).astype(int)
        assert pixels.shape[1::-1] == box
        if size == (150, 100):
            continue
        share = {"center": 0.5, "left": 0 if width > height else 0.5, "bottom-right": 1}[place]
        assert np.abs(pixels - (20 + 200 * share)).max() < 6
    assert made.estimate("png").peak_bytes < 4_000_000


@pytest.mark.parametrize("place", ["center", "right", "top"])
def test_cover_is_a_scaled_picture_cut(place: Any) -> None:
    samples = np.random.default_rng(1).integers(0, 256, (40, 90, 3), np.uint8)
    engine = Engine.from_pixels(samples)
    cover = np.asarray(engine.resize(200, 200, fit="cover", position=place).to_pixels())
    whole = engine.resize(450, 200, fit="fill")
    x = {"center": 125, "right": 250, "top": 125}[place]
    assert np.array_equal(cover, np.asarray(whole.crop(x, 0, 200, 200).to_pixels()))
    assert np.array_equal(cover, np.asarray(whole.decoded().crop(x, 0, 200, 200).to_pixels()))
