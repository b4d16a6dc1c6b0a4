"""quality: SSIM and PSNR against a slow truth, and against scikit-image where it is."""

import math
import sys
import threading
import time

import needs
import numpy as np
import pytest

import lazyimage as li
from lazyimage import quality
from lazyimage.errors import InvalidArgumentError

SHAPES = [(40, 50, 3), (7, 7, 1), (8, 33, 4), (33, 8, 2), (5, 90, 3), (2, 4, 3), (1, 1, 3)]


def pair(shape, seed=1, noise=9):
    """A smooth picture and a noisy copy of it."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    smooth = 127 + 60 * np.sin(rows / 5) + 60 * np.cos(columns / 7)
    a = np.dstack([smooth + 5 * channel for channel in range(shape[2])]).astype(np.uint8)
    b = np.clip(a + random.integers(-noise, noise + 1, shape), 0, 255).astype(np.uint8)
    return a, b


def shown(array):
    """Colours times alpha, rounded, as float."""
    array = array.astype(np.int64)
    if array.shape[2] in (2, 4):
        array[..., :-1] = (array[..., :-1] * array[..., -1:] + 127) // 255
    return array.astype(np.float64)


def slow_ssim(a, b):
    """The mean over every window, written out."""
    a, b = shown(a), shown(b)
    side = min(7, *a.shape[:2])
    side -= 1 - side % 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for channel in range(a.shape[2]):
        for y in range(a.shape[0] - side + 1):
            for x in range(a.shape[1] - side + 1):
                p = a[y : y + side, x : x + side, channel].ravel()
                q = b[y : y + side, x : x + side, channel].ravel()
                if side > 1:
                    (vp, cov), (_, vq) = np.cov(p, q, ddof=1)
                else:
                    vp = vq = cov = 0.0
                mp, mq = p.mean(), q.mean()
                above = (2 * mp * mq + c1) * (2 * cov + c2)
                found.append(above / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return float(np.mean(found))


@pytest.mark.parametrize("shape", SHAPES)
def test_ssim_is_the_slow_one(shape):
    a, b = pair(shape)
    assert quality.ssim(a, b) == pytest.approx(slow_ssim(a, b), abs=1e-5)
    assert quality.ssim(b, a) == pytest.approx(quality.ssim(a, b), abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_psnr_is_the_slow_one(shape):
    a, b = pair(shape)
    b.flat[0] ^= 1  # equal by chance they are not
    error = np.mean((shown(a) - shown(b)) ** 2)
    wanted = 10 * math.log10(255**2 / error) if error else math.inf
    assert quality.psnr(a, b) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if min(shape[:2]) >= 7])
@pytest.mark.parametrize("noise", [2, 9, 80])
def test_both_equal_scikit_image(shape, noise):
    metrics = needs.need_module("skimage.metrics")
    a, b = pair(shape, noise=noise)
    p, q = shown(a).astype(np.uint8), shown(b).astype(np.uint8)
    wanted = metrics.structural_similarity(p, q, channel_axis=2, data_range=255)
    assert quality.ssim(a, b) == pytest.approx(wanted, abs=1e-4)
    wanted = metrics.peak_signal_noise_ratio(p, q, data_range=255)
    assert quality.psnr(a, b) == pytest.approx(wanted, abs=1e-4)


def test_equal_pictures_are_1_and_infinite():
    a, _ = pair((60, 40, 3))
    assert quality.ssim(a, a) == 1.0
    assert quality.psnr(a, a.copy()) == math.inf


def test_opposite_pictures_are_far_below_0():
    a = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (20, 20))
    assert quality.ssim(a, 255 - a) < -0.9
    assert quality.psnr(a, 255 - a) == 0.0


def test_what_alpha_hides_does_not_count():
    a, b = pair((20, 20, 4))
    a[..., 3] = b[..., 3] = 0
    assert quality.ssim(a, b) == 1.0
    assert quality.psnr(a, b) == math.inf


def test_every_kind_of_source_is_taken(tmp_path):
    a, _ = pair((48, 64, 3))
    engine = li.Engine.from_pixels(a)
    path = tmp_path / "a.png"
    engine.to_file(path)
    with open(path, "rb") as file:
        kinds = [
            engine,
            engine.to_buffer("png"),
            engine.to_pixels(),
            str(path),
            path,
            path.read_bytes(),
            memoryview(a),
            file,
        ]
        for one in kinds:
            assert quality.ssim(one, a) == quality.ssim(a, one) == 1.0, one
            assert quality.psnr(one, a) == math.inf, one


def test_the_steps_of_an_engine_are_part_of_it():
    a, _ = pair((48, 64, 3))
    engine = li.Engine.from_pixels(a)
    assert quality.ssim(engine.flip_h(), a[:, ::-1].copy()) == 1.0
    assert quality.ssim(engine.crop(8, 8, 20, 30), a[8:38, 8:28]) == 1.0


def test_layouts_that_differ_are_widened():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb = np.repeat(gray[..., None], 3, axis=2)
    rgba = np.dstack([rgb, np.full_like(gray, 255)])
    for other in (rgb, rgba, np.dstack([gray, np.full_like(gray, 255)])):
        assert quality.ssim(gray, other) == quality.ssim(other, gray) == 1.0
    assert quality.ssim(li.Engine.from_pixels(rgb).grayscale(), gray) == 1.0
    rgba[..., 3] = 128
    assert quality.ssim(rgba, rgb) < 0.9


@pytest.mark.parametrize("measure", [quality.ssim, quality.psnr])
def test_sizes_that_differ_are_refused(measure):
    a, _ = pair((20, 30, 3))
    with pytest.raises(InvalidArgumentError, match="different sizes: 30x20, 30x19") as caught:
        measure(a, a[:19])
    assert caught.value.code == "E400"
    assert str(caught.value).startswith(measure.__name__)


def test_what_has_16_bits_is_compared_as_it_is_in_8():
    a, b = pair((20, 30, 3))
    deep = a.astype(np.uint16) * 257
    near = np.minimum(deep, 65532) + np.uint16(3)
    for one in (deep, near, li.Engine.from_pixels(deep).to_pixels(dtype="uint16")):
        for measure in (quality.ssim, quality.psnr):
            assert measure(one, b) == measure(a, b) == measure(b, one)
        assert quality.ssim(one, deep) == 1.0


def test_wrong_types_are_type_errors():
    a, _ = pair((20, 30, 3))
    for wrong in (None, 3, a.astype(np.float32), a.astype(np.uint32)):
        with pytest.raises(TypeError):
            quality.ssim(a, wrong)
    with pytest.raises(TypeError, match="float32"):
        quality.psnr(li.Engine.from_pixels(a).to_pixels(dtype="float32"), a)
    with pytest.raises(InvalidArgumentError, match="CHW"):
        quality.psnr(li.Engine.from_pixels(a).to_pixels(layout="CHW"), a)


def test_a_damaged_picture_is_its_own_error():
    a, _ = pair((200, 300, 3))
    encoded = li.Engine.from_pixels(a).to_buffer("png").to_bytes()
    with pytest.raises(li.DecodeError):
        quality.ssim(a, encoded[: len(encoded) // 2])


def test_the_core_refuses_what_is_no_picture():
    core = li._core.Source.from_buffer(li.Engine.from_pixels(pair((8, 8, 3))[0]).to_buffer("png"))
    asked = {"output": "pixels"}
    for wrong in (b"abc", np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.uint16)):
        with pytest.raises(TypeError):
            li._core.compare(core, asked, wrong, True)
    with pytest.raises(TypeError):
        li._core.compare(core, asked, np.zeros((8, 8, 5), np.uint8), True)
    with pytest.raises(TypeError):
        li._core.compare(core, asked, np.zeros((8, 16, 3), np.uint8)[:, ::2], True)


def test_a_comparison_lets_other_threads_run():
    a = np.zeros((3000, 3000, 3), np.uint8)
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1)  # the GIL is not taken from a thread that keeps it
    thread.start()
    try:
        quality.ssim(a, a)
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert len(ticks) > 20


def test_one_picture_is_held_and_the_other_streams(tmp_path):
    side = 2000
    a = np.tile(pair((50, 50, 3))[0], (side // 50, side // 50, 1))
    path = tmp_path / "a.png"
    li.Engine.from_pixels(a).to_file(path)
    engine = li.open(path).convert("RGB")
    asked = li.request.pixels_request(engine.recipe, None, shrink="exact")
    _, _, peak = li._core.compare(engine._origin.core, asked, a, True)
    assert peak < side * 3 * 400  # rows, not a picture of 12 MB


def test_the_module_is_loaded_on_use():
    assert li.quality is quality
    with pytest.raises(AttributeError, match="nothing"):
        li.nothing  # noqa: B018
