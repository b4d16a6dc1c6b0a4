"""Order written = order meant: the planned run against the naive one.

The naive run does each step alone on a whole frame, with every rule of the planner off.
Both end in the same samples; only where a transposing orientation has moved behind a
resize may they differ, by 1 level in 0.5 % of samples.
"""

import os
import zlib
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from lazyimage import _core
from lazyimage.steps import FITS, KERNELS, POSITIONS

EVERY_RULE = 255
"""LI_NO_SHRINK … LI_NO_LATE_COLOR of engine/plan.h."""
MODES = ("L", "LA", "RGB", "RGBA")
COLOURS = {
    "linear": b"gAMA" + (100000).to_bytes(4, "big"),
    "pq": b"cICP" + bytes((9, 16, 0, 1)),
    "p3": b"cICP" + bytes((12, 13, 0, 1)),
}
"""Chunks of PNG. Of P3 the curve is sRGB's: a downscale may come before the conversion."""
LARGEST = 160
EXAMPLES = int(os.environ.get("LAZYIMAGE_EXAMPLES", "400"))
DERANDOMIZE = "LAZYIMAGE_EXAMPLES" not in os.environ
SHARE = 0.005
STEEP = ("saturation", "gamma")

Step = tuple[Any, ...]


class Picture(NamedTuple):
    """A source: samples, how they are encoded, EXIF's orientation."""

    samples: np.ndarray
    kind: str
    orientation: int
    options: tuple[tuple[str, Any], ...]
    colours: str | None = None


