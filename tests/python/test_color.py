"""Colours: what a profile says becomes sRGB, as Pillow's littleCMS has it; sRGB itself costs
nothing; what cannot be used is a warning, never an error."""

import io
import os
import struct
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import oracle
import pytest
from PIL import Image, ImageCms

import lazyimage as li
from lazyimage import Engine

BUILT = "lcms2" in li.features()
needs_lcms2 = pytest.mark.skipif(not BUILT, reason="a build without lcms2")
FORMATS = li.supported_input_formats()
WIDTH, HEIGHT = 96, 64
NO_LATE_COLOR = 128
XYZ = dict[str, tuple[float, float, float]]

# Adapted to D50: what Apple's and Adobe's profiles hold.
P3: XYZ = {
    "r": (0.51512, 0.24120, -0.00105),
    "g": (0.29198, 0.69225, 0.04189),
    "b": (0.15710, 0.06657, 0.78407),
}
ADOBE: XYZ = {
    "r": (0.60974, 0.31111, 0.01947),
    "g": (0.20528, 0.62567, 0.06087),
    "b": (0.14919, 0.06322, 0.74457),
}
SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(x * 65536) for x in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def gamma_curve(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(exponent * 256))


def profile(primaries: XYZ | None, curve: bytes, padding: int = 0) -> bytes:
    """A matrix profile, or without primaries one of gray; padding makes it long."""

    def triple(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (x, y, z)))

    text = b"desc\0\0\0\0\0\0\0\2x\0" + bytes(80 + padding)
    tags = {b"wtpt": triple(0.9642, 1, 0.8249), b"desc": text, b"cprt": b"text\0\0\0\0\0\0\0\0"}
    if primaries is None:
        tags[b"kTRC"] = curve
    for name, place in (primaries or {}).items():
        tags[f"{name}XYZ".encode()] = triple(*place)
        tags[f"{name}TRC".encode()] = curve
    at, table, body = 132 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    space = b"RGB " if primaries else b"GRAY"
    head = struct.pack(">I4sI4s4s4s12x4s", at + len(body), b"\0" * 4, 0x02400000, b"mntr", space,
                       b"XYZ ", b"acsp")  # fmt: skip
    head += bytes(28) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + body


