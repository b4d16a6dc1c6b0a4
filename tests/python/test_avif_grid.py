"""Large pictures as AVIF: a grid of cells, which other people's decoders read as we do, in
memory that does not grow with the picture."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import places
import process
import pytest
from PIL import Image, features

import lazyimage as li
from lazyimage import Engine

pytestmark = pytest.mark.skipif(
    "avif" not in li.supported_output_formats(), reason="built without AVIF"
)
FLAT = {"speed": 10}


def gradient(width: int, height: int, channels: int, kind: str = "uint8") -> np.ndarray:
    """Smooth, and another one in each channel."""
    top = np.iinfo(kind).max
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    waves = [(x * (c + 1) + y * (4 - c)) % 2 for c in range(channels)]
    samples = np.stack([np.where(wave > 1, 2 - wave, wave) for wave in waves], axis=-1)
    return np.round(samples * top).astype(kind)


def avifdec(data: bytes, directory: Path, gray: bool = False) -> np.ndarray:
    """The picture of libavif's own tool, which makes RGB of deep gray."""
    tool = shutil.which("avifdec")
    assert tool, "set-up installs libavif-bin"
    (directory / "a.avif").write_bytes(data)
    out = directory / "a.png"
    call = [tool, "--upsampling", "best", str(directory / "a.avif"), str(out)]
    subprocess.run(call, check=True, capture_output=True)
    picture = li.open(out)
    return np.asarray((picture.grayscale() if gray else picture).to_pixels())


