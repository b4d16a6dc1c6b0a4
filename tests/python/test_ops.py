"""Each step by itself, through the whole engine, against a slow truth in numpy.

Layouts are L, LA, RGB and RGBA. What is exact is compared exactly; where Pillow does the
same thing, it is asked, too.
"""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageFilter

import lazyimage as li
from lazyimage import colors
from lazyimage.steps import POSITIONS

CHANNELS = (1, 2, 3, 4)
LUMA = np.array([0.2126, 0.7152, 0.0722])


def picture(width: int, height: int, channels: int, seed: int = 1) -> np.ndarray:
    """Noise of every level, on a slope, with alpha of every level."""
    source = np.random.default_rng(seed + channels)
    return source.integers(0, 256, (height, width, channels), np.uint8)


def smooth(width: int, height: int, channels: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 120 * np.sin(x / (7 + c) + c) * np.cos(y / (9 - c)) for c in range(channels)]
    return np.stack(planes, axis=2).round().astype(np.uint8)


def done(samples: np.ndarray, steps: Any) -> np.ndarray:
    return np.asarray(steps(li.Engine.from_pixels(samples)).to_pixels())


def color_parts(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours and alpha of a picture, in doubles."""
    wide = samples.astype(np.float64)
    if samples.shape[2] in (2, 4):
        return wide[:, :, :-1], wide[:, :, -1:]
    return wide, None


def rounded(values: np.ndarray) -> np.ndarray:
    return np.floor(values.clip(0, 255) + 0.5)


# --- per pixel -----------------------------------------------------------------------


@pytest.mark.parametrize("channels", CHANNELS)
def test_transpose_swaps_rows_and_columns(channels: int) -> None:
    samples = picture(31, 17, channels)
    assert np.array_equal(done(samples, lambda e: e.transpose()), samples.transpose(1, 0, 2))
    twice = done(samples, lambda e: e.transpose().transpose())
    assert np.array_equal(twice, samples)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("value", [-100, -37, 0, 60, 100])
def test_saturation_mixes_with_luma(channels: int, value: float) -> None:
    samples = picture(64, 64, channels)
    found = done(samples, lambda e: e.saturation(value))
    if channels < 3:
        assert np.array_equal(found, samples)
        return
    wide, alpha = color_parts(samples)
    luma = (wide @ LUMA)[:, :, None]
    wanted = (luma + (wide - luma) * (100 + value) / 100).clip(0, 255)
    assert np.abs(found[:, :, :3] - wanted).max() <= 0.51
    if alpha is not None:
        assert np.array_equal(found[:, :, 3], samples[:, :, 3])


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("value", [0.5, 1, 2.2])
def test_gamma_is_a_power_of_every_channel_but_alpha(channels: int, value: float) -> None:
    samples = picture(64, 64, channels)
    found = done(samples, lambda e: e.gamma(value))
    wide, alpha = color_parts(samples)
    assert np.array_equal(found[:, :, : wide.shape[2]], rounded(255 * (wide / 255) ** (1 / value)))
    if alpha is not None:
        assert np.array_equal(found[:, :, -1], samples[:, :, -1])


@pytest.mark.parametrize(
    ("background", "color"),
    [("white", (255, 255, 255)), ((9, 9, 9), (9, 9, 9)), ("navy", (0, 0, 128))],
)
@pytest.mark.parametrize("channels", CHANNELS)
def test_flatten_lays_over_a_colour(channels: int, background: Any, color: tuple) -> None:
    samples = picture(64, 64, channels)
    found = done(samples, lambda e: e.flatten(background))
    wide, alpha = color_parts(samples)
    if alpha is None:
        assert np.array_equal(found, samples)
        return
    gray = len(set(color)) == 1
    under = np.array(color[:1] if channels == 2 and gray else color, np.float64)
    assert np.array_equal(found, rounded((wide * alpha + under * (255 - alpha)) / 255))


# --- neighbours ----------------------------------------------------------------------


def gaussian(values: np.ndarray, sigma: float) -> np.ndarray:
    """Along both axes of (height, width, channels), in doubles; the edge goes on."""
    radius = int(np.ceil(3 * sigma))
    bell = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    bell /= bell.sum()
    for axis in (0, 1):
        ends = [(radius, radius) if axis == k else (0, 0) for k in range(3)]
        wide = np.pad(values, ends, mode="edge")
        size = values.shape[axis]
        parts = [np.take(wide, range(k, k + size), axis) * bell[k] for k in range(len(bell))]
        values = np.sum(parts, axis=0)
    return values


def blurred(samples: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours, premultiplied where there is alpha, and alpha."""
    wide, alpha = color_parts(samples)
    if alpha is None:
        return gaussian(wide, sigma), None
    return gaussian(wide * alpha / 255, sigma), gaussian(alpha, sigma)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("sigma", [0.4, 1, 3.3, 12])
def test_blur_is_a_gaussian_of_premultiplied_colours(channels: int, sigma: float) -> None:
    for samples in (picture(70, 50, channels), smooth(40, 90, channels)):
        found = done(samples, lambda e: e.blur(sigma)).astype(np.float64)
        colour, alpha = blurred(samples, sigma)
        if alpha is None:
            assert np.abs(found - colour).max() <= 0.65
            continue
        assert np.abs(found[:, :, -1:] - alpha).max() <= 0.65
        seen = found[:, :, :-1] * found[:, :, -1:] / 255
        assert np.abs(seen - colour).max() <= 1.4


def test_blur_is_what_pillow_does() -> None:
    samples = smooth(200, 150, 3)
    found = done(samples, lambda e: e.blur(2)).astype(int)
    theirs = np.asarray(Image.fromarray(samples).filter(ImageFilter.GaussianBlur(2))).astype(int)
    inner = np.abs(found - theirs)[8:-8, 8:-8]
    assert inner.max() <= 2  # three box filters stand for the bell there


@pytest.mark.parametrize("channels", CHANNELS)
def test_sharpen_is_an_unsharp_mask(channels: int) -> None:
    samples = smooth(80, 60, channels)
    if channels in (2, 4):
        samples[:, :, -1] = samples[:, :, -1].clip(60)
    for amount, radius, threshold in ((1, 1, 0), (2.5, 3, 4)):
        found = done(samples, lambda e: e.sharpen(amount, radius, threshold))  # noqa: B023
        soft = done(samples, lambda e: e.blur(radius)).astype(int)  # noqa: B023
        less = samples.astype(int) - soft
        wanted = rounded(samples + less * amount)
        wanted = np.where(np.abs(less) > threshold, wanted, samples)
        if channels in (2, 4):
            wanted[:, :, -1] = samples[:, :, -1]
        assert np.array_equal(found, wanted)
        assert not np.array_equal(found, samples)


def test_blur_and_sharpen_hold_rows_and_not_the_picture() -> None:
    for steps in (lambda e: e.blur(3), lambda e: e.sharpen(radius=3)):
        low, high = (
            steps(li.Engine.from_pixels(np.zeros((height, 500, 3), np.uint8))).estimate("png")
            for height in (200, 20000)
        )
        assert high.peak_bytes - low.peak_bytes < 1 << 20


# --- geometry ------------------------------------------------------------------------


def holding(samples: np.ndarray, color: tuple[int, int, int, int]) -> np.ndarray:
    """The picture in the least layout that holds the colour, too."""
    gray = color[0] == color[1] == color[2] or color[3] == 0
    wide, alpha = samples, None
    if samples.shape[2] in (2, 4):
        wide, alpha = samples[:, :, :-1], samples[:, :, -1:]
    if not gray and wide.shape[2] == 1:
        wide = wide.repeat(3, axis=2)
    if alpha is None and color[3] != 255:
        alpha = np.full((*wide.shape[:2], 1), 255, np.uint8)
    return wide if alpha is None else np.concatenate((wide, alpha), axis=2)


def padded(samples: np.ndarray, sides: tuple[int, int, int, int], color: tuple) -> np.ndarray:
    if not any(sides):
        return samples
    left, top, right, bottom = sides
    inner = holding(samples, color)
    height, width, channels = inner.shape
    pixel = [*color[:3], color[3]] if channels == 4 else [color[0], color[3]]
    pixel = list(color[:channels]) if channels in (1, 3) else pixel
    if color[3] == 0:
        pixel = [0] * channels
    whole = np.empty((height + top + bottom, width + left + right, channels), np.uint8)
    whole[:] = pixel
    whole[top : top + height, left : left + width] = inner
    return whole


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize(
    "color", [(255, 255, 255, 255), (1, 2, 3, 255), (4, 4, 4, 100), (1, 2, 3, 4), (0, 0, 0, 0)]
)
def test_pad_surrounds_with_a_colour(channels: int, color: tuple) -> None:
    samples = picture(20, 15, channels)
    for sides in ((1, 2, 3, 4), (0, 0, 7, 0), (0, 0, 0, 0)):
        found = done(samples, lambda e, sides=sides: e.pad(*sides, background=color))
        assert np.array_equal(found, padded(samples, sides, color))


def test_pad_takes_its_sides_in_short() -> None:
    recipe = li.Recipe()
    assert recipe.pad(20) == recipe.pad(20, 20, 20, 20)
    assert recipe.pad(20, 10) == recipe.pad(20, 10, 20, 10)
    assert recipe.pad(right=7) == recipe.pad(0, 0, 7, 0)
    assert recipe.pad(5, bottom=0) == recipe.pad(5, 5, 5, 0)
    for wrong in ((1, 2, 3), (1, 2, 3, 4, 5)):
        with pytest.raises(TypeError, match="1, 2 or 4 sides"):
            recipe.pad(*wrong)


def share(rest: int, word: str, first: str, last: str) -> int:
    return 0 if first in word else rest if last in word else rest // 2


@pytest.mark.parametrize("position", POSITIONS)
def test_contain_pads_and_cover_cuts_by_position(position: str) -> None:
    for width, height in ((61, 40), (40, 61)):
        samples = picture(width, height, 3)
        inner = done(samples, lambda e: e.resize(50, 50))
        rest = (50 - inner.shape[1], 50 - inner.shape[0])
        left, top = (
            share(rest[0], position, "left", "right"),
            share(rest[1], position, "top", "bottom"),
        )
        found = done(
            samples,
            lambda e: e.resize(50, 50, fit="contain", position=position, background="#010203"),
        )
        sides = (left, top, rest[0] - left, rest[1] - top)
        assert np.array_equal(found, padded(inner, sides, (1, 2, 3, 255)))
        # 61 · 50 / 40 is 76.25, and cover goes up.
        size = (77, 50) if width > height else (50, 77)
        whole = done(samples, lambda e, size=size: e.resize(*size, fit="fill"))
        x = share(whole.shape[1] - 50, position, "left", "right")
        y = share(whole.shape[0] - 50, position, "top", "bottom")
        cut = done(samples, lambda e: e.resize(50, 50, fit="cover", position=position))
        assert np.array_equal(cut, whole[y : y + 50, x : x + 50])


@pytest.mark.parametrize(
    ("size", "box", "wanted"),
    [
        ((60, 40), (30, 30), (45, 30)),
        ((40, 60), (30, 30), (30, 45)),
        ((60, 40), (90, 30), (90, 60)),
        ((3, 2), (1, 5), (8, 5)),  # 7.5, half away from zero
        ((60, 40), (200, None), (200, 133)),
    ],
)
def test_outside_is_never_below_the_box(size: tuple, box: tuple, wanted: tuple) -> None:
    engine = li.Engine.from_pixels(picture(*size, 3)).resize(*box, fit="outside")
    pixels = engine.to_pixels()
    assert (pixels.width, pixels.height) == wanted


def test_without_enlarging_small_pictures_stay_and_contain_still_fills_its_box() -> None:
    samples = picture(20, 10, 3)
    for fit in ("inside", "outside", "cover", "fill"):
        found = done(samples, lambda e, fit=fit: e.resize(50, 40, fit=fit, enlarge=False))
        assert np.array_equal(found, samples), fit
    found = done(samples, lambda e: e.resize(50, 40, fit="contain", enlarge=False))
    assert np.array_equal(found, padded(samples, (15, 15, 15, 15), (255,) * 4))
    smaller = done(samples, lambda e: e.resize(10, 5, fit="outside", enlarge=False))
    assert smaller.shape == (5, 10, 3)


@pytest.mark.parametrize("kernel", ["mitchell", "lanczos2"])
def test_a_side_that_stays_is_copied_by_every_kernel(kernel: str) -> None:
    samples = picture(40, 30, 3)
    found = done(samples, lambda e: e.resize(40, 30, fit="fill", kernel=kernel))
    assert np.array_equal(found, samples)
    rows = np.repeat(picture(40, 1, 3), 30, axis=0)
    found = done(rows, lambda e: e.resize(40, 17, fit="fill", kernel=kernel))
    assert np.array_equal(found, rows[:17])


def light(values: np.ndarray) -> np.ndarray:
    levels = values / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def levels(values: np.ndarray) -> np.ndarray:
    clipped = values.clip(0, 1)
    upper = 1.055 * clipped ** (1 / 2.4) - 0.055
    return 255 * np.where(clipped <= 0.0031308, clipped * 12.92, upper)


@pytest.mark.parametrize("channels", CHANNELS)
def test_linear_filters_light(channels: int) -> None:
    samples = smooth(96, 64, channels)
    found = done(samples, lambda e: e.resize(24, 16, fit="fill", kernel="box", linear=True))
    wide, alpha = color_parts(samples)
    share = np.ones((64, 96, 1)) if alpha is None else alpha / 255
    blocks = (light(wide) * share).reshape(16, 4, 24, 4, -1).mean(axis=(1, 3))
    shares = share.reshape(16, 4, 24, 4, 1).mean(axis=(1, 3))
    wanted = levels(blocks / shares.clip(1e-9))
    apart = np.abs(found[:, :, : wide.shape[2]] - wanted)[shares[:, :, 0] > 0.2]
    assert apart.max() <= (0.8 if alpha is None else 2)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("shrink", ["safe", "fast", "exact"])
def test_a_checkerboard_in_linear_light_is_188_whatever_the_decoder_could_do(
    format: str, shrink: str
) -> None:
    if format not in li.supported_output_formats():
        pytest.skip("this build cannot write it")
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    options: dict[str, Any] = {"jpeg": {"quality": 100}, "webp": {"lossless": True}}.get(format, {})
    encoded = li.Engine.from_pixels(board.repeat(3).reshape(512, 512, 3)).to_buffer(
        format, **options
    )
    engine = encoded.open().resize(64, kernel="box", linear=True)
    found = np.asarray(engine.to_pixels(shrink=shrink))
    near = (186, 189) if format == "jpeg" else (187, 188)
    assert near[0] <= found.min() and found.max() <= near[1]
    for kernel in ("lanczos3", "mitchell"):
        soft = encoded.open().resize(64, kernel=kernel, linear=True)
        inner = np.asarray(soft.to_pixels(shrink=shrink))[4:-4, 4:-4]
        assert near[0] <= inner.min() and inner.max() <= near[1]
    plain = np.asarray(encoded.open().resize(64, kernel="box").to_pixels())
    assert plain.min() >= 125 and plain.max() <= 130


def test_linear_keeps_the_decoder_whole_and_off_planes() -> None:
    encoded = li.Engine.from_pixels(smooth(800, 600, 3)).to_buffer("jpeg", 80)
    engine = encoded.open().resize(80, linear=True)
    text = engine.explain("jpeg", 80, shrink="fast")
    assert "decode   full size: 800x600 rgb8" in text
    assert "\nresize   lanczos3 in linear light: 80x60 rgb8\n" in text
    assert "at 1/8" in encoded.open().resize(80).explain("jpeg", 80, shrink="fast")
    found = li.run(
        [
            one.output(format="png", shrink="fast")
            for one in (engine, encoded.open().resize(80), engine.resize(60, linear=True))
        ],
        on_error="raise",
    )
    alone = engine.to_buffer("png", shrink="fast")
    assert bytes(found[0].result) == bytes(alone)


def test_linear_makes_no_difference_to_nearest() -> None:
    samples = picture(50, 40, 3)
    one, two = (
        done(samples, lambda e, on=on: e.resize(20, kernel="nearest", linear=on))
        for on in (False, True)
    )
    assert np.array_equal(one, two)


def test_a_pad_beyond_65535_is_refused_with_its_numbers() -> None:
    engine = li.Engine.from_pixels(picture(20, 10, 3)).pad(left=65535)
    with pytest.raises(li.InvalidArgumentError, match="pad: 20x10 would be 65555x10") as caught:
        engine.to_pixels()
    assert (caught.value.code, caught.value.step) == ("E400", "pad")
    with pytest.raises(li.LimitError):
        li.Engine.from_pixels(picture(20, 10, 3)).limits(max_output_pixels=500).pad(50).explain()


# --- any angle -----------------------------------------------------------------------


@pytest.mark.parametrize("angle", [1, 30, 135, 300.5])
def test_rotate_is_what_pillow_does(angle: float) -> None:
    samples = smooth(120, 90, 3)
    found = done(samples, lambda e: e.rotate(angle, background="black", kernel="bilinear"))
    theirs = Image.fromarray(samples).rotate(-angle, Image.Resampling.BILINEAR, expand=True)
    sides = np.array(found.shape[:2]) - np.asarray(theirs).shape[:2]
    assert np.abs(sides).max() <= 2  # theirs is rounded otherwise: compare around the middle
    y, x = found.shape[0] // 2, found.shape[1] // 2
    if not sides.any():
        inner = np.abs(found.astype(int) - np.asarray(theirs))[y - 25 : y + 25, x - 25 : x + 25]
        assert inner.max() <= 3


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kernel", ["bilinear", "cubic"])
def test_rotate_there_and_back_is_the_middle_again(channels: int, kernel: str) -> None:
    samples = smooth(90, 70, channels)
    if channels in (2, 4):
        samples[:, :, -1] = 255
    back = done(samples, lambda e: e.rotate(20, kernel=kernel).rotate(-20, kernel=kernel))
    y, x = (back.shape[0] - 70) // 2, (back.shape[1] - 90) // 2
    inner = back[y + 20 : y + 50, x + 20 : x + 70].astype(int) - samples[20:50, 20:70]
    assert np.abs(inner[:, :, : color_parts(samples)[0].shape[2]]).mean() < 3


def test_rotate_charges_the_picture_that_it_holds() -> None:
    samples = np.zeros((1000, 1000, 3), np.uint8)
    engine = li.Engine.from_pixels(samples)
    turned, plain = engine.rotate(10).estimate("png"), engine.estimate("png")
    assert turned.peak_bytes - plain.peak_bytes >= samples.nbytes
    _, metrics = engine.rotate(10).to_buffer_with_metrics("png")
    assert metrics.peak_bytes <= turned.peak_bytes
    text = engine.rotate(10, background="#12345678").explain("png")
    assert "rotate   10 degrees, cubic, over #12345678: 1159x1159 rgba8" in text


# --- colours -------------------------------------------------------------------------


def test_the_names_are_those_of_css() -> None:
    assert len(colors.NAMES.split()) == 2 * 148
    for name in ImageColor.colormap:
        assert colors.as_color(name.upper(), "it") == ImageColor.getcolor(name, "RGBA")
    assert colors.as_color("transparent", "it") == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("#fff", (255, 255, 255, 255)),
        ("#12aB", (0x11, 0x22, 0xAA, 0xBB)),
        ("#123456", (0x12, 0x34, 0x56, 255)),
        ("#12345678", (0x12, 0x34, 0x56, 0x78)),
        ((1, 2, 3), (1, 2, 3, 255)),
        ([1, 2, 3, 4], (1, 2, 3, 4)),
        (tuple(np.arange(3)), (0, 1, 2, 255)),
    ],
)
def test_a_colour_has_many_spellings(written: Any, meant: tuple) -> None:
    assert colors.as_color(written, "it") == meant
    assert colors.as_color(colors.color_text(written, "it"), "it") == meant


