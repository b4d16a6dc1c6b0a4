"""max_bytes and min_ssim as outputs of run(): the same files, within one budget, to an end."""

import io
import itertools
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import lazyimage as li
from lazyimage import _core
from lazyimage.errors import (
    CancelledError,
    EncodeError,
    ImageTimeoutError,
    InvalidArgumentError,
    MemoryBudgetError,
    WriteError,
)

GOALS = (
    ("jpeg", {"max_bytes": 3000}),
    ("webp", {"max_bytes": 3000}),
    ("jpeg", {"min_ssim": 0.95}),
    ("jpeg", {"max_bytes": 6000, "min_ssim": 0.9, "max_quality": 90}),
    ("avif", {"max_bytes": 3000, "speed": 10}),
)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Waves and noise, as a file: something to lose at every quality."""
    noise = np.random.default_rng(5).integers(-25, 26, (180, 240, 1))
    rows, columns = np.mgrid[0:180, 0:240]
    waves = 127 + 50 * np.sin(rows / 9) + 50 * np.cos(columns / 13)
    samples = np.clip(waves[..., None] + noise + 9 * np.arange(3), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("search") / "a.png"
    li.Engine.from_pixels(samples).to_file(path, durable=False)
    return path


def engine_of(path: Path) -> li.Engine:
    return li.Engine.from_path(path).resize(200)


def run_to_end(outputs, **options):
    """run(), which must come to an end."""
    answer: list = []
    thread = threading.Thread(target=lambda: answer.append(li.run(outputs, **options)), daemon=True)
    thread.start()
    thread.join(120)
    assert answer, "it stands still"
    return answer[0]


def need_of(output) -> int:
    asked = output.search()
    return asked.planned + asked.planned_out


@pytest.mark.parametrize(("format", "goal"), GOALS)
def test_it_is_what_to_buffer_finds(picture: Path, format: str, goal: dict) -> None:
    engine = engine_of(picture)
    alone = engine.to_buffer(format, **goal)
    (outcome,) = run_to_end([engine.output(format=format, **goal)])
    found = outcome.result
    assert bytes(found) == bytes(alone)
    assert (found.quality, found.search, found.budget_met) == (
        *(alone.quality, alone.search),
        alone.budget_met,
    )
    metrics = found.metrics
    assert metrics.planned_bytes == alone.metrics.planned_bytes
    assert metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes
    assert metrics.format_in == "png" and metrics.bytes_in == picture.stat().st_size
    assert metrics.encode_ms > 0


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("room", [0, 1, 1.5, 3, 20])
def test_many_searches_end_within_any_budget(picture: Path, workers: int, room: float) -> None:
    """Beside plain outputs, of one source and of several; room: in times of the largest."""
    engines = [engine_of(picture), li.Engine.from_bytes(picture.read_bytes()).resize(150)]
    outputs = [
        engine.output(format=format, **goal)
        for engine, (format, goal), _ in itertools.product(engines, GOALS[:3], range(3))
    ]
    outputs += [engine.output(format="jpeg", quality=q) for engine in engines for q in (20, 90)]
    budget = int(room * max(need_of(output) for output in outputs[:18]))
    outcomes = run_to_end(outputs, workers=workers, max_memory=budget)
    assert [outcome.error for outcome in outcomes] == [None] * len(outputs)
    for engine, part in ((engines[0], outcomes[:9]), (engines[1], outcomes[9:18])):
        for number, (format, goal) in enumerate(GOALS[:3]):
            expected = bytes(engine.to_buffer(format, **goal))
            same = part[3 * number : 3 * number + 3]
            assert all(bytes(outcome.result) == expected for outcome in same)


def test_one_that_is_larger_than_the_budget_is_refused_or_runs_alone(picture: Path) -> None:
    outputs = [engine_of(picture).output(format=f, **goal) for f, goal in GOALS[:3]]
    outputs.append(engine_of(picture).output(format="jpeg"))
    for outcome in run_to_end(outputs[:3], max_memory=100_000):
        assert isinstance(outcome.error, MemoryBudgetError)
    outcomes = run_to_end(outputs, max_memory=100_000, oversize="alone", workers=3)
    assert all(outcome.ok for outcome in outcomes)
    engine, limit = engine_of(picture), need_of(outputs[0]) - 1
    (outcome,) = run_to_end([engine.limits(max_memory=limit).output(format="jpeg", max_bytes=3000)])
    assert isinstance(outcome.error, MemoryBudgetError)
    assert "the search may need" in str(outcome.error)


def test_results_go_where_they_are_wanted(picture: Path, tmp_path: Path) -> None:
    engine, buffer = engine_of(picture), io.BytesIO()
    path = tmp_path / "small.jpg"
    outputs = [
        engine.output(path, max_bytes=3000),
        engine.output(buffer, "jpeg", max_bytes=3000),
        engine.output(tmp_path / "no" / "directory.jpg", max_bytes=3000),
    ]
    first, second, third = run_to_end(outputs, durable=True)
    assert path.read_bytes() == buffer.getvalue() and path.stat().st_size <= 3000
    assert first.result.path == os.fspath(path) and first.result.budget_met
    assert first.result.search == second.result.search
    assert isinstance(third.error, WriteError) and third.error.code == "E301"
    assert os.listdir(tmp_path) == ["small.jpg"]


def test_errors_are_outcomes(picture: Path) -> None:
    engine = engine_of(picture)
    unmet = engine.output(format="jpeg", max_bytes=50, strict=True)
    cut = li.Engine.from_bytes(picture.read_bytes()[:-3000]).output(format="jpeg", max_bytes=9000)
    late = engine.limits(timeout=1e-9).output(format="jpeg", max_bytes=3000)
    good = engine.output(format="jpeg", max_bytes=3000)
    outcomes = run_to_end([unmet, cut, late, good])
    assert isinstance(outcomes[0].error, EncodeError) and outcomes[0].error.code == "E300"
    assert outcomes[1].error.code == "E132"
    assert isinstance(outcomes[2].error, ImageTimeoutError)
    assert outcomes[3].ok
    with pytest.raises(EncodeError) as caught:
        li.run([unmet, good], on_error="raise", workers=1)
    assert len(caught.value.outcomes) == 2


def test_wrong_goals_are_refused_before_anything_is_read(tmp_path: Path, picture: Path) -> None:
    engine = engine_of(picture)
    for format, goal in (
        ("png", {"max_bytes": 1000}),
        ("jpeg", {"max_bytes": 0}),
        ("jpeg", {"min_quality": 5}),
        ("jpeg", {"min_ssim": 2}),
        ("webp", {"max_bytes": 1000, "lossless": True}),
    ):
        with pytest.raises(InvalidArgumentError):
            engine.output(format=format, **goal)
    with pytest.raises(InvalidArgumentError):
        engine.output(format="jpeg", quality=80, max_bytes=1000)
    with pytest.raises(InvalidArgumentError, match="never_larger"):
        engine.output(format="jpeg", max_bytes=1000, never_larger=True)


def test_a_preset_and_a_profile_are_searched_too(picture: Path) -> None:
    engine = li.Engine.from_path(picture)
    options = {"preset": "thumbnail", "profile": "size-first", "max_bytes": 2000}
    (outcome,) = run_to_end([engine.output(format="jpeg", **options)])
    assert bytes(outcome.result) == bytes(engine.to_buffer("jpeg", **options))


@pytest.mark.parametrize("after", [1, 4])
def test_cancel_ends_searches_that_have_begun(picture: Path, after: int) -> None:
    outputs = [engine_of(picture).output(format="webp", max_bytes=2000 + i) for i in range(40)]
    event, done = threading.Event(), []

    def see(outcome: li.Outcome) -> None:
        done.append(outcome)
        if len(done) == after:
            event.set()

    outcomes = run_to_end(outputs, cancel=event, on_outcome=see, workers=2)
    assert len(outcomes) == 40 == len(done)
    errors = [outcome.error for outcome in outcomes if not outcome.ok]
    assert errors and all(isinstance(error, CancelledError) for error in errors)


# --- on_outcome -------------------------------------------------------------------------


def test_each_outcome_is_told_at_once_in_the_thread_that_called(picture: Path) -> None:
    engine = engine_of(picture)
    outputs = [li.Engine.from_bytes(b"junk, no picture").output(format="png")]
    outputs += [engine.resize(20 + i).output(format="png") for i in range(5)]
    told, counts, threads = [], [], set()

    def see(outcome: li.Outcome) -> None:
        told.append(outcome)
        threads.add(threading.get_ident())

    def count(done: int, total: int) -> None:
        counts.append((done, total, len(told)))

    outcomes = li.run(outputs, on_outcome=see, progress=count, workers=2)
    assert sorted(outcome.index for outcome in told) == list(range(6))
    assert all(outcomes[outcome.index] is outcome for outcome in told)
    assert threads == {threading.get_ident()}
    assert counts == [(done, 6, done) for done in range(1, 7)]


def test_what_it_raises_stops_everything(picture: Path) -> None:
    def see(outcome: li.Outcome) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        li.run([engine_of(picture).output(format="png")] * 3, on_outcome=see)
    with pytest.raises(TypeError, match="on_outcome must be callable"):
        li.run([], on_outcome=3)


def test_a_batch_tells_its_outcomes(picture: Path, tmp_path: Path) -> None:
    told: list = []
    names = [picture, "gone.png", picture]
    outcomes = li.process_batch(
        names, tmp_path / "out", li.Recipe().resize(9), format="png", on_outcome=told.append
    )
    assert sorted(told, key=lambda outcome: outcome.index) == outcomes
    assert [outcome.ok for outcome in outcomes] == [True, False, True]


# --- the core ---------------------------------------------------------------------------


def test_bytes_stay_taken_until_they_are_given_back(picture: Path) -> None:
    """The second job that holds is run when the first one's bytes are free; one that is
    covered runs although none are."""
    source = _core.Source.from_buffer(picture.read_bytes())
    pixels = {"output": "pixels", "type": li.Pixels}
    holding = ({**pixels, "hold": 60_000_000},)
    units: list = []
    later: list = []
    log: list = []

    def feed():
        return units.pop(0) if units else None

    def settle(token, position, result, raw):
        assert raw is not None, result
        log.append((token, raw["kept"]))
        if token == "one":  # now, so that of two workers none can be quicker with it
            units.append(("two", source, holding))
        if later and token != "two":
            units.insert(0, later.pop())
            return None
        return 60_000_000  # of "one", when its last is done, and of "two"

    for workers in (1, 2):
        log.clear()
        units.append(("one", source, holding))
        later += [("covered", source, ({**pixels, "covered": True},)) for _ in range(3)]
        _core.run_many(feed, settle, lambda: False, _core.Cancel(), workers, 100_000_000, False)
        assert log == [
            ("one", 60_000_000),
            *[("covered", 0)] * 3,
            ("two", 60_000_000),
        ]


def test_a_unit_does_not_wait_for_bytes_that_it_keeps(picture: Path) -> None:
    source = _core.Source.from_buffer(picture.read_bytes())
    pixels = {"output": "pixels", "type": li.Pixels, "hold": 60_000_000}
    units, log = [("both", source, (pixels, pixels))], []

    def settle(token, position, result, raw):
        log.append((token, position, raw and raw["kept"]))
        if raw is None:
            assert result is None
            units.append(("again", source, (pixels,)))
            return None
        return raw["kept"]

    _core.run_many(
        lambda: units.pop() if units else None,
        *(settle, lambda: False, _core.Cancel(), 2, 100_000_000, False),
    )
    assert log == [
        ("both", 0, 60_000_000),
        ("both", 1, None),
        ("again", 0, 60_000_000),
    ]
