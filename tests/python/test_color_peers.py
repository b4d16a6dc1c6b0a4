"""Colours against other people's programs: transicc of lcms2 itself, and libvips.

The distance is CIEDE2000 (delta_e.py), held to the pairs that its authors published.
"""

import io
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from delta_e import delta_e, delta_e_of_lab
from needs import need, need_libvips
from PIL import Image
from test_color import (
    APPLE,
    BUILT,
    SRGB_CURVE,
    WIDE,
    encoded,
    gamma_curve,
    picture,
    profile,
    samples,
)
from test_color_numbers import BT2020, P3, chrm, cicp, gama, png, to_xyz

from lazyimage import Engine

pytestmark = pytest.mark.skipif(not BUILT, reason="a build without lcms2")

ADOBE_PLACES = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
OTHER_WHITE = (34570, 35850, *ADOBE_PLACES[2:])
NTSC = (31000, 31600, 67000, 33000, 21000, 71000, 14000, 8000)

# Sharma's table: L, a, b; L, a, b; ΔE.
PUBLISHED = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_the_distance_is_the_published_one() -> None:
    rows = np.array([line.split() for line in PUBLISHED.strip().splitlines()], float)
    assert rows.shape == (34, 7)
    found = delta_e_of_lab(rows[:, 0:3], rows[:, 3:6])
    assert np.abs(found - rows[:, 6]).max() < 1e-4
    assert np.abs(delta_e_of_lab(rows[:, 3:6], rows[:, 0:3]) - found).max() < 1e-9


# --- transicc ------------------------------------------------------------------------


