"""max_bytes and min_ssim: what is found, what it costs, what it is called."""

import asyncio
import math
import random
import statistics
from types import SimpleNamespace

import numpy as np
import oracle
import pytest

import lazyimage as li
from lazyimage import curves, quality, search, target
from lazyimage.errors import (
    EncodeError,
    ImageTimeoutError,
    InvalidArgumentError,
    MemoryBudgetError,
)

FORMATS = ("jpeg", "webp", "avif")
FAST = {"jpeg": {}, "webp": {}, "avif": {"speed": 10}}
PHOTOGRAPHS = (
    *(
        f"imazen-codec-corpus/CID22/CID22-512/training/{name}.png"
        for name in ("110472", "1661950", "1938351", "2119713", "2666598", "3311574", "670530")
    ),
    "imazen-codec-corpus/CID22/CID22-512/training/Abstract-Art-1.png",
    "imazen-codec-corpus/CID22/CID22-512/training/pexels-photo-4177747.png",
    "imazen-codec-corpus/clic2025/validation/4cd6910a0b7b39365fda5df87618d091.png",
    "imazen-codec-corpus/clic2025/validation/60430844748882ff66b9a5598ef06dd6.png",
    *(f"imazen-codec-corpus/kodak/{name}.png" for name in (1, 13, 23, 5)),
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/Dragonfly_by_Bolly.jpg",
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "debian-mate-backgrounds/usr/share/backgrounds/mate/nature/Blinds.jpg",
    "elementary-wallpapers/backgrounds/Martin_Adams.jpg",
    "exif-orientation-examples/Landscape_1.jpg",
    "image-webp/tests/images/gallery1/3.webp",
    "image-webp/tests/images/gallery1/5.webp",
    "jpeg-decoder/tests/reftest/images/mjpeg.jpg",
    "link-u-avif/kimono.crop.avif",
    "debian-gnome-backgrounds/usr/share/backgrounds/gnome/wood-l.webp",
    "pillow/Tests/images/iptc.jpg",
    "pillow/Tests/images/junk_jpeg_header.jpg",
    "pillow/Tests/images/sugarshack_ifd_offset.mpo",
    "serenity/Tests/LibGfx/test-inputs/jpg/several_scans_odd_number_mcu.jpg",
    "sharp/test/fixtures/alpha-layer-2-ink.jpg",
)
BUDGETS = (0.12, 0.3, 0.7)
"""Of what quality 90 takes."""


