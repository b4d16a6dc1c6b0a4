"""Placeholders, dominant colours, ThumbHash: against an encoder and a decoder written out."""

import base64
import math

import numpy as np
import pytest

import lazyimage as li
from lazyimage import placeholder
from lazyimage.errors import InvalidArgumentError


def gradient(width=300, height=200):
    """From red on the left to blue on the right, darker downwards."""
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(1, 0.4, height)[:, None]
    red, blue = 255 * (1 - x) * y, 255 * x * y
    return np.dstack([red, 40 * y * np.ones_like(x), blue]).astype(np.uint8)


# --- data URLs -----------------------------------------------------------------------


def test_a_placeholder_is_a_small_picture_in_a_url():
    url = li.Engine.from_pixels(gradient()).placeholder()
    head, _, text = url.partition(",")
    assert head == "data:image/webp;base64"
    picture = li.open(base64.b64decode(text, validate=True))
    assert picture.dimensions() == (16, 11)
    assert len(url) < 200
    small = np.asarray(picture.to_pixels(mode="RGB"), np.int16)
    truth = np.asarray(li.Engine.from_pixels(gradient()).resize(16, 16).to_pixels(), np.int16)
    assert np.abs(small - truth).mean() < 20


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif"])
def test_every_format_will_do_and_lossless_ones_drop_the_quality(format):
    url = li.Engine.from_pixels(gradient()).placeholder(8, format, 30)
    assert url.startswith(f"data:image/{format};base64,")
    info = li.open(base64.b64decode(url.partition(",")[2])).info
    assert (info.format, info.size) == (format, (8, 5))


def test_steps_come_first_and_small_pictures_stay_small():
    engine = li.Engine.from_pixels(gradient(6, 4))
    url = engine.rotate(90).placeholder(format="png")
    assert li.open(base64.b64decode(url.partition(",")[2])).dimensions() == (4, 6)


def test_arguments_of_a_placeholder_are_checked():
    engine = li.Engine.from_pixels(gradient())
    for size in (0, 257, -1):
        with pytest.raises(InvalidArgumentError, match=f"size={size} is outside"):
            engine.placeholder(size)
    with pytest.raises(TypeError):
        engine.placeholder("16")
    with pytest.raises(InvalidArgumentError):
        engine.placeholder(16, "gif")
    with pytest.raises(InvalidArgumentError, match="quality=0"):
        engine.placeholder(16, "webp", 0)


# --- colours -------------------------------------------------------------------------


def test_the_dominant_colour_is_that_of_most_pixels():
    array = np.empty((60, 60, 3), np.uint8)
    array[:] = (10, 200, 30)
    array[:20] = (250, 0, 0)
    assert li.Engine.from_pixels(array).dominant_color() == "#0ac81e"
    assert li.Engine.from_pixels(array[:20]).dominant_color() == "#fa0000"
    gray = np.full((9, 9), 77, np.uint8)
    assert li.Engine.from_pixels(gray).dominant_color() == "#4d4d4d"


def test_what_is_transparent_has_no_colour():
    array = np.zeros((40, 40, 4), np.uint8)
    array[:10] = (1, 2, 250, 255)
    assert li.Engine.from_pixels(array).dominant_color() == "#0102fa"
    assert li.Engine.from_pixels(array[20:]).dominant_color() == "#000000"


def test_colours_nearby_are_one_and_their_mean_is_told():
    array = np.zeros((2, 4, 3), np.uint8)
    array[:, :3, 0] = [[160, 164, 168], [160, 164, 168]]
    array[:, 3, 1] = 255
    assert li.Engine.from_pixels(array).dominant_color() == "#a40000"


# --- ThumbHash -----------------------------------------------------------------------


def js_round(number):
    return math.floor(number + 0.5)


def slow_channel(plane, nx, ny):
    """Every frequency by the double sum that defines it."""
    height, width = plane.shape
    y, x = np.arange(height) + 0.5, np.arange(width) + 0.5
    found = []
    for cy in range(ny):
        for cx in range(nx):
            if cx * ny < nx * (ny - cy):
                wave = np.outer(np.cos(np.pi / height * cy * y), np.cos(np.pi / width * cx * x))
                found.append(float((plane * wave).mean()))
    scale = max(map(abs, found[1:]))
    rest = [0.5 + 0.5 / scale * value if scale else value for value in found[1:]]
    return found[0], rest, scale


