"""trim() and position="attention": steps whose numbers are in the pixels."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import process
import pytest

import lazyimage as li

PAGE = (250, 250, 245)


def _page(width: int, height: int, box: tuple[int, int, int, int], channels: int = 3) -> np.ndarray:
    """Noise in a frame of one colour: left, top, width, height of the noise."""
    samples = np.empty((height, width, channels), np.uint8)
    samples[:] = PAGE[0] if channels == 1 else PAGE[:channels]
    left, top, wide, high = box
    noise = np.random.default_rng(3).integers(0, 180, (high, wide, channels))
    samples[top : top + high, left : left + wide] = noise
    return samples


def _found(text: str) -> tuple[int, ...]:
    """The part of a JPEG that a plan decodes: width, height, x, y."""
    found = re.search(r"region (\d+)x(\d+)\+(\d+)\+(\d+)", text)
    assert found, text
    return tuple(int(number) for number in found.groups())


# --- trim ----------------------------------------------------------------------------


@pytest.mark.parametrize("box", [(10, 20, 30, 40), (0, 5, 100, 1), (99, 0, 1, 1), (0, 0, 1, 80)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_border_is_cut_off(box: tuple[int, int, int, int], channels: int) -> None:
    samples = _page(100, 80, box, channels)
    left, top, wide, high = box
    if (left, top) == (0, 0):  # the upper left pixel is the border
        samples = samples[:, ::-1].copy()
        left = 100 - wide
    trimmed = np.asarray(li.Engine.from_pixels(samples).trim().to_pixels())
    assert np.array_equal(trimmed, samples[top : top + high, left : left + wide])


def test_the_threshold_is_of_levels_of_each_channel() -> None:
    samples = np.full((30, 40, 3), 100, np.uint8)
    samples[10:20, 5:35, 1] = 112
    engine = li.Engine.from_pixels(samples)
    assert engine.trim(11).to_pixels().shape == (10, 30, 3)
    assert engine.trim(12).to_pixels().shape == (30, 40, 3)  # all border: it stays
    assert engine.trim().to_pixels().shape == (10, 30, 3)


def test_what_is_nothing_but_border_stays() -> None:
    engine = li.Engine.from_pixels(np.full((7, 9, 4), 33, np.uint8))
    assert engine.trim().to_buffer("png").open().dimensions() == (9, 7)


def test_colours_under_no_alpha_are_border() -> None:
    samples = np.zeros((20, 20, 4), np.uint8)
    samples[:, :, :3] = np.random.default_rng(1).integers(0, 255, (20, 20, 3))
    samples[4:9, 6:15, 3] = 255
    assert li.Engine.from_pixels(samples).trim().to_pixels().shape == (5, 9, 4)


def test_steps_before_and_after_are_done_in_their_order() -> None:
    samples = _page(100, 80, (10, 20, 31, 41))
    engine = li.Engine.from_pixels(samples)
    chain = engine.crop(5, 0, 95, 80).rotate(180).trim().resize(20, 20, fit="fill").trim()
    turned = samples[::-1, :4:-1]
    rows = np.flatnonzero((np.abs(turned.astype(int) - PAGE) > 10).any(axis=(1, 2)))
    columns = np.flatnonzero((np.abs(turned.astype(int) - PAGE) > 10).any(axis=(0, 2)))
    cut = turned[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert cut.shape == (41, 31, 3)
    want = li.Engine.from_pixels(np.ascontiguousarray(cut)).resize(20, 20, fit="fill").trim()
    assert np.array_equal(np.asarray(chain.to_pixels()), np.asarray(want.to_pixels()))


def test_a_deep_picture_is_looked_at_in_16_bits() -> None:
    """Through the steps before it, and whatever the output keeps."""
    y, x = np.mgrid[0:60, 0:80]
    inside = np.minimum(np.minimum(x, 79 - x), np.minimum(y, 59 - y))
    engine = li.Engine.from_pixels((inside * 60 + 1000).astype(np.uint16)).gamma(2.2)
    shape = engine.trim(0).to_pixels(dtype="uint16").shape
    assert shape == engine.decoded().trim(0).to_pixels(dtype="uint16").shape == (58, 78, 1)
    assert engine.trim(0).to_pixels().shape == (58, 78, 1)
    data = bytes(li.Engine.from_pixels((inside * 60 + 1000).astype(np.uint16)).to_buffer("png"))
    assert li.Engine.from_bytes(data).gamma(2.2).trim(0).to_buffer("jpeg").width == 78


@pytest.mark.parametrize("channels", [1, 3])
def test_a_threshold_counts_in_levels_of_8_bits(channels: int) -> None:
    samples = np.full((9, 9, channels), 20000, np.uint16)
    samples[4, 2, -1] += 300  # 1.17 levels
    engine = li.Engine.from_pixels(samples)
    assert engine.trim(1).to_pixels().shape == (1, 1, channels)
    assert engine.trim(2).to_pixels().shape == (9, 9, channels)  # all border: it stays
    samples[4, 2, -1] = 20100
    assert li.Engine.from_pixels(samples).trim(0).to_pixels().shape == (1, 1, channels)
    assert li.Engine.from_pixels(samples).trim(1).to_pixels().shape == (9, 9, channels)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A scan: a JPEG with a border."""
    path = tmp_path / "page.jpg"
    samples = _page(400, 300, (60, 40, 250, 200))
    li.Engine.from_pixels(samples).blur(2).to_file(path, quality=95, durable=False)
    return path


