"""Pictures that travel as Y, Cb and Cr: how far they may be from the same run as RGB rows.

The bounds are for photographs; what differs is chroma at edges, because it is neither
upsampled before a resize nor converted twice.
"""

from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest

import lazyimage
from lazyimage import _core
from lazyimage.errors import LazyImageError

NO_SHRINK, NO_PLANES = 1, 32
"""LI_NO_SHRINK and LI_NO_PLANES of engine/plan.h."""
LEAST_PIXELS = 1 << 16
FORMATS = lazyimage.supported_input_formats()
FILES = sorted((oracle.DATA / "jpeg").glob("*.jpg"))
FILES += [
    path
    for format in ("webp", "avif")
    if format in FORMATS
    for path in sorted((oracle.DATA / format).glob(f"*.{format}"))
]
OUTPUTS = [format for format in ("jpeg", "webp") if format in lazyimage.supported_output_formats()]


def _source(path: Path) -> _core.Source:
    return _core.Source.from_path(str(path).encode(), "auto")


def _pixels(source: _core.Source, **request: Any) -> np.ndarray:
    return np.asarray(
        _core.run(source, {**request, "output": "pixels", "type": _core.Pixels})[0]
    ).astype(int)


def _encode(source: _core.Source, **request: Any) -> bytes:
    return bytes(_core.run(source, {**request, "output": "buffer", "type": _core.Encoded})[0])


def _options(format: str) -> dict[str, Any]:
    return {
        "format": format,
        "quality": 95,
        **({"subsampling": "4:2:0"} if format == "jpeg" else {}),
    }


def _fine(path: Path) -> int:
    """The rules to leave out of both runs, so that only the planes differ: a WebP file may
    be decoded roughly under other conditions as planes than as rows."""
    return NO_SHRINK if path.suffix == ".webp" else 0


