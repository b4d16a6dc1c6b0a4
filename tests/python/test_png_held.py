"""PNG by palette, with few bits, and interlaced: read back by Pillow and by ourselves."""

import io
import struct
from typing import Any

import numpy as np
import oracle
import pytest
from PIL import Image

import lazyimage as li

PNG = oracle.DATA / "png"


def _made(samples: np.ndarray, **options: Any) -> li.Encoded:
    return li.Engine.from_pixels(samples).to_buffer("png", **options)


def _form(encoded: li.Encoded) -> tuple[int, int, int]:
    """Depth, colour type and interlacing, of IHDR."""
    depth, color, _, _, interlaced = struct.unpack_from("5B", bytes(encoded), 24)
    return depth, color, interlaced


def _opened(encoded: li.Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(bytes(encoded)))
    image.load()
    return image


def _pillow(encoded: li.Encoded, mode: str) -> np.ndarray:
    return np.asarray(_opened(encoded).convert(mode))


def _noise(height: int, width: int, channels: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def _few(height: int, width: int, channels: int, colours: int) -> np.ndarray:
    """A picture of exactly so many colours."""
    random = np.random.default_rng(colours)
    palette = np.unique(random.integers(0, 256, (4 * colours, channels), np.uint8), axis=0)
    palette = random.permutation(palette)[:colours]
    if channels in (2, 4):  # else they would be one
        palette[:, -1] = np.maximum(palette[:, -1], 1)
    picks = random.integers(0, len(palette), height * width)
    picks[: len(palette)] = np.arange(len(palette))
    return palette[picks].reshape(height, width, channels)


def _smooth(height: int = 90, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 2, y * 2, 255 - x - y], axis=2).clip(0, 255).astype(np.uint8)


# --- few colours: without loss -------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("colours", [1, 2, 3, 4, 5, 16, 17, 255, 256])
def test_few_colours_come_back(channels: int, colours: int) -> None:
    samples = _few(37, 41, channels, min(colours, 200) if channels == 1 else colours)
    encoded = _made(samples, palette=True)
    count = len(np.unique(samples.reshape(-1, channels), axis=0))
    want = next(bits for bits in (1, 2, 4, 8) if 2**bits >= count)
    assert _form(encoded) == (want, 3, 0)
    mode = "RGBA" if channels in (2, 4) else "RGB"
    expected = np.asarray(li.Engine.from_pixels(samples).to_pixels(mode=mode))
    assert np.array_equal(_pillow(encoded, mode), expected)
    assert np.array_equal(np.asarray(encoded.open().to_pixels(mode=mode)), expected)


def test_what_is_invisible_is_one_colour() -> None:
    samples = _noise(20, 30, 4)
    samples[:, :, 3] = 0
    samples[4:9, 4:9] = (1, 2, 3, 255)
    encoded = _made(samples, palette=True)
    assert _form(encoded)[0] == 1
    got = _pillow(encoded, "RGBA")
    assert np.array_equal(got[:, :, 3], samples[:, :, 3])
    assert (got[5, 5] == (1, 2, 3, 255)).all()


def test_transparent_entries_come_first() -> None:
    samples = _few(40, 40, 4, 30)
    samples[:, :, 3] = np.where(samples[:, :, 0] < 100, 90, 255)
    data = bytes(_made(samples, palette=True))
    at = data.index(b"tRNS")
    (length,) = struct.unpack_from(">I", data, at - 4)
    colours = np.unique(samples.reshape(-1, 4), axis=0)
    assert length == (colours[:, 3] < 255).sum()


# --- many colours: quantised ---------------------------------------------------------


@pytest.mark.parametrize("dither", [True, False])
@pytest.mark.parametrize("most", [2, 7, 64, 256])
def test_no_more_colours_than_wanted(most: int, dither: bool) -> None:
    encoded = _made(_smooth(), palette=most, dither=dither)
    got = _pillow(encoded, "RGB")
    assert len(np.unique(got.reshape(-1, 3), axis=0)) <= most
    want = next(bits for bits in (1, 2, 4, 8) if 2**bits >= most)
    assert _form(encoded) == (want, 3, 0)


def _error(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one.astype(float) - other.astype(float)) ** 2).mean())


@pytest.mark.parametrize("most", [16, 64, 256])
def test_colours_are_no_worse_than_pillows(most: int) -> None:
    """Mean squared error without dithering, over Pillow's median cut."""
    for samples, share in ((_smooth(), 1.05), (_photograph(), 0.8)):
        ours = _pillow(_made(samples, palette=most, dither=False), "RGB")
        theirs = Image.fromarray(samples).quantize(most, dither=Image.Dither.NONE).convert("RGB")
        assert _error(ours, samples) <= share * _error(np.asarray(theirs), samples)


