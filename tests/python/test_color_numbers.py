"""Colours that numbers tell: PNG's cICP, sRGB, gAMA and cHRM, AVIF's nclx. Each against the
standard's own formulas in numpy."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import oracle
import pytest
from delta_e import delta_e
from PIL import Image
from test_color import BROKEN, WIDE, apart, as_pillow_has_it, encoded, picture, samples

import lazyimage as li
from lazyimage import Engine

Array = np.ndarray[Any, Any]

D65 = (31270, 32900)
P3 = (*D65, 68000, 32000, 26500, 69000, 15000, 6000)
BT709 = (*D65, 64000, 33000, 30000, 60000, 15000, 6000)
BT2020 = (*D65, 70800, 29200, 17000, 79700, 13100, 4600)
needs_avif = pytest.mark.skipif(
    "avif" not in li.supported_input_formats(), reason="a build without it"
)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(places: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *places))


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes((primaries, transfer, matrix, full)))


SRGB = chunk(b"sRGB", b"\0")


def png(*chunks: bytes, image: Image.Image | None = None, icc: bytes | None = None) -> bytes:
    """A picture with these chunks behind its IHDR."""
    data = encoded(image or picture(), "png", icc)
    return data[:33] + b"".join(chunks) + data[33:]


# --- the truth -----------------------------------------------------------------------


def to_xyz(places: tuple[int, ...]) -> Array:
    xy = np.array(places, float).reshape(4, 2) / 1e5
    xyz = np.column_stack([xy, 1 - xy.sum(1)])
    columns = xyz[1:].T
    return columns * np.linalg.solve(columns, xyz[0] / xyz[0, 1])


def srgb_value(light: Array) -> Array:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255


def srgb_light(value: Array) -> Array:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def shown(image: Image.Image | Array, places: tuple[int, ...], curve: Any) -> Array:
    """With white D65: nothing to adapt."""
    light = curve(np.asarray(image, float) / 255)
    return srgb_value(light @ (np.linalg.inv(to_xyz(BT709)) @ to_xyz(places)).T)


# --- PNG -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "places", "curve"),
    [
        ([gama(100000)], BT709, lambda v: v),
        ([gama(55556)], BT709, lambda v: v**1.8),
        ([gama(45455), chrm(P3)], P3, lambda v: v**2.2),
        ([chrm(BT2020)], BT2020, srgb_light),
        ([gama(100000), chrm(P3)], P3, lambda v: v),
        ([cicp(12, 13)], P3, srgb_light),
        ([cicp(9, 1)], BT2020, srgb_light),
        ([cicp(1, 8)], BT709, lambda v: v),
        ([cicp(9, 4)], BT2020, lambda v: v**2.2),
        ([cicp(1, 13, 0, 0)], BT709, lambda v: srgb_light(((255 * v - 16) / 219).clip(0, 1))),
        ([cicp(2, 8)], BT709, lambda v: v),
        ([cicp(77, 13), cicp(12, 13)], P3, srgb_light),
        ([cicp(2, 2), gama(100000)], BT709, lambda v: v),
    ],
    ids=lambda value: "",
)
def test_png_is_shown_as_its_numbers_say(
    chunks: list[bytes], places: tuple[int, ...], curve: Any
) -> None:
    engine = Engine.from_bytes(png(*chunks))
    truth = shown(picture(), places, curve)
    assert np.abs(truth - np.asarray(picture(), int)).max() > 8
    assert np.abs(samples(engine) - truth).max() <= 1
    assert apart(samples(engine, color="keep"), picture()) == 0
    result = engine.to_buffer("png")
    twice = len({chunk[4:8] for chunk in chunks}) < len(chunks)
    assert result.metrics.icc == "converted"
    assert result.metrics.warnings == (("png: cICP: duplicate",) if twice else ())
    assert "to sRGB" in engine.explain("png")


@pytest.mark.parametrize(
    "chunks",
    [
        [SRGB],
        [gama(45455)],
        [gama(45455), chrm(BT709)],
        [SRGB, gama(100000), chrm(P3)],
        [gama(100000), SRGB],
        [cicp(1, 13), gama(100000), chrm(P3)],
        [gama(100000), cicp(1, 13)],
        [cicp(1, 1)],
        [gama(0)],
        [gama(15)],
        [gama(43182)],
        [gama(47728)],
        [gama(2**31)],
        [chunk(b"gAMA", b"\0\0\1")],
        [gama(100000)[:-1] + b"\0"],
        [chrm((1,) * 8)],
    ],
    ids=lambda value: "",
)
def test_what_is_srgb_or_nothing_costs_nothing(chunks: list[bytes]) -> None:
    engine = Engine.from_bytes(png(*chunks))
    assert apart(samples(engine), picture()) == 0
    assert "to sRGB" not in engine.explain("png")
    assert engine.to_buffer("png").metrics.icc == "absent"


@pytest.mark.skipif("lcms2" not in li.features(), reason="a build without lcms2")
def test_the_third_edition_has_an_order() -> None:
    """cICP, iCCP, sRGB, gAMA with cHRM, wherever they stand."""
    by_profile = as_pillow_has_it(picture(), WIDE)
    by_cicp = shown(picture(), P3, srgb_light)
    others = [gama(100000), chrm(BT2020), SRGB]
    for order in (others, others[::-1]):
        assert apart(samples(Engine.from_bytes(png(*order, icc=WIDE))), by_profile) <= 1
        engine = Engine.from_bytes(png(*order, cicp(12, 13), icc=WIDE))
        assert np.abs(samples(engine) - by_cicp).max() <= 1
    assert apart(samples(Engine.from_bytes(png(cicp(1, 13), icc=WIDE))), picture()) == 0
    # a cICP that is not of full-range RGB does not count
    assert apart(samples(Engine.from_bytes(png(cicp(12, 13, 1), icc=WIDE))), by_profile) <= 1


@pytest.mark.skipif("lcms2" not in li.features(), reason="a build without lcms2")
def test_what_is_kept_says_what_the_samples_are() -> None:
    """Numbers are not carried but converted; a profile that a cICP overrules is dropped."""

    def kept(data: bytes) -> Engine:
        return Engine.from_bytes(data).keep_metadata(icc=True)

    result = kept(png(gama(100000), chrm(P3))).to_buffer("png")
    assert result.metrics.icc == "converted"
    result = kept(png(gama(100000), icc=WIDE)).to_buffer("png")
    assert (
        result.metrics.icc == "kept"
        and apart(samples(Engine.from_bytes(result), color="keep"), picture()) == 0
    )
    for numbers, icc in ((cicp(12, 13), "converted"), (cicp(1, 13), "stripped")):
        for options in ({}, {"never_larger": True}):
            result = kept(png(numbers, icc=WIDE)).to_buffer("png", **options)
            assert result.metrics.icc == icc
            assert not Engine.from_bytes(result).has_icc_profile()


def test_a_damaged_profile_leaves_the_word_to_the_numbers() -> None:
    data = png(chunk(b"iCCP", b"x\0\0nothing that inflates"), gama(100000))
    engine = Engine.from_bytes(data)
    truth = shown(picture(), BT709, lambda v: v)
    assert np.abs(samples(engine) - truth).max() <= 1
    assert engine.to_buffer("png").metrics.warnings


@pytest.mark.parametrize("name", BROKEN)
def test_so_does_one_that_cannot_be_used(name: str) -> None:
    """It inflates, and is cut, of another kind of pixels, or of none."""
    engine = Engine.from_bytes(png(gama(100000), icc=BROKEN[name]))
    truth = shown(picture(), BT709, lambda v: v)
    for each in (engine, engine.keep_metadata()):
        result = each.to_buffer("png")
        assert result.metrics.icc == "converted" and len(result.metrics.warnings) == 1
        assert np.abs(samples(Engine.from_bytes(result), color="keep") - truth).max() <= 1
    result = engine.to_buffer("png", color="keep")
    assert apart(samples(Engine.from_bytes(result)), samples(engine)) == 0


@pytest.mark.skipif("lcms2" in li.features(), reason="a build with lcms2")
def test_without_lcms2_numbers_count_beside_other_profiles() -> None:
    engine = Engine.from_bytes(png(gama(100000), icc=WIDE))
    assert engine.to_buffer("png").metrics.icc == "converted"


def test_a_resize_is_of_light_behind_the_numbers() -> None:
    """Linear samples, filtered in linear light, are what they were before the curve."""
    board = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    image = Image.fromarray(board.astype(np.uint8))
    engine = Engine.from_bytes(png(gama(100000), image=image)).resize(16, 16, linear=True)
    assert set(np.unique(samples(engine))) <= {187, 188}


def test_an_overlay_has_colours_of_its_own() -> None:
    logo = Engine.from_bytes(png(gama(100000)))
    under = Engine.from_bytes(png(image=Image.new("RGB", picture().size)))
    assert apart(samples(under.overlay(logo)), samples(logo)) == 0
    once = under.overlay(logo, opacity=0.5).overlay(logo, opacity=1)
    assert apart(samples(once), samples(logo)) == 0


def test_sources_that_were_converted_are_not_handed_on() -> None:
    data = png(cicp(12, 13))
    result = Engine.from_bytes(data).to_buffer("png", compression=0, never_larger=True)
    assert result.metrics.icc == "converted"
    assert np.abs(samples(Engine.from_bytes(result)) - shown(picture(), P3, srgb_light)).max() <= 1
    kept = Engine.from_bytes(data).to_buffer("png", compression=0, never_larger=True, color="keep")
    assert len(kept) < len(result)


def test_gray_palettes_and_alpha_follow_gamma() -> None:
    gray = picture("LA")
    pixels = samples(Engine.from_bytes(png(gama(100000), chrm(P3), image=gray)))
    truth = srgb_value(np.asarray(gray, float)[..., 0] / 255)
    assert np.abs(pixels[..., 0] - truth).max() <= 1
    assert apart(pixels[..., 1], np.asarray(gray)[..., 1]) == 0
    palette = picture().quantize(32)
    pixels = samples(Engine.from_bytes(png(gama(100000), image=palette)))
    assert np.abs(pixels - srgb_value(np.asarray(palette.convert("RGB"), float) / 255)).max() <= 1


PNGSUITE_GAMMAS = [f"{gamma}{kind}" for gamma in ("g03", "g04", "g05", "g07", "g10", "g25")
                   for kind in ("n0g16", "n2c08", "n3p04")]  # fmt: skip


@pytest.mark.corpus
def test_pngsuite_s_gammas_look_alike(corpus: list[oracle.Entry]) -> None:
    """The suite made them so: at each gamma the same picture."""
    by_kind: dict[str, list[Array]] = {}
    for entry in corpus:
        name = entry.file.name
        if (
            entry.format == "png"
            and name[:3] in {g[:3] for g in PNGSUITE_GAMMAS}
            and name[3] == "n"
        ):
            by_kind.setdefault(name[3:8], []).append(
                samples(Engine.from_path(entry.file), mode="RGB")
            )
    assert len(by_kind) >= 3
    for pictures in by_kind.values():
        first = pictures[0]
        for other in pictures[1:]:
            assert delta_e(first, other).mean() < 4


def test_sixteen_bits_stay_sixteen() -> None:
    """Levels of linear light, and PQ's: more than 8 bits have, and each as the formula has it."""
    ramp = np.linspace(0, 65535, 64 * 64).round().astype(np.uint16).reshape(64, 64, 1)
    data = bytes(Engine.from_pixels(ramp).to_buffer("png"))
    linear = Engine.from_bytes(data[:33] + gama(100000) + data[33:])
    found = np.asarray(linear.to_pixels(dtype="uint16"), float)
    truth = srgb_value(ramp / 65535) * 257
    assert np.abs(found - truth).max() <= 1 and len(np.unique(found)) > 4000
    assert np.abs(np.asarray(linear.to_pixels(), float) - truth / 257).max() <= 0.51
    rgb = bytes(Engine.from_pixels(np.repeat(ramp, 3, 2)).to_buffer("png"))
    above = Engine.from_bytes(rgb[:33] + cicp(9, 16) + rgb[33:])
    found = np.asarray(above.to_pixels(dtype="uint16"), float)
    truth = srgb_value(mapped(pq_light(np.repeat(ramp, 3, 2) / 65535))) * 257
    assert np.abs(found - truth).max() <= 60 and len(np.unique(found)) > 2500
    assert above.resize(20).to_buffer("jpeg").metrics.icc == "converted"


