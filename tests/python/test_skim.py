"""The skim decoder in whole jobs: when the plan takes it, and how near its pictures are."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from PIL import Image

from lazyimage import _core

NO_PLANES, NO_SKIM = 32, 64
"""LI_NO_PLANES and LI_NO_SKIM of engine/plan.h."""
WIDTH, HEIGHT = 1603, 1201


def _picture(mode: str) -> Image.Image:
    """Slow waves, edges and a little noise, in colours that differ."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(5).integers(-12, 13, (HEIGHT, WIDTH, 3))
    waves = [np.sin(x / 90 + c) * np.cos(y / (70 + 9 * c)) * 80 + 120 for c in range(3)]
    edges = ((x // 160 + y // 120) % 2 * 40)[..., None]
    samples = np.clip(np.stack(waves, -1) + edges + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(samples).convert(mode)


def _source(mode: str = "RGB", **options: Any) -> _core.Source:
    out = io.BytesIO()
    _picture(mode).save(out, "jpeg", **{"quality": 85, "subsampling": "4:2:0", **options})
    return _core.Source.from_buffer(out.getvalue())


def _request(width: int, **more: Any) -> dict[str, Any]:
    steps = (("resize", width, 0, "inside", "lanczos3", True),)
    return {"steps": steps, "output": "pixels", "type": _core.Pixels, "shrink": "fast", **more}


def _pixels(source: _core.Source, request: dict[str, Any]) -> np.ndarray:
    return np.asarray(_core.run(source, request)[0]).astype(int)


def _decode_line(source: _core.Source, request: dict[str, Any]) -> str:
    return _core.explain(source, request).splitlines()[1]


KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "4:2:2": {"subsampling": "4:2:2"},
    "4:4:4": {"subsampling": "4:4:4"},
    "restart": {"restart_marker_blocks": 7},
    "gray": {"mode": "L"},
    "gray progressive": {"mode": "L", "progressive": True},
}


@pytest.mark.parametrize("width", [100, 201])  # at 1/8 and 2/8, all chroma used
@pytest.mark.parametrize("kind", KINDS)
def test_a_thumbnail_is_skimmed_and_near_what_libjpeg_gives(kind: str, width: int) -> None:
    source, request = _source(**KINDS[kind]), _request(width)
    assert "skimmed" in _decode_line(source, request)
    plain = request | {"rules_off": NO_SKIM}
    assert "skimmed" not in _decode_line(source, plain)
    apart = np.abs(_pixels(source, request) - _pixels(source, plain))
    assert apart.mean() <= 1.5
    assert (apart > 12).mean() <= 0.01


@pytest.mark.parametrize("kind", ["4:4:4", "gray", "gray progressive"])
def test_a_skimmed_quarter_is_nearer_to_the_truth(kind: str) -> None:
    """Against the exact resize, whole decode and all, of luma: where both decoders are given
    the same coefficients, cutting the rest off loses less than libjpeg's shorter transform."""
    source = _source(**KINDS[kind])
    exact = _pixels(source, _request(400, shrink="exact", mode="L"))
    assert "at 2/8" in (line := _decode_line(source, _request(400)))
    assert "skimmed" in line
    squares = [
        float(((_pixels(source, _request(400, mode="L", rules_off=off)) - exact) ** 2).mean())
        for off in (NO_PLANES, NO_PLANES | NO_SKIM)
    ]
    assert squares[0] <= squares[1] * 1.02


def test_what_shows_more_chroma_than_is_stored_is_not_skimmed() -> None:
    source = _source()
    assert "at 2/8" in (line := _decode_line(source, _request(202)))
    assert "skimmed" not in line  # 401 columns have 201 of chroma
    jpeg = {"output": "buffer", "type": _core.Encoded, "format": "jpeg", "quality": 80}
    assert "skimmed" in _decode_line(source, _request(202) | jpeg)
    full = jpeg | {"subsampling": "4:4:4"}
    assert "skimmed" not in _decode_line(source, _request(202) | full)


@pytest.mark.parametrize("width", [800, 1603])
def test_a_larger_picture_is_not_skimmed(width: int) -> None:
    assert "skimmed" not in _decode_line(_source(), _request(width))


def test_cmyk_is_not_skimmed() -> None:
    assert "skimmed" not in _decode_line(_source("CMYK"), _request(201))


def test_a_progressive_picture_is_held_in_a_fraction_of_the_memory() -> None:
    source = _source(progressive=True)
    skimmed = _core.estimate(source, _request(201))[0]
    whole = _core.estimate(source, _request(201, rules_off=NO_SKIM))[0]
    blocks = -(-WIDTH // 16) * -(-HEIGHT // 16) * 6
    assert whole - skimmed > blocks * (128 - 16) * 0.8


@pytest.mark.parametrize("cut", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["baseline", "progressive"])
@pytest.mark.parametrize("width", [100, 201])  # at 1/8 and 2/8, all chroma used
def test_a_truncated_file_is_refused(kind: str, cut: float, width: int) -> None:
    whole = io.BytesIO()
    _picture("RGB").save(whole, "jpeg", **KINDS[kind])
    data = whole.getvalue()
    source = _core.Source.from_buffer(data[: int(len(data) * cut)])
    with pytest.raises(Exception, match="ends") as caught:
        _core.run(source, _request(width))
    assert caught.value.code == "E132"  # type: ignore[attr-defined]


def test_shipped_photographs_are_near_what_libjpeg_gives() -> None:
    seen = 0
    for path in sorted((oracle.DATA / "jpeg").glob("*.jpg")):
        source = _core.Source.from_path(str(Path(path)).encode(), "auto")
        try:
            width = _core.inspect(source, {"output": "pixels"})["width"] // 9
            request = _request(max(width, 1))
            skimmed = "skimmed" in _decode_line(source, request)
            ours = _pixels(source, request)
            warnings = _core.run(source, request)[1]["warnings"]
        except Exception:
            continue  # damaged
        if not skimmed or any("do not complete" in words for words in warnings):
            continue  # what is incomplete is smoothed by libjpeg alone
        seen += 1
        apart = np.abs(ours - _pixels(source, request | {"rules_off": NO_SKIM}))
        assert apart.mean() <= 2.5, path.name
    assert seen >= 5
