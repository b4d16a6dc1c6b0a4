"""run(): many outputs, in order, each with its result or its error."""

import asyncio
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import lazyimage as li


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows, columns = np.mgrid[0:600, 0:900]
    waves = 127 + 60 * np.sin(rows / 40) + 60 * np.cos(columns / 30)
    array = np.dstack([waves, waves[::-1], waves[:, ::-1]]).astype(np.uint8)
    path = tmp_path_factory.mktemp("run") / "photo.jpg"
    li.Engine.from_pixels(array).to_file(path, quality=90, durable=False)
    return path


@pytest.fixture
def engine(photo: Path) -> li.Engine:
    return li.Engine.from_path(photo)


def test_outcomes_come_in_the_order_of_the_outputs(engine: li.Engine, tmp_path: Path) -> None:
    target = io.BytesIO()
    outputs = [
        engine.resize(300).output(tmp_path / "a.jpg", quality=70),
        engine.resize(200).output(format="png"),
        engine.resize(100).output(target, "jpeg"),
        engine.resize(50).output(mode="L"),
    ]
    outcomes = li.run(outputs)
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
    assert all(outcome.ok and outcome.error is None for outcome in outcomes)
    assert [outcome.output for outcome in outcomes] == outputs
    written, encoded, to_object, pixels = (outcome.result for outcome in outcomes)
    assert (written.width, written.quality, written.bytes_written) == (
        300,
        70,
        (tmp_path / "a.jpg").stat().st_size,
    )
    assert isinstance(encoded, li.Encoded)
    assert (encoded.format, encoded.width) == ("png", 200)
    assert (to_object.path, to_object.bytes_written) == (None, len(target.getvalue()))
    assert isinstance(pixels, li.Pixels)
    assert pixels.shape == (33, 50, 1)


def test_nothing_in_gives_nothing_out() -> None:
    assert li.run([]) == []


def test_an_error_leaves_the_others_alone(engine: li.Engine, tmp_path: Path) -> None:
    gone = tmp_path / "gone.jpg"
    gone.write_bytes(b"nothing that is a picture")
    outcomes = li.run(
        [
            engine.crop(0, 0, 5000, 5000).output(format="png"),
            li.Engine.from_path(gone).output(format="png"),
            engine.output(tmp_path / "no" / "such" / "a.png"),
            engine.resize(10).output(format="png"),
        ]
    )
    assert [outcome.ok for outcome in outcomes] == [False, False, False, True]
    assert [getattr(outcome.error, "code", None) for outcome in outcomes] == [
        "E200",
        "E111",
        "E301",
        None,
    ]


def test_the_first_error_is_raised_on_demand(engine: li.Engine) -> None:
    with pytest.raises(li.InvalidArgumentError) as caught:
        li.run(
            [engine.output(format="png"), engine.crop(0, 0, 5000, 1).output(format="png")],
            on_error="raise",
            workers=1,
        )
    outcomes = caught.value.outcomes
    assert [outcome.error for outcome in outcomes if not outcome.ok][-1] is caught.value
    assert len(outcomes) == 2


def test_progress_is_told_in_this_thread(engine: li.Engine) -> None:
    told: list[tuple[int, int, int]] = []
    li.run(
        [engine.resize(width).output(format="jpeg") for width in (10, 20, 30)],
        progress=lambda done, total: told.append((done, total, threading.get_ident())),
    )
    here = threading.get_ident()
    assert told == [(1, 3, here), (2, 3, here), (3, 3, here)]


def test_an_exception_in_progress_ends_the_run(photo: Path) -> None:
    def progress(done: int, total: int) -> None:
        raise RuntimeError(f"{done} of {total}")

    outputs = [li.Engine.from_path(photo).resize(50).output(format="png") for _ in range(40)]
    with pytest.raises(RuntimeError, match="1 of 40"):
        li.run(outputs, progress=progress)


def test_cancel_stops_what_runs_and_what_waits(photo: Path) -> None:
    cancel = threading.Event()
    engines = [li.Engine.from_bytes(photo.read_bytes()) for _ in range(200)]
    outputs = [engine.output(format="png") for engine in engines]

    def progress(done: int, total: int) -> None:
        if done == 3:
            cancel.set()

    outcomes = li.run(outputs, workers=2, cancel=cancel, progress=progress)
    assert len(outcomes) == 200
    stopped = [outcome for outcome in outcomes if not outcome.ok]
    assert len(stopped) > 100
    assert {outcome.error.code for outcome in stopped} == {"E500"}


