"""Pixels: arrays out, arrays in, and who owns the memory."""

import ctypes
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine, InvalidArgumentError, Pixels

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (12, 20, 3), np.uint8)
MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def shaped(mode):
    return RNG.integers(0, 256, (12, 20, MODES[mode]), np.uint8)


# --- out -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_pixels_are_three_dimensional_and_exact(mode):
    source = shaped(mode)
    pixels = Engine.from_pixels(source).to_pixels()
    assert (np.asarray(pixels) == source).all()
    assert pixels.shape == source.shape and pixels.mode == mode
    assert (pixels.width, pixels.height, pixels.dtype, pixels.layout) == (20, 12, "uint8", "HWC")
    assert pixels.metrics.mode_out == mode and pixels.metrics.bytes_out == source.nbytes
    assert repr(pixels) == f"<Pixels {mode} HWC 12×20×{MODES[mode]} uint8>"


def test_an_array_shares_the_memory_and_keeps_it_alive():
    pixels = Engine.from_pixels(RGB).to_pixels()
    first, second = np.asarray(pixels), np.asarray(pixels)
    assert np.shares_memory(first, second) and first.flags.writeable
    first[0, 0, 0] = 77
    assert memoryview(pixels)[0, 0, 0] == 77
    del pixels, second
    assert first[0, 0, 0] == 77 and (first[1:] == RGB[1:]).all()


@pytest.mark.parametrize("mode", MODES)
def test_pillow_takes_the_pixels(mode):
    source = shaped(mode)
    picture = Image.fromarray(Engine.from_pixels(source).to_pixels())
    assert picture.mode == mode and picture.size == (20, 12)
    assert (np.asarray(picture).reshape(source.shape) == source).all()


def test_only_bytes_in_rows_have_an_array_interface():
    engine = Engine.from_pixels(RGB)
    assert not hasattr(engine.to_pixels(dtype="float32"), "__array_interface__")
    assert not hasattr(engine.to_pixels(layout="CHW"), "__array_interface__")


def test_planes_are_the_transpose():
    planes = Engine.from_pixels(RGB).to_pixels(layout="CHW")
    assert planes.shape == (3, 12, 20) and planes.layout == "CHW"
    assert (planes.width, planes.height) == (20, 12)
    assert (np.asarray(planes) == RGB.transpose(2, 0, 1)).all()


def test_floats_are_fractions_of_255():
    pixels = Engine.from_pixels(RGB).to_pixels(dtype="float32")
    assert pixels.dtype == "float32" and memoryview(pixels).format == "f"
    assert np.abs(np.asarray(pixels) - RGB / 255.0).max() < 1e-6


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32")])
def test_normalize_is_x_over_255_minus_mean_over_std(dtype):
    mean, std = (0.485, 0.456, 0.406), [0.229, 0.224, 0.225]
    pixels = Engine.from_pixels(RGB).to_pixels(dtype=dtype, layout="CHW", normalize=(mean, std))
    expected = ((RGB / 255.0 - mean) / std).transpose(2, 0, 1)
    assert np.abs(np.asarray(pixels) - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("mode", "mean", "std"),
    [
        (None, 0.5, 0.25),
        (None, np.float32(0.5), np.array([0.25])),
        ("RGB", 0.5, (0.2, 0.3, 0.4)),
        ("RGB", np.array([0.1, 0.2, 0.3]), 0.5),
    ],
)
def test_one_number_stands_for_every_channel(mode, mean, std):
    pixels = Engine.from_pixels(RGB).to_pixels(mode=mode, dtype="float32", normalize=(mean, std))
    assert np.abs(np.asarray(pixels) - (RGB / 255.0 - mean) / std).max() < 1e-5


def test_several_numbers_choose_the_mode():
    gray = Engine.from_pixels(shaped("L"))
    assert gray.to_pixels(dtype="float32", normalize=((0, 0, 0), 1)).mode == "RGB"
    assert gray.to_pixels(dtype="float32", normalize=(0, (1, 1, 1, 1))).mode == "RGBA"
    assert gray.to_pixels(dtype="float32", normalize=(0, 1)).mode == "L"


def test_mode_converts():
    pixels = Engine.from_pixels(RGB).to_pixels(mode="RGBA")
    assert (np.asarray(pixels)[..., 3] == 255).all() and pixels.mode == "RGBA"
    assert Engine.from_pixels(RGB).to_pixels(mode="L").shape == (12, 20, 1)