# --- AVIF ----------------------------------------------------------------------------


def avif(primaries: int, transfer: int, samples: Array, **options: Any) -> bytes:
    """Ours, with other numbers in its nclx: the samples stay."""
    data = bytearray(Engine.from_pixels(samples).to_buffer("avif", **options))
    at = data.index(b"nclx") + 4
    data[at : at + 4] = struct.pack(">2H", primaries, transfer)
    return bytes(data)


@needs_avif
def test_avif_says_what_it_is() -> None:
    """Primaries of BT.709, sRGB's curve, BT.601's matrix or none, full range."""
    flat = np.full((32, 32, 3), 99, np.uint8)
    for options, matrix in (({"quality": 60}, 6), ({"lossless": True}, 0)):
        data = bytes(Engine.from_pixels(flat).to_buffer("avif", **options))
        at = data.index(b"nclx") + 4
        assert struct.unpack(">3HB", data[at : at + 7]) == (1, 13, matrix, 0x80)
        assert Engine.from_bytes(data).to_buffer("png").metrics.icc == "absent"


@needs_avif
@pytest.mark.parametrize(
    ("primaries", "transfer", "places", "curve"),
    [
        (12, 13, P3, srgb_light),
        (9, 1, BT2020, srgb_light),
        (1, 8, BT709, lambda v: v),
        (9, 4, BT2020, lambda v: v**2.2),
    ],
)
def test_avif_is_shown_as_its_numbers_say(
    primaries: int, transfer: int, places: tuple[int, ...], curve: Any
) -> None:
    pixels = np.asarray(picture())
    engine = Engine.from_bytes(avif(primaries, transfer, pixels, lossless=True))
    assert apart(samples(engine, color="keep"), pixels) == 0
    assert np.abs(samples(engine) - shown(pixels, places, curve)).max() <= 1
    assert engine.to_buffer("png").metrics.icc == "converted"


