"""convert(), its parity names, and grayscale(): every layout to every other."""

import numpy as np
import pytest

import lazyimage as li

LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_layout_becomes_every_other(channels: int, mode: str) -> None:
    """Gray is Rec. 709 luma, new alpha 255, old alpha cut off; the parity names are RGB."""
    samples = np.random.default_rng(channels).integers(0, 256, (40, 48, channels), np.uint8)
    colours = samples[:, :, :3] if channels > 2 else samples[:, :, :1].repeat(3, 2)
    alpha = samples[:, :, -1:] if channels in (2, 4) else np.full((40, 48, 1), 255, np.uint8)
    gray = np.floor(colours @ LUMA + 0.5)[:, :, None] if channels > 2 else samples[:, :, :1]
    wanted = gray if mode[0] == "L" else colours
    wanted = np.concatenate([wanted, alpha], axis=2) if mode[-1] == "A" else wanted
    engine = li.Engine.from_pixels(samples)
    found = np.asarray(engine.convert(mode).to_pixels())
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= (1 if mode[0] == "L" and channels > 2 else 0)
    for same in (engine.ensure_rgb(), engine.normalize_pixel_format()):
        if mode == "RGB":
            assert np.array_equal(np.asarray(same.to_pixels()), found)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_grayscale_keeps_alpha(channels: int) -> None:
    samples = np.random.default_rng(channels).integers(0, 256, (40, 48, channels), np.uint8)
    engine = li.Engine.from_pixels(samples)
    gray = engine.convert("LA" if channels in (2, 4) else "L")
    assert np.array_equal(np.asarray(engine.grayscale().to_pixels()), np.asarray(gray.to_pixels()))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_over_a_background_is_what_flatten_makes_of_it(dtype: type) -> None:
    samples = np.zeros((16, 16, 2), dtype)
    full = np.iinfo(dtype).max
    samples[:] = full, 128 * (full // 255)
    engine = li.Engine.from_pixels(samples)
    for color, mode in (("#0000ff", "RGB"), ("#404040", "L"), ("white", "L")):
        encoded = engine.to_buffer("jpeg", 100, background=color)
        want = engine.flatten(color).to_buffer("jpeg", 100)
        assert encoded.open().info.mode == mode and bytes(encoded) == bytes(want)
    blue = np.asarray(engine.to_buffer("jpeg", 100, background="#0000ff").open().to_pixels())
    assert np.abs(blue[8, 8].astype(int) - (128, 128, 255)).max() <= 2
    opaque = li.Engine.from_pixels(samples[:, :, :1].copy())
    assert opaque.to_buffer("jpeg", background="#0000ff").open().info.mode == "L"
    assert engine.to_buffer("png", background="#0000ff").open().info.mode == "LA"