def _samples(width: int, height: int, channels: int, seed: int) -> np.ndarray:
    """A slope with grain, hard edges and, in alpha, holes: what filters trip over."""
    source = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        (x * (3 + channel) + y * (5 - channel) + 90 * ((x // 7 + y // 5) % 2)) % 256
        for channel in range(channels)
    ]
    samples = np.stack(planes, axis=2) + source.integers(-20, 20, (height, width, channels))
    if channels in (2, 4):
        samples[:, :, -1] = np.where((x // 9 + y // 6) % 3 == 0, 0, samples[:, :, -1])
    return np.ascontiguousarray(samples.clip(0, 255).astype(np.uint8))


SIDES = st.one_of(st.integers(1, 9), st.integers(10, 40), st.integers(41, 70))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    kind = draw(st.sampled_from(("pixels", "png", "jpeg")))
    channels = draw(st.sampled_from((1, 3) if kind == "jpeg" else (1, 2, 3, 4)))
    width, height = draw(SIDES), draw(SIDES)
    orientation = 1 if kind == "pixels" else draw(st.integers(1, 8))
    options: dict[str, Any] = {}
    if kind == "jpeg":
        options["subsampling"] = draw(st.sampled_from(("4:2:0", "4:2:2", "4:4:4")))
        options["progressive"] = draw(st.booleans())
    samples = _samples(width, height, channels, draw(st.integers(0, 9)))
    colours = draw(st.sampled_from((None, None, *COLOURS))) if kind == "png" else None
    return Picture(samples, kind, orientation, tuple(options.items()), colours)


def _layer(width: int, height: int, channels: int, deep: bool = False) -> tuple[Any, ...]:
    """What lies over, as the core takes it."""
    samples = _samples(width, height, channels, 5)
    if deep:
        samples = samples.astype(np.uint16) * 256 + np.arange(width, dtype=np.uint16)[:, None]
    source = _core.Source.from_pixels(np.ascontiguousarray(samples), None)
    return source, {"steps": (("flip_h",),), "output": "pixels", "type": _core.Pixels}


LAYERS = tuple(
    _layer(9 + 7 * channels, 12, channels, deep)
    for channels in (1, 2, 3, 4)
    for deep in (False, True)
)
_SIDES = st.integers(0, 60)
_PARTS = st.integers(0, 99)
_COLORS = st.sampled_from(("#ffffff", "#102030", "#808080", "#40506070", "#00000000"))
_DRAWN = st.one_of(
    st.tuples(
        st.just("resize"),
        _SIDES,
        _SIDES,
        st.sampled_from(FITS),
        st.sampled_from(KERNELS),
        st.booleans(),
        st.sampled_from(POSITIONS),
        _COLORS,
        st.booleans(),
    ).filter(lambda step: step[1] or step[2]),
    st.tuples(st.just("crop"), _PARTS, _PARTS, _PARTS, _PARTS),
    st.tuples(st.just("rotate"), st.sampled_from((90, 180, 270))),
    st.tuples(
        st.just("rotate"),
        st.sampled_from((0.5, 45, 222)),
        _COLORS,
        st.sampled_from(("nearest", "bilinear")),
    ),
    st.just(("flip_h",)),
    st.just(("flip_v",)),
    st.just(("transpose",)),
    st.just(("grayscale",)),
    st.tuples(st.just("brightness"), st.integers(-40, 40)),
    st.tuples(st.just("contrast"), st.integers(-40, 0)),
    st.tuples(st.just("saturation"), st.sampled_from((-100, -30, 25, 100))),
    st.tuples(st.just("gamma"), st.sampled_from((0.7, 1))),
    st.tuples(st.just("convert"), st.sampled_from(MODES)),
    st.tuples(st.just("flatten"), st.sampled_from(("#ffffff", "#123456"))),
    st.tuples(st.just("blur"), st.sampled_from((0.3, 1, 4))),
    st.tuples(st.just("sharpen"), st.just(1), st.sampled_from((0.5, 2)), st.integers(0, 9)),
    st.tuples(st.just("pad"), *[st.integers(0, 9)] * 4, _COLORS),
    st.tuples(st.just("trim"), st.sampled_from((0, 10, 60))),
    st.tuples(
        st.just("overlay"),
        st.sampled_from(LAYERS),
        st.one_of(st.sampled_from(POSITIONS), st.tuples(*[st.integers(-20, 40)] * 2)),
        st.sampled_from((0, 0.3, 1)),
        st.booleans(),
    ).map(lambda step: (step[0], *step[1], *step[2:])),
    st.tuples(
        st.just("resize"),
        st.integers(1, 60),
        st.integers(1, 60),
        st.just("cover"),
        st.sampled_from(KERNELS),
        st.booleans(),
        st.just("attention"),
        st.just("#ffffff"),
        st.just(False),
    ),
)
CHAINS = st.lists(_DRAWN, max_size=6)


def _run(
    source: _core.Source, steps: tuple[Step, ...], rules_off: int, dtype: str = "uint8"
) -> np.ndarray:
    request = {
        "steps": steps,
        "rules_off": rules_off,
        "shrink": "exact",
        "color": "srgb",
        "output": "pixels",
        "type": _core.Pixels,
        "dtype": dtype,
    }
    return np.asarray(_core.run(source, request)[0])


def _encode(picture: Picture) -> _core.Source:
    source = _core.Source.from_pixels(picture.samples, None)
    if picture.kind == "pixels":
        return source
    request = {
        "output": "buffer",
        "format": picture.kind,
        "quality": 92 if picture.kind == "jpeg" else None,
        "type": _core.Encoded,
        **dict(picture.options),
    }
    encoded = bytes(_core.run(source, request)[0])
    if picture.colours:
        encoded = encoded[:33] + _chunk(COLOURS[picture.colours]) + encoded[33:]
    return _core.Source.from_buffer(_with_orientation(encoded, picture))


def _chunk(named: bytes) -> bytes:
    length = len(named) - 4
    return length.to_bytes(4, "big") + named + zlib.crc32(named).to_bytes(4, "big")


def _with_orientation(encoded: bytes, picture: Picture) -> bytes:
    """The file with an EXIF block of one tag put where its format wants it."""
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0%c\0\0\0\0\0\0\0"
    exif = tiff % picture.orientation
    if picture.kind == "jpeg":
        body = b"Exif\0\0" + exif
        return encoded[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + encoded[2:]
    return encoded[:33] + _chunk(b"eXIf" + exif) + encoded[33:]


def _resolve(step: Step, frame: np.ndarray) -> Step:
    """A crop is drawn in hundredths of whatever frame it will meet."""
    if step[0] != "crop":
        return step
    height, width = frame.shape[:2]
    x, y = step[1] * width // 100, step[2] * height // 100
    return (
        "crop",
        x,
        y,
        max(1, step[3] * (width - x) // 100),
        max(1, step[4] * (height - y) // 100),
    )


def _naive(
    source: _core.Source, drawn: list[Step], dtype: str = "uint8"
) -> tuple[np.ndarray, tuple[Step, ...]]:
    """The last frame, and the steps with every number in them."""
    frame = _run(source, (), EVERY_RULE, dtype)
    steps: list[Step] = []
    for step in drawn:
        steps.append(_resolve(step, frame))
        whole = np.ascontiguousarray(frame)
        frame = _run(_core.Source.from_pixels(whole, None), (steps[-1],), EVERY_RULE, dtype)
        assume(max(frame.shape[:2]) <= LARGEST)
    return frame, tuple(steps)


def _levels_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Differences of what is seen: under alpha a colour counts by its alpha, because at
    alpha 1 a colour has but two values. Whole levels without alpha; with it the colour is
    rounded twice more, so that 1 level can show as 1.7."""
    visible = []
    for samples in (one, other):
        seen = samples.astype(np.float64)
        if seen.shape[2] in (2, 4):
            seen[:, :, :-1] *= seen[:, :, -1:] / 255
        visible.append(seen)
    return np.abs(visible[0] - visible[1])


def _resizes_first(picture: Picture, steps: tuple[Step, ...]) -> bool:
    """May colours be filtered before they are converted?"""
    return picture.colours == "p3" and any(step[0] == "resize" for step in steps)


def _may_drift(picture: Picture, steps: tuple[Step, ...]) -> bool:
    """Does a transposing orientation stand somewhere before a resize?"""
    transposed = picture.orientation >= 5
    for step in steps:
        if step[0] == "resize" and step[4] != "nearest" and transposed:
            return True
        transposed = transposed or (step[0] == "transpose")
        transposed = transposed or (step[0] == "rotate" and step[1] in (90, 270))
    return False


def _looks_at_less(picture: Picture, steps: tuple[Step, ...]) -> bool:
    """May the preview differ by a level from one that is made step by step?"""
    turned = picture.orientation >= 5
    turned = turned or any(step[0] in ("transpose", "rotate") for step in steps)
    return turned or picture.kind == "jpeg"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=DERANDOMIZE,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(pictures(), CHAINS)
def test_planned_equals_naive(picture: Picture, drawn: list[Step]) -> None:
    source = _encode(picture)
    expected, steps = _naive(source, drawn)
    planned = _run(source, steps, 0)
    drifts = _may_drift(picture, steps) or _resizes_first(picture, steps)
    if drifts and any(step[0] == "trim" for step in steps):
        return  # a level more can be one that the threshold stops at
    assert planned.shape == expected.shape, steps
    if any("attention" in step for step in steps) and _looks_at_less(picture, steps):
        return
    if _resizes_first(picture, steps):
        return
    if not _may_drift(picture, steps):
        assert np.array_equal(planned, expected), steps
        return
    event("an orientation moved behind a resize")
    resizes = sum(step[0] == "resize" for step in steps)
    if any(step[0] == "sharpen" for step in steps):
        return  # a level less can be one that the threshold stops
    steep = sum(step[0] in STEEP for step in steps)  # one level becomes two at most
    assert _levels_apart(planned, expected).max() < 2 * resizes * 2**steep, steps


@settings(
    max_examples=EXAMPLES // 4,
    deadline=None,
    derandomize=DERANDOMIZE,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(pictures().filter(lambda picture: picture.kind != "jpeg"), CHAINS)
def test_planned_equals_naive_with_16_bits(picture: Picture, drawn: list[Step]) -> None:
    grain = np.random.default_rng(3).integers(0, 257, picture.samples.shape)
    deep = (picture.samples.astype(np.uint16) * 255 + grain).astype(np.uint16)
    picture = picture._replace(samples=np.ascontiguousarray(deep))
    source = _encode(picture)
    expected, steps = _naive(source, drawn, "uint16")
    planned = _run(source, steps, 0, "uint16")
    assert planned.dtype == np.uint16, steps
    if _resizes_first(picture, steps):
        return
    assert planned.shape == expected.shape, steps
    if not _may_drift(picture, steps):
        assert np.array_equal(planned, expected), steps
        return
    levels = _levels_apart(planned / 257, expected / 257)
    assert np.median(levels) < 0.02 or any(step[0] == "sharpen" for step in steps), steps


@st.composite
def turned_pictures(draw: st.DrawFn) -> Picture:
    """Larger ones that EXIF transposes, so that percents can be counted."""
    kind, channels = draw(st.sampled_from((("png", 4), ("png", 3), ("png", 1), ("jpeg", 3))))
    width, height = draw(st.integers(90, 150)), draw(st.integers(90, 150))
    samples = _samples(width, height, channels, draw(st.integers(0, 9)))
    return Picture(samples, kind, draw(st.integers(5, 8)), ())


@pytest.mark.parametrize(
    ("kernel", "share"),
    [
        ("lanczos3", SHARE),
        ("cubic", SHARE),
        ("bilinear", SHARE),
        ("box", SHARE),
    ],
)
def test_moved_orientations_change_few_samples(kernel: str, share: float) -> None:
    """Over many pictures: one of them alone is too small to count in percent."""
    counts = {"samples": 0, "apart": 0}

    @settings(max_examples=EXAMPLES // 8, deadline=None, derandomize=DERANDOMIZE)
    @given(
        turned_pictures(),
        st.tuples(st.integers(30, 89), st.integers(30, 89)),
        st.sampled_from(("inside", "cover", "fill")),
    )
    def turn_and_shrink(picture: Picture, sides: tuple[int, int], fit: str) -> None:
        source = _encode(picture)
        steps = (("resize", *sides, fit, kernel, True), ("flip_h",))
        apart = _levels_apart(_run(source, steps, 0), _run(source, steps, EVERY_RULE))
        assert apart.max() < 2
        counts["samples"] += apart.size
        counts["apart"] += int((apart > 0.5).sum())

    turn_and_shrink()
    assert counts["samples"] > 100_000
    assert 0 < counts["apart"] <= share * counts["samples"], counts


def test_a_photograph_turned_then_shrunk_differs_by_one_level_in_few_samples() -> None:
    samples = _samples(640, 480, 3, 1)
    source = _core.Source.from_pixels(samples, None)
    steps = (("rotate", 90), ("resize", 150, 0, "inside", "lanczos3", True))
    planned, naive = _run(source, steps, 0), _run(source, steps, EVERY_RULE)
    difference = np.abs(planned.astype(np.int16) - naive.astype(np.int16))
    assert difference.max() <= 1
    assert (difference > 0).mean() <= SHARE


def test_the_rules_do_change_the_run() -> None:
    """Else the tests above would compare a plan with itself."""
    samples = _samples(64, 48, 3, 2)
    source = _encode(Picture(samples, "jpeg", 6, ()))
    request = {
        "steps": (("crop", 4, 4, 30, 40), ("resize", 10, 0, "inside", "box", True)),
        "output": "pixels",
        "shrink": "exact",
    }
    planned = _core.explain(source, request)
    assert planned != _core.explain(source, {**request, "rules_off": EVERY_RULE})