def _planar_files() -> list[Path]:
    """Those of the shipped files that a plan takes as planes."""
    found = []
    for path in FILES:
        try:
            whole = _pixels(_source(path))
        except LazyImageError:
            continue  # damaged or not supported
        request = {"steps": _resize(whole.shape[1] // 2 or 1), "output": "pixels"}
        if "join     planes" in _core.explain(_source(path), request):
            found.append(path)
    return found


def _resize(width: int) -> tuple[Any, ...]:
    return (("resize", width, 0, "inside", "lanczos3", True),)


def _distance(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The mean difference in levels, and the share of samples that differ by more than 8."""
    apart = np.abs(a - b)
    return float(apart.mean()), float((apart > 8).mean())


PLANAR = _planar_files()


def test_the_shipped_files_have_planes_of_every_kind() -> None:
    assert len(PLANAR) >= 5
    words = [_core.explain(_source(path), {"output": "pixels"}).splitlines()[0] for path in PLANAR]
    assert any("orientation" in line for line in words)
    for format, least in (("jpg", 5), ("webp", 4), ("avif", 2)):
        if format == "jpg" or format in FORMATS:
            assert sum(path.suffix == f".{format}" for path in PLANAR) >= least


@pytest.mark.parametrize("shrink", ["safe", "fast"])
@pytest.mark.parametrize("part", [1.3, 1.9, 5.3])
@pytest.mark.parametrize("path", PLANAR, ids=lambda path: path.name)
def test_joined_planes_are_near_rows(path: Path, part: float, shrink: str) -> None:
    source = _source(path)
    width = int(_core.inspect(source, {"output": "pixels"})["width"] / part)
    request = {"steps": _resize(width), "shrink": shrink}
    mean, share = _distance(
        _pixels(source, **request, rules_off=_fine(path)),
        _pixels(source, **request, rules_off=_fine(path) | NO_PLANES),
    )
    assert mean <= 1.0
    assert share <= 0.01


@pytest.mark.parametrize("format", OUTPUTS)
@pytest.mark.parametrize("part", [1, 2, 5.3])
@pytest.mark.parametrize("path", PLANAR, ids=lambda path: path.name)
def test_planes_up_to_the_encoder_are_near_rows(path: Path, part: float, format: str) -> None:
    source = _source(path)
    width = int(_core.inspect(source, {"output": "pixels"})["width"] / part)
    request = {"steps": _resize(width) if part > 1 else (), **_options(format)}
    words = _core.explain(source, {**request, "output": "buffer"})
    assert "planes" in words or part == 1
    assert "join" not in words or path.name.startswith("orientation")
    planes = _encode(source, **request, rules_off=_fine(path))
    rows = _encode(source, **request, rules_off=_fine(path) | NO_PLANES)
    mean, share = _distance(
        _pixels(_core.Source.from_buffer(planes)), _pixels(_core.Source.from_buffer(rows))
    )
    assert mean <= 2.5
    assert share <= 0.015


@pytest.mark.parametrize("turn", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("width", [400, 401])
def test_turned_planes_are_upright(turn: int, width: int) -> None:
    """The planner turns the planes, or does not take this way where a chroma sample would
    have to begin outside the picture; in both cases the picture is the one turned after."""
    source = _source(PLANAR[0])
    turns: tuple[Any, ...] = {
        2: (("flip_h",),),
        3: (("rotate", 180),),
        4: (("flip_v",),),
        5: (("rotate", 90), ("flip_h",)),
        6: (("rotate", 90),),
        7: (("rotate", 270), ("flip_h",)),
        8: (("rotate", 270),),
    }[turn]
    request = {"steps": (*_resize(width), *turns), "format": "jpeg", "quality": 95}
    request["subsampling"] = "4:2:0"
    words = _core.explain(source, {**request, "output": "buffer"})
    assert ("join" in words) == (width == 401 and turn != 5)
    mean, share = _distance(
        _pixels(_core.Source.from_buffer(_encode(source, **request))),
        _pixels(_core.Source.from_buffer(_encode(source, **request, rules_off=NO_PLANES))),
    )
    assert mean <= 2.5
    assert share <= 0.015


@pytest.mark.parametrize("path", PLANAR, ids=lambda path: path.name)
def test_exact_never_takes_planes(path: Path) -> None:
    request = {"steps": _resize(100), "output": "pixels", "shrink": "exact"}
    assert "planes" not in _core.explain(_source(path), request)


WEBP = [path for path in PLANAR if path.suffix == ".webp"] + [
    path for path in FILES if path.name in ("alpha-vertical.webp", "orientation-8.webp")
]


@pytest.mark.parametrize("part", [2.2, 5.3])
@pytest.mark.parametrize("rules", [0, NO_PLANES], ids=["planes", "rows"])
@pytest.mark.parametrize("path", WEBP, ids=lambda path: path.name)
def test_a_rough_decode_is_near_a_fine_one(path: Path, rules: int, part: float) -> None:
    source = _source(path)
    width = int(_core.inspect(source, {"output": "pixels"})["width"] / part)
    request = {"steps": _resize(width), "shrink": "fast"}
    assert "rough" in _core.explain(source, {**request, "output": "pixels", "rules_off": rules})
    rough = _pixels(source, **request, rules_off=rules)
    fine = _pixels(source, **request, rules_off=rules | NO_SHRINK)
    mean, share = _distance(rough, fine)
    assert 0 < mean <= 3
    assert share <= 0.02


@pytest.mark.parametrize("path", WEBP, ids=lambda path: path.name)
def test_a_decode_is_rough_only_where_a_downscale_hides_it(path: Path) -> None:
    source = _source(path)
    width = _core.inspect(source, {"output": "pixels"})["width"]

    def is_rough(part: float, shrink: str) -> bool:
        request = {"steps": _resize(int(width / part)), "output": "pixels", "shrink": shrink}
        return "rough" in _core.explain(source, request)

    assert is_rough(2.2, "fast")
    assert not is_rough(1.5, "fast")
    assert not is_rough(5.3, "exact")
    assert not is_rough(5.3, "safe"), "pixels hide nothing"


@pytest.mark.skipif("webp" not in FORMATS, reason="built without WebP")
def test_a_lossless_file_is_never_decoded_roughly() -> None:
    source = _source(oracle.DATA / "webp" / "lossless-icc-exif-xmp.webp")
    request = {"steps": _resize(40), "output": "pixels", "shrink": "fast"}
    assert "rough" not in _core.explain(source, request)