def test_a_quality_that_a_format_lacks_is_dropped(engine: li.Engine) -> None:
    output = engine.output(format="png", quality=80)
    assert output.quality is None
    assert li.run([output])[0].ok


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda engine: li.run([engine]), TypeError),
        (lambda engine: li.run([], workers=-1), li.InvalidArgumentError),
        (lambda engine: li.run([], max_memory="12 parsec"), li.InvalidArgumentError),
        (lambda engine: li.run([], oversize="x"), li.InvalidArgumentError),
        (lambda engine: li.run([], cancel=1), TypeError),
        (lambda engine: li.run([], progress=1), TypeError),
        (lambda engine: engine.output("a"), li.InvalidArgumentError),
        (lambda engine: engine.output(io.BytesIO()), li.InvalidArgumentError),
        (lambda engine: engine.output(quality=3), li.InvalidArgumentError),
        (lambda engine: engine.output(format="jpeg", lossless=True), li.InvalidArgumentError),
        (lambda engine: engine.output(format="jpeg", colour=1), TypeError),
    ],
)
def test_wrong_arguments_are_refused(engine: li.Engine, call, error) -> None:
    with pytest.raises(error):
        call(engine)


# --- one decode ------------------------------------------------------------------------


def psnr(a: li.Encoded, exact: li.Engine) -> float:
    """Of an output, to the picture that was to be encoded."""
    first, second = (np.asarray(x.to_pixels(mode="RGB")).astype(float) for x in (a.open(), exact))
    assert first.shape == second.shape
    error = ((first - second) ** 2).mean()
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def made_together(engine: li.Engine, workers: int = 0, **options: object) -> list[li.Encoded]:
    sizes = (60, 120, 240, 480, 900)
    outputs = [
        engine.resize(width).output(format=name, **options)
        for width in sizes
        for name in ("jpeg", "webp", "png")
    ]
    return [outcome.result for outcome in li.run(outputs, workers=workers, on_error="raise")]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_outputs_of_one_decode_are_as_if_alone(engine: li.Engine, workers: int) -> None:
    for encoded in made_together(engine, workers):
        alone = engine.resize(encoded.width).to_buffer(encoded.format)
        assert encoded.metrics.threads == 15
        if encoded.format == "png":
            assert bytes(encoded) == bytes(alone)
        else:
            exact = engine.resize(encoded.width).to_buffer("png").open()
            assert psnr(encoded, exact) > psnr(alone, exact) - 0.5, encoded


def test_exact_outputs_take_no_short_cut(engine: li.Engine) -> None:
    """Gray, because of colours a single output may go by planes."""
    gray = engine.grayscale()
    for encoded in made_together(gray, shrink="exact"):
        alone = gray.resize(encoded.width).to_buffer(encoded.format, shrink="exact")
        assert bytes(encoded) == bytes(alone), encoded


def test_metrics_of_a_group_add_up(engine: li.Engine) -> None:
    results = made_together(engine, 2)
    planned = {encoded.metrics.planned_bytes for encoded in results}
    assert len(planned) == 1
    for encoded in results:
        metrics = encoded.metrics
        assert metrics.total_ms >= metrics.decode_ms + metrics.ops_ms + metrics.encode_ms
        assert metrics.peak_bytes <= metrics.planned_bytes + sum(
            other.metrics.planned_out_bytes for other in results
        )


def test_a_group_over_the_budget_is_made_one_by_one(engine: li.Engine) -> None:
    outputs = [engine.resize(width).output(format="png") for width in (100, 200, 300)]
    largest = max(
        sum((estimate.peak_bytes, estimate.out_bytes))
        for estimate in (engine.resize(width).estimate("png") for width in (100, 200, 300))
    )
    outcomes = li.run(outputs, max_memory=largest)
    assert all(outcome.ok for outcome in outcomes)
    assert {outcome.result.metrics.threads for outcome in outcomes} == {1}