# --- into out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "layout", "out"),
    [
        ("uint8", "HWC", lambda: np.zeros((12, 20, 3), np.uint8)),
        ("uint8", "HWC", lambda: np.zeros((12, 40, 3), np.uint8)[:, ::2]),
        ("uint8", "CHW", lambda: np.zeros((3, 12, 20), np.uint8)),
        ("float32", "CHW", lambda: np.zeros((3, 12, 20), np.float32)),
        ("float32", "HWC", lambda: np.zeros((24, 20, 3), np.float32)[::-2]),
    ],
)
def test_out_is_filled_in_place(dtype, layout, out):
    array = out()
    engine = Engine.from_pixels(RGB)
    pixels = engine.to_pixels(dtype=dtype, layout=layout, out=array)
    assert isinstance(pixels, Pixels)
    assert (array == np.asarray(engine.to_pixels(dtype=dtype, layout=layout))).all()
    assert np.shares_memory(np.asarray(pixels), array)


def test_a_flat_out_of_the_same_size_is_filled():
    flat = bytearray(RGB.nbytes)
    pixels = Engine.from_pixels(RGB).to_pixels(out=flat)
    assert flat == RGB.tobytes() and pixels.shape == RGB.shape
    floats = bytearray(RGB.nbytes * 4)
    Engine.from_pixels(RGB).to_pixels(dtype="float32", out=floats)
    assert np.abs(np.frombuffer(floats, np.float32) - RGB.ravel() / 255).max() < 1e-6


@pytest.mark.parametrize(
    "out",
    [bytes(720), np.zeros((12, 20, 3), np.float32), np.zeros((12, 20, 3), np.int8), 5, "x" * 720],
    ids=["read-only", "float32", "int8", "int", "str"],
)
def test_an_out_of_another_type_is_a_type_error(out):
    with pytest.raises(TypeError):
        Engine.from_pixels(RGB).to_pixels(out=out)


@pytest.mark.parametrize("shape", [(20, 12, 3), (12, 20), (12, 20, 4), (719,)])
def test_an_out_of_another_shape_is_refused(shape):
    with pytest.raises(InvalidArgumentError) as caught:
        Engine.from_pixels(RGB).to_pixels(out=np.zeros(shape, np.uint8))
    assert caught.value.code == "E400"


# --- wrong arguments -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("E210", {"mode": "CMYK"}),
        ("E400", {"dtype": "float64"}),
        ("E400", {"dtype": np.int16}),
        ("E400", {"layout": "WHC"}),
        ("E400", {"shrink": "all"}),
        ("E400", {"normalize": (0, 1)}),
        ("E400", {"dtype": "float32", "normalize": (0, 0)}),
        ("E400", {"dtype": "float32", "normalize": (0, -1)}),
        ("E400", {"dtype": "float32", "normalize": (float("nan"), 1)}),
        ("E400", {"dtype": "float32", "normalize": (0, 1, 2)}),
        ("E400", {"dtype": "float32", "normalize": ((), 1)}),
        ("E400", {"dtype": "float32", "normalize": ((1,) * 5, 1)}),
        ("E400", {"dtype": "float32", "normalize": ((0, 0), (1, 1, 1))}),
        ("E400", {"dtype": "float32", "mode": "L", "normalize": ((0, 0, 0), 1)}),
    ],
)
def test_a_wrong_value_is_refused(code, options):
    with pytest.raises(InvalidArgumentError) as caught:
        Engine.from_pixels(RGB).to_pixels(**options)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "options",
    [
        {"mode": 3},
        {"dtype": None},
        {"layout": None},
        {"normalize": 0.5, "dtype": "float32"},
        {"normalize": ("0", 1), "dtype": "float32"},
        {"normalize": ((None,), 1), "dtype": "float32"},
        {"quality": 5},
    ],
)
def test_a_wrong_type_is_a_type_error(options):
    with pytest.raises(TypeError):
        Engine.from_pixels(RGB).to_pixels(**options)


# --- in ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "copied"),
    [
        (lambda a: a, False),
        (lambda a: a[::-1], False),
        (lambda a: a[::3], False),
        (lambda a: a[2:9, 3:7], False),
        (lambda a: a[:, ::-1], True),
        (lambda a: a[:, ::2], True),
        (lambda a: a[..., ::-1], True),
        (lambda a: np.asfortranarray(a), True),
        (lambda a: a.transpose(1, 0, 2), True),
        (lambda a: a[..., 0], True),
        (lambda a: np.ascontiguousarray(a[..., 0]), False),
    ],
)
def test_packed_rows_are_borrowed_and_others_copied_once(view, copied):
    array = view(RGB)
    engine = Engine.from_pixels(array)
    expected = array if array.ndim == 3 else array[..., None]
    pixels = engine.to_pixels()
    assert (np.asarray(pixels) == expected).all()
    assert pixels.metrics.copies == (("from_pixels",) if copied else ())