def worst(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


# --- what others read --------------------------------------------------------------------

VARIANTS = [
    (3, "uint8", {}),
    (4, "uint8", {"subsampling": "4:2:2"}),
    (3, "uint8", {"subsampling": "4:4:4", "bit_depth": 10}),
    (1, "uint16", {"bit_depth": 12}),
]


@pytest.mark.parametrize(("channels", "kind", "options"), VARIANTS)
def test_other_decoders_see_the_same_grid(
    channels: int, kind: str, options: dict, tmp_path: Path
) -> None:
    samples = gradient(2304, 1748, channels, kind)
    data = Engine.from_pixels(samples).to_buffer("avif", 90, **FLAT, **options).to_bytes()
    engine = li.open(data)
    assert "grid of " in engine.explain("png")
    ours = np.asarray(engine.to_pixels())
    if channels == 1:
        samples = samples[..., 0]
        ours = ours.reshape(samples.shape)
    theirs = avifdec(data, tmp_path, channels == 1).reshape(ours.shape)
    assert worst(ours, theirs) <= 2
    truth = samples / (257.0 if kind == "uint16" else 1.0)
    assert np.abs(ours - truth).mean() < 1
    if features.check("avif"):
        picture = Image.open(io.BytesIO(data)).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
        assert worst(np.asarray(picture), ours) <= 4


@pytest.mark.parametrize(("channels", "kind"), [(3, "uint8"), (4, "uint8"), (3, "uint16")])
def test_without_loss_a_grid_is_exact_at_odd_sizes(
    channels: int, kind: str, tmp_path: Path
) -> None:
    samples = gradient(2305, 1749, channels, kind)
    options = {"lossless": True} | ({"bit_depth": 10} if kind == "uint16" else {})
    if kind == "uint16":  # levels that 10 bits have
        samples = np.round(np.round(samples / 65535 * 1023) / 1023 * 65535).astype("uint16")
    data = Engine.from_pixels(samples).to_buffer("avif", **FLAT, **options).to_bytes()
    back = np.asarray(li.open(data).to_pixels(dtype=kind))
    assert np.array_equal(back, samples)
    if kind == "uint8":
        assert np.array_equal(avifdec(data, tmp_path), samples)


def test_planes_of_a_jpeg_become_a_grid() -> None:
    samples = gradient(2304, 1748, 3)
    jpeg = Engine.from_pixels(samples).to_buffer("jpeg", 95, subsampling="4:2:0").to_bytes()
    data = li.open(jpeg).to_buffer("avif", 80, **FLAT).to_bytes()
    engine = li.open(data)
    assert "grid of " in engine.explain("png")
    assert np.abs(np.asarray(engine.to_pixels()).astype(int) - samples).mean() < 2


# --- seams -------------------------------------------------------------------------------


def cells_of(data: bytes) -> tuple[int, int]:
    """Width and height of a cell: the second ispe."""
    at = data.index(b"ispe", data.index(b"ispe") + 4)
    return (int.from_bytes(data[at + 8 : at + 12]), int.from_bytes(data[at + 12 : at + 16]))


def test_seams_are_not_seen_in_a_gradient() -> None:
    """At the default quality the error steps by less than one level more over a seam than
    elsewhere, in the mean along it, and beside it is larger by less than a third of one."""
    samples = gradient(2304, 1748, 3)
    data = Engine.from_pixels(samples).to_buffer("avif", **FLAT).to_bytes()
    back = np.asarray(li.open(data).to_pixels()).astype(float)
    width, height = cells_of(data)
    assert width % 64 == 0 and height % 64 == 0 and height < 1748
    error = np.abs(back - samples)
    off = back - samples
    for axis, side in ((0, height), (1, width)):
        seams = np.arange(side, samples.shape[axis], side)
        if not len(seams):
            continue
        steps = np.abs(np.diff(off, axis=axis)).mean(axis=(1 - axis, 2))
        near = error.mean(axis=(1 - axis, 2))
        assert steps[seams - 1].max() < steps.mean() + 1
        assert np.concatenate([near[seams - 1], near[seams]]).max() < near.mean() + 1 / 3


# --- metadata ----------------------------------------------------------------------------


def test_exiftool_reads_what_goes_with_a_grid(tmp_path: Path) -> None:
    source = places.source("jpeg", places.exif_block("<"))
    keep = {"icc": True, "exif": True, "xmp": True, "strip_gps": False}
    engine = li.open(source).keep_metadata(**keep)
    large = engine.resize(2304, 1748, fit="fill", kernel="nearest")
    (tmp_path / "small.avif").write_bytes(engine.to_buffer("avif", **FLAT).to_bytes())
    (tmp_path / "grid.avif").write_bytes(large.to_buffer("avif", **FLAT).to_bytes())
    assert "grid of " in li.open(tmp_path / "grid.avif").explain("png")
    one, many = (li.open(tmp_path / f"{name}.avif").info for name in ("small", "grid"))
    assert (one.icc_bytes, one.exif_bytes) == (many.icc_bytes, many.exif_bytes)
    said = places.exiftool_warnings([tmp_path / "small.avif", tmp_path / "grid.avif"])
    assert said[tmp_path / "grid.avif"] == said[tmp_path / "small.avif"]
    with Image.open(tmp_path / "grid.avif") as picture:
        gps = picture.getexif().get_ifd(0x8825)
    with Image.open(tmp_path / "small.avif") as picture:
        assert gps == picture.getexif().get_ifd(0x8825) and gps


# --- what is foretold --------------------------------------------------------------------


def test_explain_and_estimate_know_the_grid() -> None:
    engine = Engine.from_pixels(gradient(2304, 1748, 3))
    assert "4:2:0, speed 6, grid of 2 x 2" in engine.explain("avif")
    small = engine.resize(2286, 1748, fit="fill")  # just below 4 MP
    assert "grid of " not in small.explain("avif")
    own = 2304 * 1748 * 3
    assert engine.estimate("avif").peak_bytes < own + 48_000_000
    odd = Engine.from_pixels(gradient(2305, 1749, 3))
    assert "4:4:4, speed 6, grid of " in odd.explain("avif")
    assert "4:2:0, speed 6\n" in odd.explain("avif", subsampling="4:2:0") + "\n"


def test_a_pipe_gets_the_same_file(tmp_path: Path) -> None:
    engine = Engine.from_pixels(gradient(2304, 1748, 1))
    truth = engine.to_buffer("avif", **FLAT).to_bytes()
    path = tmp_path / "pipe.avif"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    engine.to_file(path, **FLAT)
    reader.join()
    assert got == [truth]
    engine.to_file(tmp_path / "file.avif", **FLAT)
    assert (tmp_path / "file.avif").read_bytes() == truth


def test_a_deadline_ends_a_grid_behind_a_cell() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (2000, 2304), dtype=np.uint8)
    start = time.monotonic()
    with pytest.raises(li.ImageTimeoutError):
        Engine.from_pixels(noise).limits(timeout=0.05).to_buffer("avif", 95, speed=6)
    taken = time.monotonic() - start
    start = time.process_time()
    Engine.from_pixels(noise[:500, :500]).to_buffer("avif", 95, speed=6)
    a_cell = 4.6 * (time.process_time() - start)  # at most 1.15 MP
    assert taken < 0.5 + 4 * process.SLOWER * a_cell


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer's memory is not ours"
)
def test_a_hundred_megapixels_grow_the_process_by_48_at_most(tmp_path: Path) -> None:
    for width, height in ((6000, 4000), (12000, 8334)):
        answer = process.run_fresh(
            "grid_growth", directory=str(tmp_path), width=width, height=height
        )
        assert answer["growth"] <= 48_000_000
        assert answer["foretold"] <= 50_000_000
        assert answer["growth"] <= answer["foretold"]