def test_more_outputs_than_threads_to_be_had_at_once(engine: li.Engine) -> None:
    outputs = [engine.resize(width).output(format="png") for width in range(1, 151)]
    outcomes = li.run(outputs, on_error="raise")
    assert [outcome.result.width for outcome in outcomes] == list(range(1, 151))


def test_a_damaged_source_fails_all_of_its_outputs(photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:-2000])
    engine = li.Engine.from_path(broken)
    outputs = [engine.resize(width).output(tmp_path / f"{width}.png") for width in (50, 100)]
    outcomes = li.run([*outputs, li.Engine.from_path(photo).resize(9).output(format="png")])
    assert [outcome.ok for outcome in outcomes] == [False, False, True]
    assert {type(outcome.error).__name__ for outcome in outcomes[:2]} == {"TruncatedImageError"}
    assert os.listdir(tmp_path) == ["broken.jpg"]


def test_a_target_that_cannot_be_fails_alone(engine: li.Engine, tmp_path: Path) -> None:
    outputs = [
        engine.resize(50).output(tmp_path / "a.png"),
        engine.resize(60).output(tmp_path / "no" / "b.png"),
        engine.resize(70).output(tmp_path / "c.png"),
    ]
    outcomes = li.run(outputs)
    assert [getattr(outcome.error, "code", None) for outcome in outcomes] == [None, "E301", None]
    assert sorted(os.listdir(tmp_path)) == ["a.png", "c.png"]


# --- the budget ------------------------------------------------------------------------


def test_a_job_over_the_whole_budget_is_refused(engine: li.Engine) -> None:
    (outcome,) = li.run([engine.output(format="png")], max_memory=10_000)
    assert isinstance(outcome.error, li.MemoryBudgetError)
    assert "max_memory=10000" in str(outcome.error)
    estimate = engine.estimate("png")
    assert str(estimate.peak_bytes + estimate.out_bytes) in str(outcome.error)


def test_a_job_over_the_whole_budget_may_run_alone(photo: Path) -> None:
    outputs = [li.Engine.from_bytes(photo.read_bytes()).output(format="png") for _ in range(9)]
    outcomes = li.run(outputs, max_memory="10kB", oversize="alone", workers=4)
    assert all(outcome.ok for outcome in outcomes)


# --- stopping --------------------------------------------------------------------------

