"""Pixels of more than 8 bits, end to end: PNG and AVIF in and out, arrays, every step.

Truths: the slow PNG decoder of oracle.py, avifdec read by libvips, Pillow; tolerances are of 65535.
"""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import oracle
import pytest
from needs import need_libvips
from PIL import Image

import lazyimage as li
from lazyimage import Engine, InvalidArgumentError

DEEP_PNGS = [
    entry
    for entry in oracle.read_index(oracle.DATA)
    if entry.format == "png" and entry.deep and entry.kind.startswith("valid")
]
DEEP_AVIFS = [
    entry.file
    for entry in oracle.read_index(oracle.DATA / "avif")
    if "10" in entry.path or "12" in entry.path
]
needs_avif = pytest.mark.skipif(
    "avif" not in li.supported_output_formats(), reason="built without AVIF"
)
MODES = ("L", "LA", "RGB", "RGBA")


def narrowed(samples: np.ndarray) -> np.ndarray:
    """Divided by 257 and rounded."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def picture(height: int = 60, width: int = 80, channels: int = 3, seed: int = 1) -> np.ndarray:
    """A slope with steps below one level of 8 bits, grain, and an edge."""
    source = np.random.default_rng(seed)
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    samples = 9000 + 300 * x + 170 * y + 4000 * c + source.integers(0, 400, x.shape)
    samples[height // 2 :, width // 2 :] = 65535
    if channels % 2 == 0:
        samples[:, :, -1] = 65535 - 900 * (x[:, :, 0] % 60)
    return np.ascontiguousarray(samples.clip(0, 65535).astype(np.uint16))


def apart(a: object, b: object) -> int:
    return int(np.abs(np.asarray(a).astype(np.int64) - np.asarray(b).astype(np.int64)).max())


def png_of(samples: np.ndarray, **options: int) -> bytes:
    return Engine.from_pixels(samples).to_buffer("png", **options).to_bytes()


# --- PNG ---------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", DEEP_PNGS, ids=lambda entry: entry.path)
def test_a_png_of_16_bits_keeps_them(entry: oracle.Entry) -> None:
    data = entry.file.read_bytes()
    truth, engine = oracle.png_samples(data), Engine.from_bytes(data).auto_orient(False)
    assert engine.info.bit_depth == 16
    pixels = engine.to_pixels(dtype="uint16", color="keep")
    assert pixels.dtype == "uint16" and np.asarray(pixels).dtype == np.uint16
    assert (np.asarray(pixels) == truth).all()
    assert (np.asarray(engine.to_pixels(color="keep")) == narrowed(truth)).all()
    written = engine.to_buffer("png", color="keep").to_bytes()
    assert (oracle.png_samples(written) == truth).all()
    shallow = engine.to_buffer("png", bit_depth=8, color="keep").to_bytes()
    assert (oracle.png_samples(shallow) == narrowed(truth)).all()


@pytest.mark.parametrize("format", [name for name in ("jpeg", "webp") if name in li.features()])
def test_a_format_of_8_bits_gets_what_is_rounded_once(format: str) -> None:
    samples = picture(channels=3)
    deep, shallow = Engine.from_bytes(png_of(samples)), Engine.from_pixels(narrowed(samples))
    assert bytes(deep.to_buffer(format)) == bytes(shallow.to_buffer(format))
    assert bytes(Engine.from_pixels(samples).to_buffer(format)) == bytes(shallow.to_buffer(format))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_go_in_and_come_out(channels: int) -> None:
    samples = picture(channels=channels)
    engine = Engine.from_pixels(samples)
    assert engine.info.bit_depth == 16 and engine.info.mode == MODES[channels - 1]
    assert (np.asarray(engine.to_pixels(dtype="uint16")) == samples).all()
    assert (np.asarray(engine.to_pixels()) == narrowed(samples)).all()
    assert (oracle.png_samples(png_of(samples)) == samples).all()
    planes = engine.to_pixels(dtype="uint16", layout="CHW")
    assert (np.asarray(planes) == samples.transpose(2, 0, 1)).all()
    out = np.zeros(samples.shape, np.uint16)
    engine.to_pixels(dtype=np.uint16, out=out)
    assert (out == samples).all()
    assert (np.asarray(engine.decoded().to_pixels(dtype="uint16")) == samples).all()


def test_views_are_copied_or_borrowed_and_other_orders_refused() -> None:
    samples = picture(channels=4)
    for view in (samples[::2, 5:50], samples[:, ::3], samples[::-1], samples[:, :, 0]):
        wanted = view if view.ndim == 3 else view[:, :, None]
        assert (np.asarray(Engine.from_pixels(view).to_pixels(dtype="uint16")) == wanted).all()
    odd = np.zeros(samples.nbytes + 1, np.uint8)[1:].view(np.uint16).reshape(samples.shape)
    odd[:] = samples
    assert (np.asarray(Engine.from_pixels(odd).to_pixels(dtype="uint16")) == samples).all()
    for wrong in (samples.astype(">u2"), samples.astype(np.int16), samples.astype(np.uint32)):
        with pytest.raises(TypeError, match="uint8 or uint16"):
            Engine.from_pixels(wrong)


def test_8_bits_are_widened_to_both_ends() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    engine = Engine.from_pixels(levels)
    assert (np.asarray(engine.to_pixels(dtype="uint16")) == levels.astype(np.uint16) * 257).all()
    written = engine.to_buffer("png", bit_depth=16).to_bytes()
    assert (oracle.png_samples(written) == levels.astype(np.uint16) * 257).all()


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_floats_lose_nothing(layout: str) -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(128, 128, 4)
    engine = Engine.from_pixels(levels)
    floats = np.asarray(engine.to_pixels(dtype="float32", layout=layout))  # type: ignore[arg-type]
    if layout == "CHW":
        floats = floats.transpose(1, 2, 0)
    assert (np.rint(floats.astype(np.float64) * 65535) == levels).all()
    assert np.abs(floats - levels / 65535).max() < 1.3e-7
    assert floats.min() == 0 and abs(float(floats.max()) - 1) < 1e-7
    mean, std = (0.4, 0.5, 0.6, 0.1), (0.2, 0.25, 0.3, 1)
    floats = np.asarray(engine.to_pixels(dtype="float32", normalize=(mean, std)))
    assert np.abs(floats - (levels / 65535 - mean) / std).max() < 1e-6


def test_depths_that_a_format_has_not_are_refused() -> None:
    engine = Engine.from_pixels(picture())
    for format, bits in (("png", 10), ("png", 0), ("avif", 16), ("avif", 7)):
        with pytest.raises(InvalidArgumentError) as caught:
            engine.to_buffer(format, bit_depth=bits)
        assert caught.value.code == "E400" and str(bits) in str(caught.value)
    with pytest.raises(InvalidArgumentError, match="png, avif"):
        engine.to_buffer("jpeg", bit_depth=8)
    with pytest.raises(TypeError):
        engine.to_buffer("png", bit_depth="16")


def test_pillow_reads_what_is_written() -> None:
    samples = picture(channels=1)
    with Image.open(io.BytesIO(png_of(samples))) as opened:
        assert (np.asarray(opened).astype(np.uint16) == samples[:, :, 0]).all()


# --- steps -------------------------------------------------------------------------------

STEPS = {
    "crop": lambda engine: engine.crop(3, 5, 40, 30),
    "rotate": lambda engine: engine.rotate(90),
    "flip": lambda engine: engine.flip_h().flip_v(),
    "transpose": lambda engine: engine.transpose(),
    "resize": lambda engine: engine.resize(31, 17, fit="fill"),
    "enlarge": lambda engine: engine.resize(200, 150, fit="fill", kernel="cubic"),
    "nearest": lambda engine: engine.resize(31, 17, fit="fill", kernel="nearest"),
    "linear": lambda engine: engine.resize(31, 17, fit="fill", linear=True),
    "contain": lambda engine: engine.resize(50, 50, fit="contain", background="#336699"),
    "grayscale": lambda engine: engine.grayscale(),
    "convert": lambda engine: engine.convert("RGBA"),
    "brightness": lambda engine: engine.brightness(7),
    "contrast": lambda engine: engine.contrast(-13),
    "saturation": lambda engine: engine.saturation(40),
    "gamma": lambda engine: engine.gamma(1.4),
    "blur": lambda engine: engine.blur(1.5),
    "sharpen": lambda engine: engine.sharpen(1, 1),
    "pad": lambda engine: engine.pad(3, background="#102030"),
    "flatten": lambda engine: engine.flatten("#445566"),
    "overlay": lambda engine: engine.overlay(picture(20, 30, channels=4), opacity=0.7),
    "overlay-8": lambda engine: engine.overlay(narrowed(picture(9, 8)), tile=True, opacity=0.3),
    "angle": lambda engine: engine.rotate(17, background="#778899"),
}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_runs_deep_and_is_what_8_bits_give(name: str, channels: int) -> None:
    """Twice: the rows stay deep to the end; and rounded they are within 2 levels of the
    same step on rounded samples, 3 where light or a tone is steep, seen over black."""
    samples = picture(channels=channels)
    deep, shallow = (STEPS[name](Engine.from_pixels(each)) for each in (samples, narrowed(samples)))
    text = deep.explain("png")
    assert "16" in text.splitlines()[-2] and not text.count("8:") + text.count("8\n"), text
    found = np.asarray(deep.to_pixels(dtype="uint16")).astype(np.float64) / 257
    known = np.asarray(shallow.to_pixels()).astype(np.float64)
    assert found.shape == known.shape
    if found.shape[2] in (2, 4):
        found[:, :, :-1] *= found[:, :, -1:] / 255
        known[:, :, :-1] *= known[:, :, -1:] / 255
    assert np.abs(found - known).max() <= (3 if name in ("linear", "gamma", "sharpen") else 2)


@pytest.mark.parametrize("layer", [np.uint8, np.uint16])
def test_an_overlay_leaves_what_it_does_not_cover(layer: type) -> None:
    """To the last bit; and covers in 16 bits, a layer of 8 as what it stands for."""
    under = np.full((9, 9, 3), 1000, np.uint16)
    over = np.full((2, 2, 4), np.iinfo(layer).max, layer)
    over[0, 0] = 0, 7, 0, np.iinfo(layer).max // 3
    engine = Engine.from_pixels(under).overlay(Engine.from_pixels(over), position=(4, 3))
    found = np.asarray(engine.to_pixels(dtype="uint16"))
    wide = over.astype(float) * (65535 // np.iinfo(layer).max)
    alpha = wide[:, :, 3:] / 65535
    wanted = under.astype(float)
    wanted[3:5, 4:6] = wide[:, :, :3] * alpha + 1000 * (1 - alpha)
    assert np.abs(found - wanted).max() <= 0.5
    assert "convert" not in engine.explain("png")
    data = png_of(picture())
    assert "rgba16" in Engine.from_pixels(under).overlay(data).explain("png")


def reference(samples: np.ndarray, width: int, height: int) -> np.ndarray:
    """Lanczos3 in doubles, as the definition says it."""

    def weights(inputs: int, outputs: int) -> np.ndarray:
        scale = max(inputs / outputs, 1)
        centres = (np.arange(outputs) + 0.5) * inputs / outputs
        x = (np.arange(inputs)[None, :] + 0.5 - centres[:, None]) / scale
        table = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
        return table / table.sum(axis=1, keepdims=True)

    down = np.einsum("oy,yxc->oxc", weights(samples.shape[0], height), samples.astype(float))
    return np.einsum("ox,yxc->yoc", weights(samples.shape[1], width), down).clip(0, 65535)


@pytest.mark.parametrize("size", [(31, 17), (200, 90), (80, 17), (33, 60)])
def test_a_deep_resize_is_lanczos3(size: tuple[int, int]) -> None:
    """Within 16 of 65535; an eighth of what 8 bits can tell apart."""
    samples = picture()
    found = Engine.from_pixels(samples).resize(*size, fit="fill").to_pixels(dtype="uint16")
    assert np.abs(np.asarray(found) - reference(samples, *size)).max() <= 16


def test_linear_light_is_187_and_a_half() -> None:
    board = np.indices((40, 40)).sum(axis=0) % 2 * np.uint16(65535)
    engine = Engine.from_pixels(board.astype(np.uint16)).resize(20, 20, kernel="box", linear=True)
    found = np.asarray(engine.to_pixels(dtype="uint16"))
    assert apart(found, 48192) <= 8  # 65535 × sRGB(1/2): 187.5 of 255


# --- plans -------------------------------------------------------------------------------


def test_a_plan_says_how_deep_it_goes(tmp_path: Path) -> None:
    (tmp_path / "deep.png").write_bytes(png_of(picture()))
    engine = Engine.from_path(tmp_path / "deep.png").resize(40)

    def lines(*arguments: str, **options: int) -> list[str]:
        text = engine.explain(*arguments, **options)
        return [" ".join(line.split()) for line in text.splitlines()[1:-1]]

    assert lines("png")[:2] == ["decode full size: 80x60 rgb16", "resize lanczos3: 40x30 rgb16"]
    assert lines("png")[2].startswith("encode png: compression 2, ")
    assert lines("png")[2].endswith(", 16 bit")
    assert lines("png", bit_depth=8)[:2] == [
        "decode full size: 80x60 rgb8",
        "resize lanczos3: 40x30 rgb8",
    ]
    assert lines("jpeg")[1] == "resize lanczos3: 40x30 rgb8"


def test_outputs_of_both_depths_share_a_decode(tmp_path: Path) -> None:
    data = png_of(picture(300, 400))
    engine = Engine.from_bytes(data).resize(100)
    alone = [bytes(engine.to_buffer("png")), bytes(engine.to_buffer("jpeg"))]
    outcomes = li.run([engine.output(format="png"), engine.output(format="jpeg")])
    assert [outcome.ok for outcome in outcomes] == [True, True]
    assert bytes(outcomes[0].result) == alone[0]
    # The JPEG's rows are rounded in front of the resize, as they are alone.
    assert bytes(outcomes[1].result) == alone[1]


def test_quality_compares_8_bits() -> None:
    samples = picture()
    assert li.quality.ssim(Engine.from_bytes(png_of(samples)), Engine.from_pixels(samples)) == 1


# --- AVIF --------------------------------------------------------------------------------


def avifdec(file: Path, directory: Path) -> np.ndarray:
    """What libavif's own tool makes of it: 16 bits, its best upsampling."""
    tool = shutil.which("avifdec")
    assert tool, "set-up installs libavif-bin"
    out = directory / "truth.png"
    command = [tool, "-d", "16", "-u", "bilinear", "--png-compress", "0", str(file), str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    picture: np.ndarray = need_libvips().Image.new_from_buffer(out.read_bytes(), "").numpy()
    return picture


# Of a picture that is to be turned and cropped avifdec makes another than the stored one.
STORED = [file for file in DEEP_AVIFS if "clap" not in file.name]


@needs_avif
@pytest.mark.parametrize("file", STORED, ids=lambda file: file.name)
def test_deep_avifs_are_what_avifdec_says(file: Path, tmp_path: Path) -> None:
    """To the last bit, but for what floats round."""
    engine = Engine.from_path(file)
    assert engine.info.bit_depth in (10, 12)
    found = np.asarray(engine.auto_orient(False).to_pixels(dtype="uint16", color="keep"))
    truth = avifdec(file, tmp_path)
    assert found.shape[:2] == truth.shape[:2]
    assert apart(found[:, :, :3], truth[:, :, :3]) <= 1


@needs_avif
@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_avif_without_loss_keeps_its_bits(bits: int, channels: int, tmp_path: Path) -> None:
    top = (1 << bits) - 1
    levels = np.random.default_rng(bits).integers(0, top + 1, (40, 50, channels))
    samples = np.rint(levels * 65535 / top).astype(np.uint16)
    encoded = Engine.from_pixels(samples).to_buffer("avif", lossless=True, bit_depth=bits)
    (tmp_path / "deep.avif").write_bytes(encoded)
    engine = Engine.from_path(tmp_path / "deep.avif")
    assert engine.info.bit_depth == bits
    assert (np.asarray(engine.to_pixels(dtype="uint16")) == samples).all()
    truth = avifdec(tmp_path / "deep.avif", tmp_path)
    colours = 3 if channels > 2 else 1
    assert apart(truth[:, :, :colours], samples[:, :, :colours]) <= 1
    again = engine.to_buffer("avif", lossless=True).to_bytes()
    assert Engine.from_bytes(again).info.bit_depth == bits  # kept where nothing is asked


@needs_avif
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_avif_of_10_bits_is_near_and_finer_than_8(subsampling: str) -> None:
    y, x = np.mgrid[0:200, 0:300]
    samples = np.stack([9000 + 20 * x, 11000 + 15 * y, 9000 + 10 * x + 10 * y], axis=2)
    samples = samples.astype(np.uint16)
    engine = Engine.from_pixels(samples)
    errors = {}
    for bits in (8, 10, 12):
        data = engine.to_buffer("avif", 95, subsampling=subsampling, bit_depth=bits).to_bytes()
        back = np.asarray(Engine.from_bytes(data).to_pixels(dtype="uint16")).astype(np.int64)
        errors[bits] = float(np.abs(back - samples).mean())
    assert errors[10] < 100 and errors[12] < 100 and errors[10] < 0.8 * errors[8]
    assert Engine.from_bytes(engine.to_buffer("avif").to_bytes()).info.bit_depth == 10
    jpeg = Engine.from_bytes(engine.to_buffer("jpeg").to_bytes())
    assert Engine.from_bytes(jpeg.to_buffer("avif").to_bytes()).info.bit_depth == 8
    wide = jpeg.to_buffer("avif", bit_depth=10)
    assert Engine.from_bytes(wide.to_bytes()).info.bit_depth == 10


# --- steps that stretch levels, whatever the output keeps ---------------------------------


def ramp(base: int = 700) -> np.ndarray:
    """Of 2,000 in 65,535: 8 levels of 8 bits."""
    y, x, c = np.mgrid[0:40, 0:100, 0:3]
    return np.ascontiguousarray((base + 13 * x + 9 * y + 100 * c).astype(np.uint16))


STRETCHES = {
    "gamma": lambda engine: engine.gamma(2.2),
    "brightness": lambda engine: engine.brightness(30),
    "contrast": lambda engine: engine.resize(50).contrast(40),
    "saturation": lambda engine: engine.saturation(80),
    "sharpen": lambda engine: engine.rotate(90).sharpen(2),
    "linear": lambda engine: engine.resize(30, linear=True),
}
SHRINKS = {
    "resize": lambda engine: engine.resize(30),
    "crop": lambda engine: engine.crop(1, 2, 30, 20).flip_h(),
    "blur": lambda engine: engine.blur(2),
    "nothing": lambda engine: engine.gamma(1).brightness(0).saturation(0).sharpen(0.0),
    "nearest": lambda engine: engine.resize(30, kernel="nearest", linear=True),
}


@pytest.mark.parametrize("name", STRETCHES)
@pytest.mark.parametrize("stored", [False, True], ids=["array", "png"])
def test_what_stretches_levels_has_all_of_them(name: str, stored: bool) -> None:
    samples = ramp(30_000 if name == "contrast" else 700)
    source = Engine.from_bytes(png_of(samples)) if stored else Engine.from_pixels(samples)
    engine = STRETCHES[name](source)
    wanted = narrowed(np.asarray(engine.to_pixels(dtype="uint16")))
    assert (np.asarray(engine.to_pixels()) == wanted).all()
    written = engine.to_buffer("png", bit_depth=8).to_bytes()
    assert (oracle.png_samples(written) == wanted).all()
    from_8 = STRETCHES[name](Engine.from_pixels(narrowed(samples)))
    assert not (np.asarray(from_8.to_pixels()) == wanted).all()
    (outcome, _) = li.run([engine.output(format="jpeg"), source.output(format="jpeg")])
    assert bytes(outcome.result) == bytes(Engine.from_pixels(wanted).to_buffer("jpeg"))


@pytest.mark.parametrize("name", SHRINKS)
def test_what_does_not_stretch_runs_in_the_bits_that_are_kept(name: str) -> None:
    engine = SHRINKS[name](Engine.from_bytes(png_of(ramp())))
    said = engine.explain("jpeg").splitlines()[1]
    assert said.startswith("decode ") and "rgb8" in said
    assert "rgb16" in engine.gamma(2).explain("jpeg").splitlines()[1]


def test_dark_levels_are_not_posterised() -> None:
    engine = Engine.from_bytes(png_of(ramp())).gamma(2.2)
    assert len(np.unique(np.asarray(engine.to_pixels()))) > 20
    assert len(np.unique(narrowed(ramp()))) < 12