def by_transicc(colours: np.ndarray[Any, Any], icc: Path) -> np.ndarray[Any, Any]:
    """Each colour, a row of 0..255, in sRGB: perceptual, clipped."""
    need(shutil.which("transicc"), "tools/setup.sh installs transicc (liblcms2-utils)")
    words = "\n".join(" ".join(map(str, colour)) for colour in colours)
    command = ["transicc", "-v0", "-n", "-s", "-t0", f"-i{icc}", "-o*sRGB"]
    done = subprocess.run(command, input=words + "\n", capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    return np.array([row for row in rows if len(row) == 3], float)


@pytest.mark.parametrize(("name", "icc"), [("p3", APPLE), ("adobe", WIDE)])
@pytest.mark.parametrize("width", [None, 40])
def test_wide_gamuts_are_what_transicc_says(
    tmp_path: Path, name: str, icc: bytes, width: int | None
) -> None:
    """Whole, and made smaller: then of the colours that `keep` gives, by each pixel."""
    (tmp_path / "profile.icc").write_bytes(icc)
    engine = Engine.from_bytes(encoded(picture(), "png", icc))
    engine = engine.resize(width) if width else engine
    kept = samples(engine, color="keep")
    colours, which = np.unique(kept.reshape(-1, 3), axis=0, return_inverse=True)
    truth = by_transicc(colours, tmp_path / "profile.icc")
    assert truth.shape == colours.shape
    truth = truth[which.reshape(-1)].reshape(kept.shape)
    apart = delta_e(samples(engine), truth)
    assert delta_e(kept, truth).mean() > 2
    assert apart.mean() < 0.5 and apart.max() < 2.5, (name, apart.mean(), apart.max())


@pytest.mark.parametrize("path", ["png/icc-p3.png", "png/icc.png", "jpeg/orientation-2.jpg"])
def test_real_pictures_are_what_transicc_says(tmp_path: Path, path: str) -> None:
    with Image.open(oracle.DATA / path) as image:
        (tmp_path / "profile.icc").write_bytes(image.info["icc_profile"])
    engine = Engine.from_path(oracle.DATA / path)
    kept = samples(engine, mode="RGB", color="keep")
    colours, which = np.unique(kept.reshape(-1, 3), axis=0, return_inverse=True)
    truth = by_transicc(colours, tmp_path / "profile.icc")[which.reshape(-1)].reshape(kept.shape)
    assert delta_e(samples(engine, mode="RGB"), truth).mean() < 0.5


def deep_picture() -> np.ndarray[Any, Any]:
    """Gradients of gray and of each colour, and noise, in 16 bits."""
    rows = np.random.default_rng(3).integers(0, 65536, (32, 64, 3)).astype(np.uint16)
    ramp = np.linspace(0, 65535, 16 * 64).round().astype(np.uint16).reshape(16, 64)
    rows[:16] = ramp[:, :, None]
    for c in range(3):
        rows[16 + 3 * c : 19 + 3 * c, :, c] = ramp[5 * c : 5 * c + 3]
    return rows


@pytest.mark.parametrize("icc", [APPLE, WIDE], ids=["p3", "adobe"])
def test_sixteen_bits_go_through_a_profile_as_transicc_has_them(tmp_path: Path, icc: bytes) -> None:
    (tmp_path / "profile.icc").write_bytes(icc)
    picture = deep_picture()
    data = bytes(Engine.from_pixels(picture).to_buffer("png"))
    body = b"iCCPx\0\0" + zlib.compress(icc)
    tagged = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    engine = Engine.from_bytes(data[:33] + tagged + data[33:])
    found = np.asarray(engine.to_pixels(dtype="uint16"))
    truth = by_transicc(picture.reshape(-1, 3) / 257, tmp_path / "profile.icc") * 257
    apart = np.abs(found.reshape(-1, 3) - truth)
    assert apart.max() <= 2, apart.max()
    assert len(np.unique(found[:16])) > 900
    written = engine.to_buffer("png")
    assert written.metrics.icc == "converted"
    assert (np.asarray(Engine.from_bytes(written).to_pixels(dtype="uint16")) == found).all()
    # where 8 bits are asked for they are those, rounded last
    shallow = np.asarray(engine.to_pixels()).reshape(-1, 3)
    assert np.abs(shallow - truth / 257).max() <= 0.51


def profile_of(numbers: tuple[int, ...], curve: bytes) -> bytes:
    """With the places of a cHRM, adapted to D50 by Bradford."""
    cones = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    own, d50 = to_xyz(numbers), np.array([0.9642, 1, 0.8249])
    scale = np.diag((cones @ d50) / (cones @ own.sum(1)))
    adapted = np.linalg.inv(cones) @ scale @ cones @ own
    return profile({name: tuple(adapted[:, i]) for i, name in enumerate("rgb")}, curve)


@pytest.mark.parametrize(
    ("chunks", "places", "curve"),
    [
        ([cicp(12, 13)], P3, SRGB_CURVE),
        ([cicp(9, 1)], BT2020, SRGB_CURVE),
        ([gama(45455), chrm(ADOBE_PLACES)], ADOBE_PLACES, gamma_curve(2.2)),
        ([gama(100000), chrm(OTHER_WHITE)], OTHER_WHITE, gamma_curve(1)),
        ([cicp(4, 4)], NTSC, gamma_curve(2.2)),
    ],
    ids=["p3", "bt2020", "adobe", "linear, d50", "ntsc"],
)
def test_numbers_are_what_transicc_says_of_a_profile_of_them(
    tmp_path: Path, chunks: list[bytes], places: tuple[int, ...], curve: bytes
) -> None:
    (tmp_path / "profile.icc").write_bytes(profile_of(places, curve))
    colours = np.unique(np.asarray(picture()).reshape(-1, 3), axis=0)
    truth = by_transicc(colours, tmp_path / "profile.icc")
    engine = Engine.from_bytes(png(*chunks, image=Image.fromarray(colours[None])))
    apart = np.abs(samples(engine)[0] - truth)
    assert np.abs(colours - truth).mean() > 2
    assert apart.max() <= 1.5 and apart.mean() < 0.35, (apart.max(), apart.mean())


# --- libvips -------------------------------------------------------------------------


def ink_picture(width: int = 96, height: int = 64) -> Image.Image:
    """Cyan, magenta, yellow and black, each over its own range, not all full at once."""
    y, x = np.mgrid[0:height, 0:width]
    inks = [x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 3 % 200, (x * y) % 120]
    return Image.fromarray(np.stack(inks, axis=2).astype(np.uint8), mode="CMYK")


@pytest.mark.parametrize("quality", [95, 60])
def test_inks_are_what_libvips_says(quality: int) -> None:
    pyvips = need_libvips()
    icc = bytes(pyvips.Operation.call("profile_load", "cmyk"))
    data = encoded(ink_picture(), "jpeg", icc, quality=quality)
    engine = Engine.from_bytes(data)
    assert engine.info.mode == "CMYK"
    theirs = pyvips.Image.new_from_buffer(data, "").icc_transform(
        "srgb", embedded=True, intent="perceptual"
    )
    truth = np.asarray(theirs.numpy())[..., :3]
    ours = samples(engine)
    apart = delta_e(ours, truth)
    assert apart.mean() < 2 and np.percentile(apart, 99) < 6, (apart.mean(), apart.max())
    formula = samples(engine, color="keep")
    assert delta_e(formula, truth).mean() > 5
    plain = Engine.from_bytes(encoded(ink_picture(), "jpeg", None, quality=quality))
    assert np.array_equal(samples(plain), formula)
    written = Image.open(io.BytesIO(engine.to_buffer("png")))
    assert np.array_equal(np.asarray(written), ours)


def app14(data: bytes) -> tuple[int, int]:
    """Where the Adobe segment of a JPEG of Pillow's is, with its marker."""
    start = data.index(b"\xff\xee")
    return start, start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("marker", ["as it is", "none", "YCCK"])
def test_inks_do_not_hang_on_an_adobe_marker(marker: str, flat: bool) -> None:
    pyvips = need_libvips()
    picture = Image.new("CMYK", (48, 32), (10, 20, 30, 0)) if flat else ink_picture()
    data = encoded(picture, "jpeg", None, quality=95, subsampling=0)
    start, end = app14(data)
    if marker == "none":
        data = data[:start] + data[end:]
    elif marker == "YCCK":
        data = data[: end - 1] + b"\2" + data[end:]
    engine = Engine.from_bytes(data)
    assert engine.info.variant.endswith("YCCK" if marker == "YCCK" else "CMYK")
    inks = pyvips.Image.new_from_buffer(data, "")
    assert inks.interpretation == "cmyk"
    inks = inks.numpy().astype(np.float64)
    truth = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    assert np.abs(samples(engine) - truth).max() < 1
    theirs = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float64)
    assert np.abs(samples(engine) - theirs).max() <= 1
    if flat and marker != "YCCK":
        assert np.abs(samples(engine) - [245, 235, 225]).max() <= 1


def test_a_wide_gamut_is_what_libvips_says() -> None:
    pyvips = need_libvips()
    data = encoded(picture(), "png", APPLE)
    theirs = pyvips.Image.new_from_buffer(data, "").icc_transform("srgb", embedded=True)
    apart = delta_e(samples(Engine.from_bytes(data)), np.asarray(theirs.numpy()))
    assert apart.mean() < 0.5