def _photograph() -> np.ndarray:
    engine = li.Engine.from_path(oracle.DATA / "jpeg" / "420.jpg")
    return np.asarray(engine.to_pixels(mode="RGB")).copy()


def test_dithering_keeps_the_mean_of_a_place() -> None:
    samples = _smooth(96, 128)
    means = []
    for dither in (True, False):
        got = _pillow(_made(samples, palette=8, dither=dither), "RGB").astype(float)
        blocks = [a.reshape(6, 16, 8, 16, 3).mean(axis=(1, 3)) for a in (got, samples)]
        means.append(np.abs(blocks[0] - blocks[1]).mean())
    assert means[0] < 0.6 * means[1]


def test_what_is_invisible_stays_so_when_quantised() -> None:
    samples = np.concatenate([_smooth(), np.full((90, 120, 1), 255, np.uint8)], axis=2)
    _y, x = np.mgrid[0:90, 0:120]
    samples[:, :, 3] = np.clip((x - 40) * 6, 0, 255)
    samples[samples[:, :, 3] == 0] = (9, 8, 7, 0)
    got = _pillow(_made(samples, palette=64), "RGBA")
    assert (got[:, :40, 3] == 0).all()
    seen = [a[:, :, :3] * (a[:, :, 3:] / 255.0) for a in (got, samples)]
    assert np.abs(seen[0] - seen[1]).mean() < 6
    assert np.abs(got[:, :, 3].astype(int) - samples[:, :, 3]).mean() < 5


def test_every_machine_makes_the_same_bytes() -> None:
    import os
    import subprocess
    import sys

    code = (
        "import sys, zlib, lazyimage as li; e = li.Engine.from_path(sys.argv[1]); "
        "print([zlib.crc32(e.to_buffer('png', palette=n).to_bytes()) for n in (5, 256)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(oracle.DATA / "jpeg" / "420.jpg")],
            env={**os.environ, "LAZYIMAGE_SIMD": name},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("scalar", "")
    }
    assert len(said) == 1


# --- few bits of gray ----------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_gray_of_few_bits(bits: int) -> None:
    levels = np.linspace(0, 255, 2**bits).round().astype(np.uint8)
    samples = levels[np.random.default_rng(2).integers(0, 2**bits, (33, 45, 1))]
    encoded = _made(samples, bit_depth=bits)
    assert _form(encoded) == (bits, 0, 0)
    assert np.array_equal(_pillow(encoded, "L"), samples[:, :, 0])
    assert np.array_equal(np.asarray(encoded.open().to_pixels()), samples)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_between_the_levels_is_dithered(bits: int) -> None:
    _y, x = np.mgrid[0:64, 0:256]
    samples = (x[:, :, None]).astype(np.uint8)
    dithered = _pillow(_made(samples, bit_depth=bits), "L").astype(float)
    plain = _pillow(_made(samples, bit_depth=bits, dither=False), "L").astype(int)
    step = 255 / (2**bits - 1)
    assert np.abs(plain - samples[:, :, 0]).max() <= step / 2 + 1
    blocks = [a.reshape(64, 32, 8).mean(axis=(0, 2)) for a in (dithered, samples[:, :, 0])]
    assert np.abs(blocks[0] - blocks[1]).max() < 6


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_few_bits_of_colours_are_a_palette(channels: int) -> None:
    encoded = _made(_noise(30, 30, channels), bit_depth=4)
    assert _form(encoded) == (4, 3, 0)
    assert len(_opened(encoded).getcolors()) <= 16
    few = _made(_few(30, 30, 3, 2), palette=True, bit_depth=4)
    assert _form(few) == (4, 3, 0)