WIDE = profile(ADOBE, gamma_curve(2.19921875))
APPLE = profile(P3, SRGB_CURVE)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode: str = "RGB", width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Smooth, with all hues, and dark and light."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // (width - 1), y * 255 // (height - 1), (x + 2 * y) * 2 % 256, 255 - x]
    if mode in ("L", "LA"):
        planes = planes[:: len(planes) // 2]
    samples = np.stack(planes[: len(mode)], axis=2).astype(np.uint8)
    return Image.fromarray(samples[..., 0] if mode == "L" else samples, mode=mode)


def encoded(image: Image.Image, format: str, icc: bytes | None, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format.upper(), icc_profile=icc, **options)
    return out.getvalue()


def as_pillow_has_it(image: Image.Image, icc: bytes) -> np.ndarray[Any, Any]:
    """By littleCMS, with its own sRGB, alpha kept."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    target = ImageCms.createProfile("sRGB")
    mode = image.mode
    if mode in ("RGBA", "RGB"):
        return np.asarray(
            ImageCms.profileToProfile(
                image, source, target, ImageCms.Intent.PERCEPTUAL, outputMode=mode
            )
        )
    gray = image.getchannel(0)
    rgb = ImageCms.profileToProfile(
        gray, source, target, ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
    )
    return np.asarray(cast("Image.Image", rgb).getchannel(1))


def samples(engine: Engine, **options: Any) -> np.ndarray[Any, Any]:
    return np.asarray(engine.to_pixels(**options)).astype(int)


def apart(a: Any, b: Any) -> int:
    return int(np.abs(np.asarray(a, int) - np.asarray(b, int)).max())


def test_only_a_build_that_was_told_so_has_no_lcms2() -> None:
    assert BUILT or os.environ.get("LAZYIMAGE_LCMS2") == "off"


# --- to sRGB -------------------------------------------------------------------------


@needs_lcms2
@pytest.mark.parametrize("icc", [WIDE, APPLE], ids=["adobe", "p3"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("format", ["png", "webp"])
def test_colours_are_what_littlecms_says(format: str, mode: str, icc: bytes) -> None:
    image = picture(mode)
    data = encoded(image, format, icc, lossless=True, exact=True)
    truth = as_pillow_has_it(image, icc)
    assert apart(truth, image) > 30
    engine = Engine.from_bytes(data)
    assert apart(samples(engine), truth) <= 1
    assert apart(samples(engine, color="keep"), image) == 0
    result = engine.to_buffer("png")
    assert result.metrics.icc == "converted" and result.metrics.metadata_stripped
    assert apart(Image.open(io.BytesIO(result)), truth) <= 1
    assert Image.open(io.BytesIO(result)).info.get("icc_profile") is None
    kept = engine.to_buffer("png", color="keep")
    assert kept.metrics.icc == "stripped" and apart(Image.open(io.BytesIO(kept)), image) == 0


@needs_lcms2
@pytest.mark.parametrize("format", ["jpeg", "avif"])
def test_a_lossy_picture_is_converted_behind_its_decoder(format: str) -> None:
    if format not in FORMATS:
        pytest.skip("a build without it")
    data = encoded(picture(), format, APPLE, quality=90)
    engine = Engine.from_bytes(data)
    decoded = samples(engine, color="keep").astype(np.uint8)
    truth = as_pillow_has_it(Image.fromarray(decoded), APPLE)
    assert apart(samples(engine), truth) <= 1 and apart(truth, decoded) > 30


@needs_lcms2
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_stays_gray_and_keeps_its_light(mode: str) -> None:
    image, icc = picture(mode), profile(None, gamma_curve(1.8))
    engine = Engine.from_bytes(encoded(image, "png", icc))
    pixels = samples(engine)
    assert pixels.shape[2] == len(mode)
    assert apart(pixels[..., 0], as_pillow_has_it(image, icc)) <= 1
    assert apart(pixels[..., 0], np.asarray(image.getchannel(0))) > 10
    if mode == "LA":
        assert apart(pixels[..., 1], np.asarray(image.getchannel(1))) == 0


@needs_lcms2
def test_deep_gray_palettes_and_transparency_are_converted_too() -> None:
    image = picture().quantize(64)
    engine = Engine.from_bytes(encoded(image, "png", WIDE))
    assert engine.info.palette
    assert apart(samples(engine), as_pillow_has_it(image.convert("RGB"), WIDE)) <= 1


@needs_lcms2
def test_a_profile_in_many_segments_is_put_together() -> None:
    icc = profile(P3, SRGB_CURVE, padding=150_000)
    data = encoded(picture(), "jpeg", icc, quality=95)
    assert data.count(b"ICC_PROFILE\0") == 3
    one = Engine.from_bytes(encoded(picture(), "jpeg", APPLE, quality=95))
    many = Engine.from_bytes(data)
    assert apart(samples(one), samples(many)) == 0
    assert many.to_buffer("png").metrics.icc == "converted"
    # the order of segments is theirs to say
    parts = segments(data)
    pieces = [i for i, part in enumerate(parts) if part[4:15] == b"ICC_PROFILE"]
    parts[pieces[0]], parts[pieces[2]] = parts[pieces[2]], parts[pieces[0]]
    assert apart(samples(Engine.from_bytes(b"".join(parts))), samples(many)) == 0


def segments(data: bytes) -> list[bytes]:
    """SOI, each segment before the picture, and the rest."""
    parts, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append(data[at : at + size])
        at += size
    return [*parts, data[at:]]


@needs_lcms2
def test_every_way_out_converts(tmp_path: Path) -> None:
    data = encoded(picture(), "png", WIDE)
    engine, truth = Engine.from_bytes(data), as_pillow_has_it(picture(), WIDE)
    written = engine.to_file(tmp_path / "a.png")
    assert written.metrics.icc == "converted"
    assert apart(Image.open(tmp_path / "a.png"), truth) <= 1
    assert apart(samples(engine.decoded()), truth) <= 1
    outputs = [
        engine.output(tmp_path / "b.png"),
        engine.output(tmp_path / "c.png", color="keep"),
        engine.resize(48).output(tmp_path / "d.png"),
        engine.output(),
    ]
    done = li.run(outputs, on_error="raise")
    assert [outcome.result.metrics.icc for outcome in done] == [
        *("converted", "stripped", "converted", "converted")
    ]
    assert apart(Image.open(tmp_path / "b.png"), truth) <= 1
    assert apart(Image.open(tmp_path / "c.png"), picture()) == 0
    assert apart(done[3].result, truth) <= 1
    found = engine.to_buffer("jpeg", min_ssim=0.97)
    assert found.metrics.icc == "converted"
    assert np.abs(np.asarray(Image.open(io.BytesIO(found)), int) - truth).mean() < 6


@needs_lcms2
def test_an_overlay_s_profile_counts() -> None:
    logo = Engine.from_bytes(encoded(picture(), "png", WIDE))
    under = Engine.from_bytes(encoded(Image.new("RGB", picture().size), "png", None))
    assert apart(samples(logo), picture()) > 8
    assert apart(samples(under.overlay(logo)), samples(logo)) == 0


@needs_lcms2
def test_bytes_of_a_converted_picture_are_never_the_source_s() -> None:
    """They would be without the profile that says what they mean."""
    engine = Engine.from_bytes(encoded(picture(), "jpeg", WIDE, quality=40))
    result = engine.to_buffer("jpeg", 95, never_larger=True)
    assert result.metrics.icc == "converted" and result.quality == 95
    assert apart(samples(Engine.from_bytes(result)), samples(engine)) < 40
    kept = engine.to_buffer("jpeg", 95, never_larger=True, color="keep")
    assert len(kept) < len(result) and kept.quality is None


# --- nothing to do -------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_srgb_costs_nothing(format: str) -> None:
    """Neither a step nor a warning: the plan is that of an untagged file."""
    options = {"quality": 80} if format != "png" else {}
    plain, tagged = (encoded(picture(), format, icc, **options) for icc in (None, SRGB))
    results = [Engine.from_bytes(data).resize(40).to_buffer("png") for data in (plain, tagged)]
    assert bytes(results[0]) == bytes(results[1])
    assert [result.metrics.icc for result in results] == ["absent", "stripped"]
    assert results[1].metrics.warnings == ()
    plans = [Engine.from_bytes(data).resize(40).explain("png") for data in (plain, tagged)]
    assert plans[0].splitlines()[1:-1] == plans[1].splitlines()[1:-1]


def test_an_untagged_picture_and_an_array_stay_as_they_are() -> None:
    image = picture()
    assert apart(samples(Engine.from_bytes(encoded(image, "png", None))), image) == 0
    assert apart(samples(Engine.from_pixels(np.asarray(image))), image) == 0


# --- what cannot be used -------------------------------------------------------------

CUT = WIDE[:150]
BROKEN = {
    "cut": CUT,
    "noise": b"a profile of no use" * 9,
    "of gray": profile(None, gamma_curve(1.8)),
    "of no colours": WIDE[:16] + b"XXXX" + WIDE[20:],
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_profile_that_cannot_be_used_is_a_warning(format: str, name: str) -> None:
    if format not in FORMATS:
        pytest.skip("a build without it")
    options = {"quality": 80} if format != "png" else {}
    engine = Engine.from_bytes(encoded(picture(), format, BROKEN[name], **options))
    result = engine.to_buffer("png")
    assert result.metrics.icc == "stripped"
    (warning,) = result.metrics.warnings
    assert "profile" in warning.lower() or "iCCP" in warning
    plain = Engine.from_bytes(encoded(picture(), format, None, **options))
    assert apart(samples(engine), samples(plain)) == 0
    assert engine.to_buffer("png", color="keep").metrics.warnings == ()


def test_pieces_that_are_missing_or_twice_there_are_a_warning() -> None:
    icc = profile(P3, SRGB_CURVE, padding=150_000)
    parts = segments(encoded(picture(), "jpeg", icc, quality=95))
    pieces = [i for i, part in enumerate(parts) if part[4:15] == b"ICC_PROFILE"]
    whole = Engine.from_bytes(b"".join(parts))
    for bad in (
        parts[: pieces[1]] + parts[pieces[1] + 1 :],
        [*parts[:3], parts[pieces[0]], *parts[3:]],
    ):
        engine = Engine.from_bytes(b"".join(bad))
        assert len(engine.to_buffer("png").metrics.warnings) == 1
        assert apart(samples(engine), samples(whole, color="keep")) == 0


def test_a_build_without_lcms2_says_so() -> None:
    if BUILT:
        pytest.skip("a build with lcms2")
    result = Engine.from_bytes(encoded(picture(), "png", WIDE)).to_buffer("png")
    assert result.metrics.icc == "stripped"
    assert result.metrics.warnings == ("the ICC profile is not used: this build has no lcms2",)


# --- the plan ------------------------------------------------------------------------


@needs_lcms2
def test_fewer_pixels_are_converted_first() -> None:
    engine = Engine.from_bytes(encoded(picture(), "jpeg", WIDE, quality=95))
    chain = engine.crop(8, 8, 80, 48).rotate(90).resize(24)
    lines = chain.explain("png").splitlines()
    assert [line.split()[0] for line in lines] == [
        *("source", "decode", "resize", "color", "orient", "encode", "memory")
    ]
    assert "color    to sRGB: 40x24 rgb8" in lines
    assert "to sRGB" not in chain.explain("png", color="keep")
    light = engine.resize(24, linear=True).explain("png").splitlines()
    assert [line.split()[0] for line in light[2:4]] == ["color", "resize"]
    larger = engine.resize(300).explain("png").splitlines()
    assert [line.split()[0] for line in larger[2:4]] == ["color", "resize"]


@needs_lcms2
@pytest.mark.parametrize(
    ("steps", "exact"),
    [
        ((("crop", 5, 7, 60, 40), ("rotate", 90), ("brightness", 9)), True),
        ((("brightness", 9), ("crop", 5, 7, 60, 40), ("convert", "L")), True),
        ((("rotate", 90), ("resize", 20, 0, "inside", "lanczos3", True)), False),
        ((("resize", 200, 0, "inside", "cubic", True), ("crop", 1, 1, 90, 90)), True),
    ],
)
def test_order_written_is_order_meant(steps: tuple[Any, ...], exact: bool) -> None:
    """With the rule and without: LI_NO_LATE_COLOR of engine/plan.h."""
    source = li._core.Source.from_buffer(encoded(picture("RGBA"), "png", WIDE))
    request = {"steps": steps, "output": "pixels", "type": li._core.Pixels, "color": "srgb"}
    runs = [
        np.asarray(li._core.run(source, {**request, "rules_off": off})[0]).astype(int)
        for off in (0, NO_LATE_COLOR)
    ]
    assert runs[0].shape == runs[1].shape
    assert apart(*runs) == 0 if exact else 0 < np.abs(runs[0] - runs[1]).mean() < 1


@needs_lcms2
def test_converting_late_is_not_seen() -> None:
    """Behind the downscale or before it: means of a level, on smooth and on hard edges."""
    icc = WIDE
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT * 4, WIDTH * 4, 3), np.uint8)
    for image, most in ((picture(width=384, height=256), 1.0), (Image.fromarray(noise), 8.0)):
        source = Engine.from_bytes(encoded(image, "png", icc))
        late = samples(source.resize(48))
        early = samples(Engine.from_pixels(samples(source).astype(np.uint8)).resize(48))
        assert np.abs(late - early).mean() < most


@needs_lcms2
def test_the_estimate_has_room_for_lcms2() -> None:
    plain, tagged = (Engine.from_bytes(encoded(picture(), "png", icc)) for icc in (None, WIDE))
    for engine in (plain, tagged):
        result = engine.to_buffer("png")
        assert result.metrics.peak_bytes <= engine.estimate("png").peak_bytes
    more = tagged.estimate("png").peak_bytes - plain.estimate("png").peak_bytes
    assert 1_500_000 < more < 2_000_000


@pytest.mark.parametrize("color", ["keep", "srgb"])
def test_the_estimate_has_room_for_a_long_profile(color: Literal["keep", "srgb"]) -> None:
    """Under "keep" it is read to see whether it is sRGB's."""
    long = encoded(picture(), "png", profile(P3, SRGB_CURVE, padding=3_000_000))
    engine = Engine.from_bytes(long)
    taken = engine.to_buffer("png", color=color).metrics.peak_bytes
    assert 3_000_000 < taken <= engine.estimate("png", color=color).peak_bytes


@needs_lcms2
def test_memory_for_lcms2_is_within_the_limit() -> None:
    engine = Engine.from_bytes(encoded(picture(), "png", WIDE)).limits(max_memory=20_000)
    with pytest.raises(li.errors.MemoryBudgetError):
        engine.to_buffer("png")


@pytest.mark.parametrize("bad", ["rgb", "", None, 1])
def test_color_has_two_words(bad: Any) -> None:
    engine = Engine.from_bytes(encoded(picture(), "png", None))
    for call in (engine.to_pixels, lambda **options: engine.to_buffer("png", **options)):
        with pytest.raises((li.errors.InvalidArgumentError, TypeError)):
            call(color=bad)


# --- the files that we have ----------------------------------------------------------


@needs_lcms2
@pytest.mark.parametrize(
    ("path", "converted"),
    [
        ("jpeg/icc-v4.jpg", False),
        ("png/icc-p3.png", True),
        ("png/icc.png", None),
        ("webp/lossless-icc.webp", None),
    ],
)
def test_real_profiles(path: str, converted: bool | None) -> None:
    engine = Engine.from_path(oracle.DATA / path)
    if engine.info.format not in FORMATS:
        pytest.skip("a build without it")
    with Image.open(oracle.DATA / path) as image:
        icc = image.info["icc_profile"]
        decoded = samples(engine, color="keep").astype(np.uint8)
        truth = as_pillow_has_it(Image.fromarray(decoded), icc)
    result = engine.to_buffer("png")
    assert result.metrics.warnings == ()
    assert apart(samples(engine), truth) <= 2
    if converted is not None:
        assert result.metrics.icc == ("converted" if converted else "stripped")


def test_a_gray_picture_with_the_profile_of_srgb_is_gray() -> None:
    """Of another kind of pixels, but everybody means the curve."""
    result = Engine.from_path(oracle.DATA / "jpeg" / "icc.jpg").to_buffer("png")
    assert result.metrics.icc == "stripped" and result.metrics.warnings == ()