@needs_avif
@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (1, 1), (2, 2), (1, 6), (1, 14)])
def test_avif_of_srgb_stays(primaries: int, transfer: int) -> None:
    pixels = np.asarray(picture())
    engine = Engine.from_bytes(avif(primaries, transfer, pixels, lossless=True))
    assert apart(samples(engine), pixels) == 0
    assert engine.to_buffer("png").metrics.icc == "absent"


@needs_avif
@pytest.mark.skipif("lcms2" not in li.features(), reason="a build without lcms2")
def test_an_avif_s_profile_counts_before_its_numbers() -> None:
    if not hasattr(Image.core, "avif"):
        pytest.importorskip("PIL._avif")
    data = bytearray(encoded(picture(), "avif", WIDE, quality=90))
    at = data.find(b"nclx")
    if at > 0:
        data[at + 4 : at + 8] = struct.pack(">2H", 9, 16)
    engine = Engine.from_bytes(bytes(data))
    kept = samples(engine, color="keep").astype(np.uint8)
    assert apart(samples(engine), as_pillow_has_it(Image.fromarray(kept), WIDE)) <= 1


# --- light above white ---------------------------------------------------------------


def pq_light(value: Array) -> Array:
    """SMPTE ST 2084, in cd/m²."""
    root = value ** (1 / 78.84375)
    return 10000 * ((root - 0.8359375).clip(0) / (18.8515625 - 18.6875 * root)) ** (
        1 / 0.1593017578125
    )