BATCH = """
import os, signal, sys, threading, time
import lazyimage as li
source, directory, how = sys.argv[1:]
names = []
for index in range(12):
    names.append(f"{directory}/{index}.png")
    os.link(source, names[-1])
outputs = [
    li.Engine.from_path(name).resize(width).output(f"{name}-{width}.jpg")
    for name in names
    for width in (1500, 1200)
]
event, set_at = threading.Event(), []
def stop():
    set_at.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT) if how == "signal" else event.set()
threading.Timer(0.25, stop).start()
try:
    outcomes = li.run(outputs, workers=2, cancel=event)
    said = sorted({getattr(outcome.error, "code", "ok") for outcome in outcomes})
except KeyboardInterrupt:
    said = ["KeyboardInterrupt"]
seconds = time.monotonic() - set_at[0]
left = [name for name in os.listdir(directory) if name.startswith(".")]
print(seconds, *said, *left)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="takes its time")
@pytest.mark.parametrize("how", ["signal", "cancel"])
def test_a_batch_stops_within_100_ms_and_leaves_no_temp_file(tmp_path: Path, how: str) -> None:
    """Twelve PNGs of 9 MP, two outputs each."""
    source = tmp_path / "large.png"
    tile = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    li.Engine.from_pixels(tile).resize(3600, 2500, fit="fill").to_file(source, durable=False)
    best = 9.0
    for trial in range(3):  # a busy machine only makes it slower
        directory = tmp_path / str(trial)
        directory.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", BATCH, str(source), str(directory), how],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, *said = done.stdout.split()
        assert said in (["KeyboardInterrupt"], ["E500"], ["E500", "ok"])
        assert (said == ["KeyboardInterrupt"]) == (how == "signal")
        best = min(best, float(seconds))
    assert best <= 0.1


def test_cancelling_the_task_stops_the_whole_run(tmp_path: Path) -> None:
    large = li.Engine.from_pixels(np.zeros((400, 400, 3), np.uint8))

    async def cancelled() -> float:
        outputs = [large.resize(9000 + i, 9000).output(tmp_path / f"{i}.png") for i in range(4)]
        task = asyncio.create_task(li.run_async(outputs, workers=2))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    assert min(asyncio.run(cancelled()) for _ in range(3)) < 0.1
    assert os.listdir(tmp_path) == []


# --- batches ---------------------------------------------------------------------------


def test_equal_stems_are_numbered_in_input_order(photo: Path, tmp_path: Path) -> None:
    inputs = []
    for name in ("x/a.jpg", "y/a.png", "y/A.jpg", "z/a-2.jpg", "z/b.tar.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo.read_bytes())
        inputs.append(path)
    outcomes = li.process_batch(inputs, tmp_path / "out", li.Recipe().resize(20), format="jpeg")
    assert [Path(outcome.result.path).name for outcome in outcomes] == [
        "a.jpg",
        "a-2.jpg",
        "A-3.jpg",
        "a-2-2.jpg",
        "b.tar.jpg",
    ]
    names = {Path(outcome.result.path).name.casefold() for outcome in outcomes}
    assert len(names) == len(inputs)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        Path(outcome.result.path).name for outcome in outcomes
    }


def test_a_batch_skips_what_is_there(photo: Path, tmp_path: Path) -> None:
    recipe = li.Recipe().resize(20)
    (tmp_path / "photo.png").write_bytes(b"old")
    assert li.process_batch([photo], tmp_path, recipe, format="png", skip_existing=True) == []
    assert (tmp_path / "photo.png").read_bytes() == b"old"
    outcomes, metrics = li.process_batch_with_metrics([photo], tmp_path, recipe, format="png")
    assert metrics == [outcomes[0].result.metrics]
    assert metrics[0].format_out == "png"
    assert (tmp_path / "photo.png").read_bytes() != b"old"


def test_outcomes_of_a_batch_are_small(photo: Path, tmp_path: Path) -> None:
    (outcome,) = li.process_batch([photo], tmp_path, li.Recipe().resize(20), format="png")
    assert outcome.result.metrics is None
    assert outcome.output.engine == li.Engine.from_path(photo).resize(20)
    assert outcome.output.fields()["path"] == str(tmp_path / "photo.png")
    assert outcome.output.engine.recipe == li.Recipe().resize(20)


def test_a_missing_input_is_an_outcome(photo: Path, tmp_path: Path) -> None:
    outcomes = li.process_batch(
        [tmp_path / "none.jpg", photo], tmp_path / "out", li.Recipe(), format="png"
    )
    assert isinstance(outcomes[0].error, li.SourceNotFoundError)
    assert outcomes[1].ok
    assert os.listdir(tmp_path / "out") == ["photo.png"]


# --- asyncio ---------------------------------------------------------------------------


def test_the_async_calls_give_what_the_others_give(engine: li.Engine, tmp_path: Path) -> None:
    async def all_of_them() -> tuple:
        small = engine.resize(40)
        return (
            await small.to_buffer_async("png"),
            await small.to_file_async(tmp_path / "a.png"),
            await small.to_pixels_async(mode="L"),
            await li.run_async([small.output(format="png"), small.output(format="jpeg")]),
        )

    encoded, written, pixels, outcomes = asyncio.run(all_of_them())
    assert bytes(encoded) == bytes(engine.resize(40).to_buffer("png"))
    assert written.bytes_written == len(encoded)
    assert pixels.shape[2] == 1
    assert [outcome.result.format for outcome in outcomes] == ["png", "jpeg"]


def test_an_error_reaches_the_task(engine: li.Engine) -> None:
    with pytest.raises(li.InvalidArgumentError, match="crop"):
        asyncio.run(engine.crop(0, 0, 9000, 1).to_buffer_async("png"))


def test_cancelling_the_task_stops_the_job(tmp_path: Path) -> None:
    large = li.Engine.from_pixels(np.zeros((400, 400, 3), np.uint8)).resize(12000, 12000)

    async def cancelled() -> float:
        task = asyncio.create_task(large.to_file_async(tmp_path / "large.png"))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    assert min(asyncio.run(cancelled()) for _ in range(3)) < 0.1
    assert os.listdir(tmp_path) == []