def test_every_way_out_gives_the_same_picture(page: Path, tmp_path: Path) -> None:
    engine = li.Engine.from_path(page).trim().resize(64)
    want = bytes(engine.to_buffer("png"))
    width, height, x, y = _found(li.Engine.from_path(page).trim().explain())
    assert 250 <= width <= 280 and 200 <= height <= 230 and 45 <= x <= 60 and 25 <= y <= 40
    cropped = li.Engine.from_path(page).crop(x, y, width, height).resize(64)
    assert want == bytes(cropped.to_buffer("png"))
    assert want == bytes(asyncio.run(engine.to_buffer_async("png")))
    engine.to_file(tmp_path / "out.png")
    assert want == (tmp_path / "out.png").read_bytes()
    assert want == bytes(engine.recipe.open(page.read_bytes()).to_buffer("png"))
    (outcome,) = li.process_batch([page], tmp_path / "batch", engine.recipe, format="png")
    assert outcome.ok and want == (tmp_path / "batch" / "page.png").read_bytes()


def test_many_outputs_share_looks_and_decode(page: Path) -> None:
    engine = li.Engine.from_path(page)
    wanted = [
        engine.trim().resize(40),
        engine.trim().resize(90),
        engine.resize(50),
        engine.crop(0, 0, 9000, 1).trim(),
        engine.resize(120, 120, fit="cover", position="attention"),
    ]
    outcomes = li.run([one.output(format="png") for one in wanted], workers=2)
    assert [outcome.ok for outcome in outcomes] == [True, True, True, False, True]
    assert outcomes[3].error.code == "E200"
    for outcome, one in zip(outcomes, wanted, strict=True):
        if outcome.ok:
            again = one.to_buffer("png", shrink="exact")
            assert outcome.result.width == again.width
            assert li.quality.psnr(outcome.result, again) > 40


def test_a_batch_within_its_budget_looks_within_it(page: Path) -> None:
    outputs = [li.Engine.from_path(page).trim(n).output(format="png") for n in range(5, 25)]
    need = outputs[0].engine.estimate("png")
    outcomes = li.run(outputs, workers=4, max_memory=need.peak_bytes + need.out_bytes)
    assert all(outcome.ok for outcome in outcomes)


def test_metrics_count_the_look(page: Path) -> None:
    encoded, metrics = li.Engine.from_path(page).trim().to_buffer_with_metrics("png")
    assert metrics.total_ms >= metrics.decode_ms + metrics.ops_ms + metrics.encode_ms
    assert metrics.steps in (("crop",), ())  # () where the decoder cuts
    estimate = li.Engine.from_path(page).trim().estimate("png")
    assert metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
    assert encoded.width < 300


def test_explain_tells_of_looks(page: Path) -> None:
    engine = li.Engine.from_path(page)
    assert "\nlook     1 before this, at most " in engine.trim().explain("png")
    twice = engine.trim().resize(50, 90, fit="cover", position="attention")
    assert "\nlook     2 before this" in twice.explain("jpeg")
    assert "look " not in engine.resize(50, 90, fit="cover").explain("jpeg")
    same = engine.resize(40, 30, fit="cover", position="attention")
    assert "look " not in same.explain("jpeg")  # nothing is cut off