def slow_thumbhash(rgba):
    """As the format's description has it, bit by bit."""
    height, width = rgba.shape[:2]
    a = rgba[..., 3] / 255
    mean = (rgba[..., :3] / 255 * a[..., None]).sum((0, 1)) / max(a.sum(), 1e-300)
    r, g, b = np.moveaxis(mean * (1 - a[..., None]) + rgba[..., :3] / 255 * a[..., None], 2, 0)
    alpha, wide = bool(a.sum() < width * height), width > height
    most, longest = (5 if alpha else 7), max(width, height)
    lx, ly = (max(1, js_round(most * side / longest)) for side in (width, height))
    parts = [
        slow_channel((r + g + b) / 3, max(3, lx), max(3, ly)),
        slow_channel((r + g) / 2 - b, 3, 3),
        slow_channel(r - g, 3, 3),
    ]
    bits = [(js_round(63 * parts[0][0]), 6)]
    bits += [(js_round(31.5 + 31.5 * part[0]), 6) for part in parts[1:3]]
    bits += [(js_round(31 * parts[0][2]), 5), (alpha, 1), (ly if wide else lx, 3)]
    bits += [(js_round(63 * part[2]), 6) for part in parts[1:3]] + [(wide, 1)]
    if alpha:
        parts.append(slow_channel(a, 5, 5))
        bits += [(js_round(15 * parts[3][0]), 4), (js_round(15 * parts[3][2]), 4)]
    bits += [(js_round(15 * value), 4) for part in parts for value in part[1]]
    total, place = 0, 0
    for value, count in bits:
        assert 0 <= value < 1 << count
        total |= int(value) << place
        place += count
    return total.to_bytes((place + 7) // 8, "little")


def decoded(data, width, height):
    """The picture that a hash shows, RGBA 0 to 1."""
    head = int.from_bytes(data[:5], "little")
    take = lambda shift, count: head >> shift & ((1 << count) - 1)  # noqa: E731
    alpha, wide = take(23, 1), take(39, 1)
    few = take(24, 3)
    lx, ly = (5 if alpha else 7, few) if wide else (few, 5 if alpha else 7)
    nibbles = [value >> shift & 15 for value in data[6 if alpha else 5 :] for shift in (0, 4)]
    shapes = [(max(3, lx), max(3, ly), take(18, 5) / 31), (3, 3, take(27, 6) / 63 * 1.25)]
    shapes += [(3, 3, take(33, 6) / 63 * 1.25)]
    means = [take(0, 6) / 63, take(6, 6) / 31.5 - 1, take(12, 6) / 31.5 - 1]
    if alpha:
        shapes.append((5, 5, (data[5] >> 4) / 15))
        means.append((data[5] & 15) / 15)
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    planes = []
    for (nx, ny, scale), mean in zip(shapes, means, strict=True):
        plane = np.full((height, width), mean)
        for cy in range(ny):
            for cx in range(nx):
                if (cx or cy) and cx * ny < nx * (ny - cy):
                    wave = np.outer(np.cos(np.pi * cy * y), np.cos(np.pi * cx * x))
                    level = (nibbles.pop(0) / 7.5 - 1) * scale
                    plane += level * wave * (2 if cx else 1) * (2 if cy else 1)
        planes.append(plane)
    luma, yellow, red = planes[:3]
    b = luma - 2 / 3 * yellow
    r = (3 * luma - b + red) / 2
    rgb = np.dstack([r, r - red, b])
    return np.dstack([rgb, planes[3] if alpha else np.ones((height, width))]).clip(0, 1)


@pytest.mark.parametrize("shape", [(20, 14), (14, 20), (8, 8), (3, 30), (30, 3), (1, 1), (1, 100)])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_hash_is_the_one_written_out(shape, alpha):
    random = np.random.default_rng(shape[0] * 100 + shape[1])
    rgba = random.integers(0, 256, (*shape, 4), dtype=np.uint8)
    if not alpha:
        rgba[..., 3] = 255
    found = placeholder.thumbhash_of(shape[1], shape[0], rgba.tobytes())
    assert found == slow_thumbhash(rgba)


def test_flat_and_empty_pictures_have_a_hash():
    for value in (0, 127, 255):
        rgba = np.full((20, 30, 4), value, np.uint8)
        found = placeholder.thumbhash_of(30, 20, rgba.tobytes())
        assert len(found) >= 5


def test_a_hash_shows_the_picture():
    array = gradient()
    found = li.Engine.from_pixels(array).thumbhash()
    assert len(found) < 30
    shown = decoded(found, 32, 21)
    truth = np.asarray(li.Engine.from_pixels(array).resize(32, 21, fit="fill").to_pixels()) / 255
    assert np.abs(shown[..., :3] - truth).mean() < 0.05
    assert (shown[..., 3] == 1).all()


def test_a_hash_shows_what_is_transparent():
    rgba = np.dstack([gradient(), np.zeros((200, 300), np.uint8)])
    rgba[:, 150:, 3] = 255
    shown = decoded(li.Engine.from_pixels(rgba).thumbhash(), 30, 20)
    assert shown[:, :8, 3].mean() < 0.25 < 0.75 < shown[:, 22:, 3].mean()