def test_borrowed_pixels_are_the_caller_s():
    array = RGB.copy()
    engine = Engine.from_pixels(array)
    array[:] = 9
    assert (np.asarray(engine.to_pixels()) == 9).all()
    read_only = RGB.copy()
    read_only.flags.writeable = False
    assert (np.asarray(Engine.from_pixels(read_only).to_pixels()) == RGB).all()


@pytest.mark.parametrize("mode", MODES)
def test_mode_must_fit_the_channels(mode):
    assert Engine.from_pixels(shaped(mode), mode=mode).info.mode == mode
    for other in set(MODES) - {mode}:
        with pytest.raises(InvalidArgumentError):
            Engine.from_pixels(shaped(mode), mode=other)


@pytest.mark.parametrize("mode", MODES)
def test_a_pillow_image_is_pixels(mode):
    picture = Image.fromarray(shaped(mode).squeeze())
    pixels = Engine.from_pixels(picture).to_pixels()
    assert pixels.mode == picture.mode == mode
    assert (np.asarray(pixels).squeeze() == np.asarray(picture)).all()
    assert pixels.metrics.copies == ("from_pixels",)


def test_a_pillow_image_of_16_bits_is_pixels_in_full():
    samples = np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000
    picture = Image.fromarray(samples)
    assert picture.mode == "I;16"
    for engine in (Engine.from_pixels(picture), lazyimage.open(picture)):
        pixels = engine.to_pixels(dtype="uint16")
        assert pixels.mode == "L" and (np.asarray(pixels)[..., 0] == samples).all()
    wide = Image.fromarray(samples.astype(np.int32))
    assert wide.mode == "I"
    with pytest.raises(InvalidArgumentError) as caught:
        Engine.from_pixels(wide)
    assert "numpy.asarray(image).astype(" in caught.value.hint
    again = Engine.from_pixels(np.asarray(wide).astype("uint16")).to_pixels(dtype="uint16")
    assert (np.asarray(again)[..., 0] == samples).all()


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "YCbCr", "HSV", "I", "F"])
def test_a_pillow_image_of_another_mode_is_refused(mode):
    with pytest.raises(InvalidArgumentError) as caught:
        lazyimage.open(Image.new(mode, (4, 4)))
    assert caught.value.code == "E210" and "convert" in caught.value.hint


def test_an_address_is_reached_through_numpy():
    class Far:
        __array_interface__ = RGB.__array_interface__

    assert (np.asarray(lazyimage.open(Far()).to_pixels()) == RGB).all()


@pytest.mark.parametrize(
    "obj",
    [RGB.astype(np.float32), RGB.astype(np.int8), RGB > 5, RGB.astype(np.uint32), "x", None, 5],
    ids=["float32", "int8", "bool", "uint32", "str", "None", "int"],
)
def test_other_samples_are_a_type_error(obj):
    with pytest.raises(TypeError):
        Engine.from_pixels(obj)


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2, 2), (4, 4, 5), (4, 4, 0), (0, 4), (4, 0, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InvalidArgumentError) as caught:
        Engine.from_pixels(np.zeros(shape, np.uint8))
    assert caught.value.code == "E400"


def test_a_ctypes_array_is_pixels():
    array = (ctypes.c_ubyte * 3 * 4 * 2)()
    array[1][2][0] = 200
    engine = Engine.from_pixels(array)
    assert np.asarray(engine.to_pixels())[1, 2, 0] == 200
    assert pickle.loads(pickle.dumps(engine)).dimensions() == (4, 2)


def test_pixels_go_round():
    pixels = Engine.from_pixels(RGB).to_pixels()
    again = Engine.from_pixels(pixels).flip_h().to_pixels()
    assert (np.asarray(again) == RGB[:, ::-1]).all() and again.metrics.copies == ()


def test_pixels_need_no_numpy():
    code = (
        "import sys, lazyimage\n"
        "e = lazyimage.Engine.from_pixels(memoryview(bytes(range(12))).cast('B', (2, 2, 3)))\n"
        "p = e.to_pixels(dtype='float32', layout='CHW', normalize=((0.5,) * 3, (0.5,) * 3))\n"
        "assert memoryview(p).tolist()[0][0][0] == -1.0\n"
        "assert not {'numpy', 'PIL'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