def test_a_damaged_file_fails_in_the_look(page: Path) -> None:
    data = page.read_bytes()
    with pytest.raises(li.errors.DecodeError) as caught:
        li.Engine.from_bytes(data[: len(data) // 2]).trim().to_buffer("png")
    assert caught.value.code == "E132"


def test_limits_hold_for_a_look(page: Path) -> None:
    with pytest.raises(li.errors.LimitError) as caught:
        li.Engine.from_path(page).limits(max_memory=50_000).trim().to_buffer("png")
    assert caught.value.code == "E124"


def test_time_runs_while_it_looks(page: Path) -> None:
    engine = li.Engine.from_path(page).limits(timeout=1e-6).trim()
    with pytest.raises(li.errors.ImageTimeoutError):
        engine.to_buffer("png")
    (outcome,) = li.run([engine.output(format="png")])
    assert outcome.error.code == "E125"


# --- attention -----------------------------------------------------------------------


def _place(engine: li.Engine, width: int, height: int) -> np.ndarray:
    options: Any = {"fit": "cover", "position": "attention"}
    return np.asarray(engine.resize(width, height, **options).to_pixels(mode="RGB"))


@pytest.mark.parametrize("x", [10, 150, 290, 430, 540])
def test_the_window_is_where_something_is(x: int) -> None:
    """A face-coloured disc on a dull, uneven wall."""
    y, across = np.mgrid[0:200, 0:600]
    wall = (120 + 10 * np.sin(across / 90) + y / 20)[:, :, None].repeat(3, 2)
    disc = (across - x - 25) ** 2 + (y - 100) ** 2 < 25**2
    wall[disc] = (214, 160, 130)
    samples = wall.astype(np.uint8)
    found = _place(li.Engine.from_pixels(samples), 200, 200)
    skin = (np.abs(found.astype(int) - (214, 160, 130)) < 3).all(axis=2)
    assert skin.sum() >= 0.98 * disc.sum()
    middle = np.flatnonzero(skin.any(axis=0)).mean()
    if 80 < x < 500:
        assert abs(middle - 100) < 12  # and in the middle, where there is room


@pytest.mark.parametrize("turned", [False, True])
def test_text_on_an_empty_page_is_found(turned: bool) -> None:
    samples = np.full((100, 900, 3), 255, np.uint8)
    samples[30:70:4, 700:800] = 0
    if turned:
        samples = np.ascontiguousarray(samples.transpose(1, 0, 2))
    engine = li.Engine.from_pixels(samples)
    found = _place(engine, 100, 100)
    assert (found < 128).sum() > 0.95 * (samples < 128).sum()


def test_what_is_even_is_cut_evenly() -> None:
    engine = li.Engine.from_pixels(np.full((40, 120, 3), 90, np.uint8))
    centre = engine.resize(40, 40, fit="cover").explain()
    there = engine.resize(40, 40, fit="cover", position="attention").explain()
    drop = [line for line in there.splitlines() if not line.startswith(("look", "memory"))]
    assert drop == [line for line in centre.splitlines() if not line.startswith("memory")]


def test_the_place_does_not_depend_on_the_kernels() -> None:
    """Whole numbers: plain C and vectors look alike."""
    code = (
        "import sys, lazyimage as li; e = li.Engine.from_path(sys.argv[1]); "
        "print(e.resize(40, 90, fit='cover', position='attention').explain())"
    )
    photograph = str(oracle.DATA / "jpeg" / "420.jpg")
    said = {
        subprocess.run(
            [sys.executable, "-c", code, photograph],
            env={**os.environ, "LAZYIMAGE_SIMD": name},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("scalar", "")
    }
    assert len(said) == 1


def test_attention_is_of_cover_alone() -> None:
    with pytest.raises(li.errors.InvalidArgumentError) as caught:
        li.Recipe().resize(3, 4, fit="contain", position="attention")
    assert caught.value.code == "E400"
    recipe = li.Recipe().resize(3, 4, fit="cover", position="attention")
    assert li.Recipe.from_json(recipe.to_json()) == recipe
    assert repr(recipe) == 'Recipe().resize(3, 4, fit="cover", position="attention")'


PHOTOGRAPHS = {
    "CID22/CID22-512/training/2119713.png": (0.33, 0.70),  # an orange house among gray ones
    "CID22/CID22-512/training/3311574.png": (0.12, 0.50),  # the front of a car, coming
    "CID22/CID22-512/training/670530.png": (0.14, 0.32),  # a statue before clouds
}
"""Where across the picture the eye goes, as a person has marked it."""


@pytest.mark.corpus
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_window_has_what_the_eye_goes_to(name: str, corpus: list[oracle.Entry]) -> None:
    """In half of the picture's width."""
    (file,) = [entry.file for entry in corpus if entry.path.endswith(name)]
    picture = li.Engine.from_path(file).resize(480).decoded()
    width, height = picture.dimensions()
    kept = width // 2
    plan = picture.resize(kept, height, fit="cover", position="attention").explain()
    x = int(re.findall(r"crop +\+(\d+)\+", plan)[0])
    left, right = PHOTOGRAPHS[name]
    assert x / width <= left and (x + kept) / width >= right


# --- what they cost ------------------------------------------------------------------

LARGE, LOGO = 'li.Engine.from_path("large.png")', 'li.Engine.from_path("logo.png")'
DEEP = 'li.Engine.from_path("deep.png")'
CHAINS = (
    f'{LARGE}.overlay({LOGO}, position="top").explain("png")',
    f'{LARGE}.overlay({LOGO}.resize(90), tile=True).explain("png")',
    f'{LARGE}.overlay({LOGO}, tile=True, opacity=0.5).explain("jpeg")',
    f'{LOGO}.overlay({LARGE}.trim().overlay({LOGO}.blur(3))).explain("png")',
    f'{DEEP}.overlay({LOGO}, tile=True).explain("png")',
    f'{DEEP}.overlay({DEEP}.resize(90), tile=True).explain("png")',
    f'{LOGO}.overlay({DEEP}.resize(400), opacity=0.5).explain("png")',
    f'{DEEP}.gamma(2.2).resize(300).sharpen(1).explain("jpeg")',
    f'{DEEP}.trim().resize(300).explain("png")',
    f'{LARGE}.trim().resize(300).explain("png")',
    f'{LARGE}.rotate(90).trim().explain("jpeg")',
    f'{LARGE}.resize(300, 900, fit="cover", position="attention").explain("jpeg")',
    f'{LARGE}.trim().resize(90, 300, fit="cover", position="attention").explain("png")',
    f'{LARGE}.explain("png", palette=True)',
    f'{LOGO}.explain("png", palette=16, dither=False, compression=9)',
    f'{LARGE}.explain("png", interlace=True)',
    f'{LARGE}.grayscale().explain("png", bit_depth=2, interlace=True)',
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a picture of 3 MP that has a border, and two of 1.2 MP with alpha."""
    directory = tmp_path_factory.mktemp("large")
    y, x = np.mgrid[0:1500, 0:2000].astype(np.float32)
    waves = [127 + 60 * np.sin(y / (31 + n)) + 60 * np.cos(x / (23 + n)) for n in range(4)]
    samples = np.dstack(waves).clip(0, 255).astype(np.uint8)
    framed = li.Engine.from_pixels(np.ascontiguousarray(samples[:, :, :3])).pad(30, 30, 30, 30)
    framed.to_file(directory / "large.png", compression=1, durable=False)
    logo = li.Engine.from_pixels(np.ascontiguousarray(samples[:1000, :1200]))
    logo.to_file(directory / "logo.png", compression=1, durable=False)
    deep = li.Engine.from_pixels(samples[:1000, :1200].astype(np.uint16) * 257)
    deep.to_file(directory / "deep.png", compression=1, durable=False)
    return directory


@pytest.mark.skipif(os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="its malloc is its own")
@pytest.mark.parametrize("chain", CHAINS)
def test_the_bound_covers_the_heap(chain: str, large: Path, metered: dict[str, str]) -> None:
    answer = process.run_fresh(
        "heap_of_chain", chain=chain, directory=str(large), environment=metered
    )
    assert answer["measured"] <= answer["foretold"]
    assert answer["measured"] > 50_000  # the meter counts