def picture(width=160, height=120, channels=3):
    """Waves and noise: something to lose at every quality."""
    noise = np.random.default_rng(5).integers(-25, 26, (height, width, 1))
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 127 + 50 * np.sin(rows / 9) + 50 * np.cos(columns / 13)
    whole = waves[..., None] + noise + 9 * np.arange(channels)
    return np.clip(whole, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def engine():
    return li.Engine.from_pixels(picture())


@pytest.fixture(scope="module")
def sizes(engine):
    """format → bytes at each quality."""
    return {
        format: {
            q: len(engine.to_buffer(format, q, **FAST[format]))
            for q in target.levels_of(format, 1, 100)
        }
        for format in FORMATS
    }


# --- the search ----------------------------------------------------------------------


def last_within(model, goal, measure):
    """What the trials come to."""
    asking, value = search.trials(model, goal), None
    while True:
        try:
            index = asking.send(value)
        except StopIteration as end:
            return end.value
        value = measure(index)


def test_a_search_finds_the_last_level_within_whatever_the_model_says():
    chance = random.Random(7)
    for _ in range(500):
        count = chance.randrange(1, 101)
        truth = sorted(chance.uniform(0, 5) for _ in range(count))
        model = sorted(chance.uniform(-3, 9) for _ in range(count))
        goal = chance.uniform(-0.5, 5.5)
        asked = []

        def measure(index, truth=truth, asked=asked):
            asked.append(index)
            return truth[index]

        found = last_within(model, goal, measure)
        within = sum(value <= goal for value in truth)
        assert found == (within - 1 if within else None)
        assert len(set(asked)) == len(asked), "asked twice"
        assert len(asked) <= 5 + 7 + 5


def test_a_model_that_is_right_is_proved_by_two_trials():
    model = [index / 10 for index in range(100)]
    asked = []
    found = last_within(model, 5.05, lambda index: asked.append(index) or model[index])
    assert (found, asked) == (50, [50, 51])


def test_a_picture_that_is_steeper_or_heavier_than_the_model_takes_few_trials():
    model = [index / 30 for index in range(100)]
    for slope in (0.6, 1.0, 1.7):
        for shift in (-1.0, 0.5, 1.5):
            asked = []
            truth = [slope * value + shift for value in model]
            last_within(
                model, 2.0, lambda index, asked=asked, truth=truth: asked.append(0) or truth[index]
            )
            assert len(asked) <= 5


def test_the_curves_do_not_fall_and_are_nought_at_75():
    for measured, sign in ((curves.BYTES_CURVES, 1), (curves.LOSS_CURVES, -1)):
        for curve in measured.values():
            values = [sign * curves.on_curve(curve, q) for q in range(1, 101)]
            assert values == sorted(values)
            assert curves.on_curve(curve, 75) == pytest.approx(0, abs=0.02)


def test_avif_has_64_levels_and_qualities_of_one_level_are_one_file(engine):
    levels = target.levels_of("avif", 1, 100)
    assert len(levels) == 63  # quantizer 63 is quality 0
    assert target.levels_of("avif", 50, 50) == [50]
    low, high = levels[20] + 1, levels[21]
    if low == high:
        low, high = levels[21] + 1, levels[22]
    assert low < high
    one, other = (engine.to_buffer("avif", q, speed=9).to_bytes() for q in (low, high))
    assert one == other


# --- max_bytes -----------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_the_highest_quality_that_fits_is_found(engine, sizes, format):
    table = sizes[format]
    for share in (0.02, 0.2, 0.5, 0.95):
        budget = int(min(table.values()) + share * (max(table.values()) - min(table.values())))
        encoded = engine.to_buffer(format, max_bytes=budget, **FAST[format])
        fitting = [q for q, size in table.items() if size <= budget]
        assert len(encoded) <= budget
        assert encoded.budget_met
        assert encoded.search == li.Search(
            budget_met=True, encodes=encoded.search.encodes, ssim=None
        )
        assert len(encoded) == table[encoded.quality]
        after = [q for q in table if q > encoded.quality]
        assert not after or table[after[0]] > budget
        assert table[max(fitting)] * 0.96 <= len(encoded), "within 4 % of the best"


@pytest.mark.parametrize("format", FORMATS)
def test_a_budget_with_room_takes_the_highest_quality_at_once(engine, format):
    encoded = engine.to_buffer(format, max_bytes=10**8, **FAST[format])
    assert (encoded.quality, encoded.search.encodes) == (100, 1)
    assert engine.to_buffer(format, max_bytes=10**8, max_quality=60).quality == 60


@pytest.mark.parametrize("format", FORMATS)
def test_a_budget_that_is_too_small_gives_the_smallest_and_says_so(engine, sizes, format):
    encoded = engine.to_buffer(format, max_bytes=50, **FAST[format])
    assert encoded.quality == min(sizes[format])
    assert len(encoded) == sizes[format][encoded.quality]
    assert encoded.budget_met is False
    with pytest.raises(EncodeError, match="max_bytes=50 cannot be met") as caught:
        engine.to_buffer(format, max_bytes=50, strict=True, **FAST[format])
    assert caught.value.code == "E300"
    assert f"{len(encoded)} bytes" in str(caught.value)


def test_where_bytes_do_not_grow_one_of_the_next_qualities_may_fit():
    sizes = {1: 612, 2: 624, 3: 532, 4: 524, **dict.fromkeys(range(5, 101), 700)}
    tried = {}

    def encode(quality):
        tried[quality] = sizes[quality]
        return bytes(sizes[quality])
        yield

    held = SimpleNamespace(
        asked=SimpleNamespace(format="webp"),
        raw={"width_out": 40, "height_out": 30},
        tried=tried,
        encode=encode,
        drop_but=lambda *qualities: None,
    )
    for budget, expected in ((597, 3), (500, None), (100, None)):
        tried.clear()
        with pytest.raises(StopIteration) as end:
            next(target.largest_that_fits(held, list(range(1, 101)), budget))
        assert end.value.value == expected
        assert len(tried) <= 18
    assert 2 not in tried  # far over: it is not worth a trial


def test_the_range_of_qualities_is_kept(engine, sizes):
    budget = sizes["webp"][50]
    assert engine.to_buffer("webp", max_bytes=budget, max_quality=40).quality == 40
    encoded = engine.to_buffer("webp", max_bytes=budget, min_quality=70)
    assert (encoded.quality, encoded.budget_met) == (70, False)
    assert engine.to_buffer("webp", max_bytes=budget, min_quality=50, max_quality=50).budget_met


def test_the_result_decodes_and_options_reach_the_encoder(engine):
    plain = engine.to_buffer("jpeg", max_bytes=6000, subsampling="4:4:4")
    assert plain.open().info.variant.endswith("4:4:4")
    assert np.asarray(plain.open().to_pixels()).shape == (120, 160, 3)


def test_steps_run_once_and_are_in_the_metrics(tmp_path):
    li.Engine.from_pixels(picture(320, 240)).to_file(tmp_path / "a.png")
    engine = li.open(tmp_path / "a.png").rotate(90).resize(60)
    encoded, metrics = engine.to_buffer_with_metrics("webp", max_bytes=1500)
    assert (encoded.width, encoded.height) == (60, 80)
    assert (metrics.width_in, metrics.height_in, metrics.format_in) == (320, 240, "png")
    assert metrics.bytes_in == (tmp_path / "a.png").stat().st_size
    assert metrics.bytes_out == len(encoded)
    assert "resize" in metrics.steps
    assert metrics.decode_ms > 0 and metrics.encode_ms > 0
    assert metrics.total_ms >= metrics.decode_ms + metrics.ops_ms + metrics.encode_ms - 0.001
    assert set(metrics.fields()) == set(engine.to_buffer("webp").metrics.fields())


def test_a_file_is_written_whole_with_its_search(engine, tmp_path):
    path = tmp_path / "a.webp"
    written = engine.to_file(path, max_bytes=3000)
    assert path.stat().st_size == written.bytes_written <= 3000
    assert written.budget_met and written.search.encodes > 0
    with open(tmp_path / "b", "wb") as file:
        again = engine.to_file(file, "webp", max_bytes=3000)
    assert (tmp_path / "b").read_bytes() == path.read_bytes()
    assert (again.path, again.quality) == (None, written.quality)
    with pytest.raises(EncodeError):
        engine.to_file(tmp_path / "c.webp", max_bytes=10, strict=True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.webp", "b"]
    assert engine.to_buffer("webp").budget_met is None
    assert engine.to_file(tmp_path / "d.webp").search is None


def test_the_parity_names_are_the_same_search(engine, tmp_path):
    one = engine.to_buffer("jpeg", max_bytes=5000, max_quality=70)
    two = engine.to_buffer_target_bytes("jpeg", 5000, max_quality=70)
    assert one.to_bytes() == two.to_bytes()
    file = engine.to_file_target_bytes(tmp_path / "a.jpg", max_bytes=5000, max_quality=70)
    assert (tmp_path / "a.jpg").read_bytes() == one.to_bytes()
    assert file.quality == one.quality
    assert one.save(tmp_path / "b.jpg").search == one.search


def test_alpha_is_laid_over_the_background_once(tmp_path):
    rgba = np.dstack([picture(), np.tile(np.arange(160, dtype=np.uint8), (120, 1))])
    engine = li.Engine.from_pixels(rgba)
    encoded = engine.to_buffer("jpeg", max_bytes=9000, background="#ff0000")
    plain = engine.to_buffer("jpeg", encoded.quality, background="#ff0000")
    assert encoded.to_bytes() == plain.to_bytes()
    assert engine.to_buffer("webp", max_bytes=30000).open().info.has_alpha


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("format", FORMATS)
def test_every_layout_is_the_same_file_as_without_a_search(channels, format):
    engine = li.Engine.from_pixels(picture(channels=channels))
    encoded = engine.to_buffer(format, min_ssim=0.9, **FAST[format])
    plain = engine.to_buffer(format, encoded.quality, **FAST[format])
    assert encoded.to_bytes() == plain.to_bytes()


# --- min_ssim ------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("least", [0.8, 0.95, 0.985])
def test_the_similarity_is_met_and_two_qualities_less_would_miss_it(engine, format, least):
    encoded = engine.to_buffer(format, min_ssim=least, **FAST[format])
    assert encoded.budget_met
    reached = quality.ssim(engine, encoded)
    assert reached >= least
    assert encoded.search.ssim == pytest.approx(reached, abs=1e-9)
    if encoded.quality > 2:
        lower = engine.to_buffer(format, encoded.quality - 2, **FAST[format])
        assert quality.ssim(engine, lower) < least


def test_a_similarity_that_cannot_be_had_gives_the_best(engine):
    encoded = engine.to_buffer("jpeg", min_ssim=1.0, max_quality=80)
    assert (encoded.quality, encoded.budget_met) == (80, False)
    assert encoded.search.ssim < 1
    with pytest.raises(EncodeError, match=r"min_ssim=1 cannot be met .* SSIM 0\.9"):
        engine.to_buffer("jpeg", min_ssim=1.0, strict=True)


def test_alpha_is_compared_as_it_shows():
    rgba = np.dstack([picture(), np.full((120, 160), 255, np.uint8)])
    rgba[:60, :, 3] = 0
    engine = li.Engine.from_pixels(rgba)
    encoded = engine.to_buffer("jpeg", min_ssim=0.9, background="white")
    flat = rgba[..., :3].copy()
    flat[:60] = 255
    assert quality.ssim(flat, encoded) >= 0.9
    assert engine.to_buffer("webp", min_ssim=0.9).budget_met


def test_both_together_keep_the_bytes_and_tell_what_was_missed(engine, sizes):
    free = engine.to_buffer("jpeg", min_ssim=0.9)
    both = engine.to_buffer("jpeg", min_ssim=0.9, max_bytes=len(free))
    assert (both.quality, both.budget_met) == (free.quality, True)
    tight = engine.to_buffer("jpeg", min_ssim=0.9, max_bytes=len(free) - 1)
    assert len(tight) < len(free) and tight.budget_met is False
    assert 0 < tight.search.ssim < 0.9
    with pytest.raises(EncodeError, match=r"max_bytes=.* and min_ssim=0\.9 cannot"):
        engine.to_buffer("jpeg", min_ssim=0.9, max_bytes=len(free) - 1, strict=True)
    nothing = engine.to_buffer("jpeg", min_ssim=0.9, max_bytes=10)
    assert (nothing.quality, nothing.budget_met) == (1, False)


# --- what is refused -----------------------------------------------------------------


def test_arguments_are_checked(engine):
    wrong = [
        ({"max_bytes": 0}, "max_bytes=0"),
        ({"min_ssim": 0}, "min_ssim=0"),
        ({"min_ssim": 1.1}, "min_ssim=1.1"),
        ({"max_bytes": 9, "min_quality": 0}, "min_quality=0"),
        ({"max_bytes": 9, "min_quality": 60, "max_quality": 50}, "not a range"),
        ({"max_bytes": 9, "max_quality": 101}, "not a range"),
        ({"min_quality": 5}, "min_quality is there for"),
        ({"strict": True}, "strict is there for"),
        ({"max_bytes": 9, "quality": 80}, "search for it"),
    ]
    for options, words in wrong:
        with pytest.raises(InvalidArgumentError, match=words) as caught:
            engine.to_buffer("webp", **options)
        assert caught.value.code == "E400"
    for options in ({"max_bytes": "9"}, {"min_ssim": "9"}, {"max_bytes": 9, "strict": 1}):
        with pytest.raises(TypeError):
            engine.to_buffer("webp", **options)
    with pytest.raises(TypeError, match="colour"):
        engine.to_buffer("webp", max_bytes=9, colour=1)
    with pytest.raises(InvalidArgumentError, match="png is lossless"):
        engine.to_buffer("png", max_bytes=9000)
    with pytest.raises(InvalidArgumentError, match="lossless webp"):
        engine.to_buffer("webp", max_bytes=9000, lossless=True)


# --- memory and time -----------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("goal", [{"max_bytes": 20000}, {"min_ssim": 0.97}])
def test_the_estimate_covers_the_peak(format, goal, tmp_path):
    li.Engine.from_pixels(picture(640, 480)).to_file(tmp_path / "a.png")
    engine = li.open(tmp_path / "a.png")
    goal = {**goal, **FAST[format]}
    estimate = engine.estimate(format, **goal)
    metrics = engine.to_buffer(format, **goal).metrics
    assert metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
    assert metrics.peak_bytes > 640 * 480 * 3
    assert estimate.peak_bytes == metrics.planned_bytes
    assert estimate.peak_bytes > engine.estimate(format, **FAST[format]).peak_bytes
    text = engine.explain(format, **goal)
    assert f"at most {estimate.peak_bytes} bytes" in text and "quality 1 to 100" in text


@pytest.mark.skipif("avif" not in li.features(), reason="a build without AVIF")
@pytest.mark.parametrize("goal", [{"max_bytes": 2500}, {"min_ssim": 0.97}], ids=str)
def test_a_deep_picture_is_as_deep_as_without_a_search(goal):
    samples = li.Engine.from_pixels(np.asarray(picture()).astype(np.uint16) * 257 + 77)
    avif = samples.to_buffer("avif", 90, bit_depth=12).to_bytes()
    for source, bits in ((samples, 10), (li.Engine.from_bytes(avif), 12)):
        for options, depth in (({}, bits), ({"bit_depth": 8}, 8), ({"bit_depth": 12}, 12)):
            found = source.to_buffer("avif", **goal, **options)
            assert li.Engine.from_bytes(found).info.bit_depth == depth
            plain = source.to_buffer("avif", found.quality, **options)
            assert found.to_bytes() == plain.to_bytes()
            estimate = source.estimate("avif", **goal, **options)
            assert found.metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
        many = li.run([source.output(format="avif", **goal)], on_error="raise")
        assert li.Engine.from_bytes(many[0].result).info.bit_depth == bits


def test_a_search_keeps_the_memory_limit_and_tells_beforehand(tmp_path):
    li.Engine.from_pixels(picture(640, 480)).to_file(tmp_path / "a.png")
    engine = li.open(tmp_path / "a.png")
    estimate = engine.estimate("jpeg", max_bytes=20000)
    need = estimate.peak_bytes + estimate.out_bytes
    assert engine.limits(max_memory=need).to_buffer("jpeg", max_bytes=20000).budget_met
    with pytest.raises(MemoryBudgetError, match=f"{need} bytes"):
        engine.limits(max_memory=need - 1).to_buffer("jpeg", max_bytes=20000)


def test_the_timeout_is_for_the_whole_search(engine):
    with pytest.raises(ImageTimeoutError):
        engine.resize(1500).limits(timeout=0.1).to_buffer("avif", max_bytes=20000, speed=2)
    assert engine.limits(timeout=60).to_buffer("jpeg", max_bytes=5000).budget_met


def test_limits_of_the_source_are_not_those_of_the_frame(tmp_path):
    li.Engine.from_pixels(picture()).to_file(tmp_path / "a.png")
    engine = li.open(tmp_path / "a.png").sanitize("strict").limits(formats=["png"], max_side=200)
    assert engine.resize(300).to_buffer("jpeg", max_bytes=20000).width == 300
    with pytest.raises(li.LimitError):
        engine.limits(max_side=100).to_buffer("jpeg", max_bytes=20000)


def test_cancelling_reaches_a_search_and_a_preset(engine):
    async def cancelled(**options):
        task = asyncio.create_task(engine.resize(1500).to_buffer_async("avif", **options))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return True

    assert asyncio.run(cancelled(max_bytes=20000, speed=8))
    flag = li._core.Cancel()
    flag.set()
    for options in ({"preset": "thumbnail"}, {"preset": "hero", "max_bytes": 20000}):
        with pytest.raises(li.CancelledError):
            engine._flagged(flag).to_buffer(**options)
    with pytest.raises(li.CancelledError):
        engine._flagged(flag).to_buffer("webp", max_bytes=20000)


# --- photographs ---------------------------------------------------------------------


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_thirty_photographs_and_three_budgets(format):
    """Never over, the next quality does not fit, at most 5 encodes in the median."""
    assert len(set(PHOTOGRAPHS)) == 30
    side = 192 if format == "avif" else 400
    encodes = []
    for name in PHOTOGRAPHS:
        engine = li.open(oracle.corpus_directory() / name).resize(side, side).decoded()
        full = len(engine.to_buffer(format, 90))
        for share in BUDGETS:
            budget = int(full * share)
            encoded = engine.to_buffer(format, max_bytes=budget)
            encodes.append(encoded.search.encodes)
            if not encoded.budget_met:
                assert encoded.quality == target.levels_of(format, 1, 100)[0]
                continue
            assert len(encoded) <= budget
            levels = target.levels_of(format, 1, 100)
            later = [q for q in levels if q > encoded.quality][:6]
            fitting = [len(engine.to_buffer(format, q)) for q in later]
            assert not fitting or fitting[0] > budget, (name, share)
            best = max([len(encoded), *(size for size in fitting if size <= budget)])
            assert len(encoded) >= 0.96 * best, (name, share)
    print(f"{format}: encodes median {statistics.median(encodes)}, max {max(encodes)}")
    assert statistics.median(encodes) <= 5


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_photographs_reach_their_similarity(format):
    side = 160 if format == "avif" else 300
    for name in PHOTOGRAPHS[::3]:
        engine = li.open(oracle.corpus_directory() / name).resize(side, side).decoded()
        for least in (0.93, 0.98):
            encoded = engine.to_buffer(format, min_ssim=least)
            if not encoded.budget_met:
                assert encoded.quality == 100 and encoded.search.ssim < least
                continue
            assert quality.ssim(engine, encoded) >= least
            if encoded.quality > 2:
                lower = engine.to_buffer(format, encoded.quality - 2)
                assert quality.ssim(engine, lower) < least, (name, least)
            assert not math.isnan(encoded.search.ssim)