def test_a_background_of_jpeg_takes_every_opaque_colour() -> None:
    samples = np.zeros((8, 8, 4), np.uint8)
    encoded = li.Engine.from_pixels(samples).to_buffer("jpeg", 95, background="rebeccapurple")
    found = np.asarray(encoded.open().to_pixels())[0, 0]
    assert np.abs(found.astype(int) - (0x66, 0x33, 0x99)).max() <= 2
    with pytest.raises(li.InvalidArgumentError, match="not opaque") as caught:
        li.Engine.from_pixels(samples).to_buffer("jpeg", background="#1234")
    assert caught.value.hint


# --- the plan ------------------------------------------------------------------------


def test_explain_tells_every_step() -> None:
    text = (
        li.Engine.from_pixels(picture(40, 30, 2))
        .transpose()
        .saturation(5)
        .gamma(2)
        .flatten("red")
        .saturation(5)
        .resize(50, 50, fit="contain", position="bottom", background="transparent")
        .pad(1, 2, 3, 4, background="blue")
        .blur(1.5)
        .sharpen(2, 0.5, 3)
        .explain("png")
    )
    assert text.splitlines()[1:-2] == [
        "tone     by table: 40x30 graya8",
        "convert  over the background: 40x30 rgb8",
        "saturation by matrix: 40x30 rgb8",
        "orient   transpose: 30x40 rgb8",
        "resize   lanczos3: 38x50 rgb8",
        "convert  layout: 38x50 rgba8",
        "pad      #00000000 left 6, top 0, right 6, bottom 0: 50x50 rgba8",
        "pad      #0000ff left 1, top 2, right 3, bottom 4: 54x56 rgba8",
        "blur     sigma 1.5: 54x56 rgba8",
        "sharpen  by 2, radius 0.5, threshold 3: 54x56 rgba8",
    ]