def pq_value(light: Array) -> Array:
    power = (light / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg_light(value: Array) -> Array:
    """BT.2100 on a screen of 1,000 cd/m²."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
    luma = scene @ [0.2627, 0.6780, 0.0593]
    return 1000 * scene * luma[..., None] ** 0.2


def mapped(light: Array) -> Array:
    """BT.2390-10, 5.4.1, from 1,000 to 203 cd/m², by the largest of the three."""
    most = light.max(-1).clip(1e-9)
    peak, target = pq_value(np.array(1000.0)), pq_value(np.array(203.0))
    part = (pq_value(most.clip(0, 1000)) / peak).clip(0, 1)
    highest = target / peak
    knee = 1.5 * highest - 0.5
    t = ((part - knee) / (1 - knee)).clip(0)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee)
    spline += (-2 * t**3 + 3 * t**2) * highest
    shown = pq_light(np.where(part < knee, part, spline) * peak)
    return light * (shown / most)[..., None] / 203


@pytest.mark.parametrize(("transfer", "light"), [(16, pq_light), (18, hlg_light)])
def test_light_above_white_is_mapped_by_the_documented_curve(transfer: int, light: Any) -> None:
    engine = Engine.from_bytes(png(cicp(9, transfer)))
    display = mapped(light(np.asarray(picture(), float) / 255))
    to_srgb = np.linalg.inv(to_xyz(BT709)) @ to_xyz(BT2020)
    truth = srgb_value(display @ to_srgb.T)
    ours = samples(engine)
    assert np.abs(ours - truth).max() <= 2 and np.abs(ours - truth).mean() < 0.4


@needs_avif
def test_a_real_pq_picture_is_seen() -> None:
    """Dark when its samples are taken for sRGB's, light when they are PQ's."""
    engine = Engine.from_path(oracle.DATA / "avif" / "420-10-pq.avif")
    shown, kept = samples(engine), samples(engine, color="keep")
    assert "to sRGB" in engine.explain("png")
    assert shown.std() > kept.std() and 40 < shown.mean() < 215


def test_groups_and_files_share_a_shaper(tmp_path: Any) -> None:
    engine = Engine.from_bytes(png(cicp(12, 13)))
    outputs = [engine.resize(width).output(tmp_path / f"{width}.png") for width in (20, 48, 96)]
    done = li.run(outputs, on_error="raise")
    assert [one.result.metrics.icc for one in done] == ["converted"] * 3
    with Image.open(io.BytesIO((tmp_path / "96.png").read_bytes())) as whole:
        assert np.abs(np.asarray(whole, int) - shown(picture(), P3, srgb_light)).max() <= 1