# --- interlaced ----------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_passes_come_back(channels: int) -> None:
    for height in (*range(1, 10), 17):
        for width in (*range(1, 10), 33):
            samples = _noise(height, width, channels, height * 99 + width)
            encoded = _made(samples, interlace=True)
            assert _form(encoded)[2] == 1
            mode = ("L", "LA", "RGB", "RGBA")[channels - 1]
            got = _pillow(encoded, mode).reshape(samples.shape)
            assert np.array_equal(got, samples), (width, height)
            assert np.array_equal(np.asarray(encoded.open().to_pixels()), samples)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_passes_of_few_bits_come_back(bits: int) -> None:
    for width in range(1, 20):
        samples = _few(11, width, 3, min(2**bits, 11 * width))
        encoded = _made(samples, palette=True, interlace=True, bit_depth=bits)
        assert np.array_equal(_pillow(encoded, "RGB"), samples)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_passes_of_sixteen_bits_come_back(channels: int) -> None:
    color = (0, 4, 2, 6)[channels - 1]
    for height, width in ((1, 1), (5, 4), (9, 17), (33, 40)):
        random = np.random.default_rng(height)
        samples = random.integers(0, 65536, (height, width, channels), np.uint16)
        engine = li.Engine.from_pixels(samples)
        for options in ({}, {"bit_depth": 16}, {"compression": 0}):
            encoded = engine.to_buffer("png", interlace=True, **options)
            assert _form(encoded) == (16, color, 1)
            assert np.array_equal(oracle.png_samples(bytes(encoded)), samples)
            back = np.asarray(encoded.open().to_pixels(dtype="uint16"))
            assert np.array_equal(back.reshape(samples.shape), samples)
            again = encoded.open().to_buffer("png", interlace=True)
            assert np.array_equal(oracle.png_samples(bytes(again)), samples)
    assert _form(engine.to_buffer("png", interlace=True, bit_depth=8)) == (8, color, 1)
    assert ", 16 bit, interlaced, held whole" in engine.explain("png", interlace=True)


def test_passes_widen_eight_bits_where_they_are_asked_to() -> None:
    samples = _noise(19, 23, 3)
    encoded = _made(samples, interlace=True, bit_depth=16)
    assert _form(encoded) == (16, 2, 1)
    assert np.array_equal(oracle.png_samples(bytes(encoded)), samples.astype(np.uint16) * 257)


# --- with everything else ------------------------------------------------------------


@pytest.mark.parametrize("compression", range(10))
@pytest.mark.parametrize("options", [{"palette": 50}, {"interlace": True}, {"bit_depth": 2}])
def test_bounds_hold_at_every_level(compression: int, options: dict[str, Any]) -> None:
    deep = np.random.default_rng(5).integers(0, 65536, (70, 90, 3), np.uint16)
    for samples in (_smooth(), _noise(70, 90, 4), np.zeros((5, 400, 3), np.uint8), deep):
        engine = li.Engine.from_pixels(samples)
        estimate = engine.estimate("png", compression=compression, **options)
        encoded = engine.to_buffer("png", compression=compression, **options)
        assert len(encoded) <= estimate.out_bytes
        assert encoded.metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
        _opened(encoded)


def test_what_is_held_is_charged() -> None:
    engine = li.Engine.from_pixels(np.zeros((1000, 1000, 3), np.uint8))
    plain = engine.estimate("png").peak_bytes
    for options in ({"palette": True}, {"interlace": True}):
        held = engine.estimate("png", **options).peak_bytes
        assert plain + 3_000_000 < held < plain + 9_000_000
    assert "palette of 256, held whole" in engine.explain("png", palette=True)
    assert "interlaced, held whole" in engine.explain("png", interlace=True)
    with pytest.raises(li.errors.LimitError) as caught:
        engine.limits(max_memory=3_000_000).to_buffer("png", palette=True)
    assert caught.value.code == "E124"


@pytest.mark.parametrize(
    "options",
    [{"palette": 1}, {"palette": 257}, {"palette": -1}, {"bit_depth": 3}, {"bit_depth": 0}],
)
def test_wrong_values_are_refused(options: dict[str, Any]) -> None:
    engine = li.Engine.from_pixels(np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(li.errors.InvalidArgumentError) as caught:
        engine.to_buffer("png", **options)
    assert caught.value.code == "E400"
    with pytest.raises(li.errors.InvalidArgumentError):
        engine.to_buffer("jpeg", palette=True)
    with pytest.raises(TypeError):
        engine.to_buffer("png", palette="many")


def test_the_shipped_pictures_survive_a_palette() -> None:
    """Those of up to 256 colours without loss, all others within reason."""
    for entry in oracle.read_index(oracle.DATA):
        if entry.format != "png" or not entry.kind.startswith("valid") or entry.pixels > 300_000:
            continue
        engine = li.Engine.from_path(entry.file)
        samples = np.asarray(engine.to_pixels(mode="RGBA"))
        got = np.asarray(engine.to_buffer("png", palette=True).open().to_pixels(mode="RGBA"))
        seen = [a[:, :, :3] * (a[:, :, 3:] / 255.0) for a in (samples, got)]
        visible = np.where(samples[:, :, 3:] > 0, samples, 0)
        if len(np.unique(visible.reshape(-1, 4), axis=0)) <= 256:
            assert np.array_equal(visible, np.where(got[:, :, 3:] > 0, got, 0)), entry.path
        else:
            assert np.abs(seen[0] - seen[1]).mean() < 9, entry.path
