"""Jobs run without the GIL, and any number of threads may share an Engine."""

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import oracle
import process
import pytest

import lazyimage as li

DATA = oracle.DATA


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """16 MP gray pictures: some tens of ms to decode."""
    directory = str(tmp_path_factory.mktemp("large"))
    paths = process.run_fresh("make_gray_pictures", directory=directory, side=8_000)
    return {format: Path(path) for format, path in paths.items()}


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_another_thread_runs_during_a_job(large: dict[str, Path], format: str) -> None:
    """While a job runs in a thread, this one counts: with the GIL held it could not."""
    engine = li.Engine.from_path(large[format]).resize(700)
    spans: list[tuple[float, float]] = []

    def work() -> None:
        started = time.perf_counter()
        engine.to_buffer("png", shrink="exact")
        spans.append((started, time.perf_counter()))

    worker = threading.Thread(target=work)
    worker.start()
    ticks = []
    while worker.is_alive():
        ticks.append(time.perf_counter())
        time.sleep(0.0005)
    worker.join()
    ((started, ended),) = spans
    during = [tick for tick in ticks if started < tick < ended]
    assert ended - started > 0.02, "too short a job to say anything"
    gaps = [later - earlier for earlier, later in pairwise(during)]
    assert len(during) >= 10
    assert max(gaps) < (ended - started) / 2


def test_many_threads_share_one_engine() -> None:
    engine = li.Engine.from_path(DATA / "jpeg" / "420.jpg").resize(90).rotate(90).contrast(10)
    expected = hashlib.sha256(engine.to_buffer("png")).digest()

    def job(index: int) -> bytes:
        mine = engine if index % 2 else engine.clone()
        return hashlib.sha256(mine.to_buffer("png")).digest()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(job, range(200))) == {expected}


def test_many_threads_share_borrowed_bytes_and_a_held_file() -> None:
    data = (DATA / "png" / "icc.png").read_bytes()
    with li.Engine.from_path(DATA / "jpeg" / "444.jpg") as held:
        engines = [li.Engine.from_bytes(data).grayscale(), held.resize(40), held.flip_h()]
        expected = [bytes(engine.to_buffer("png")) for engine in engines]

        def job(index: int) -> bool:
            return bytes(engines[index % 3].to_buffer("png")) == expected[index % 3]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(job, range(150)))


def test_errors_stay_with_their_thread() -> None:
    good = li.Engine.from_path(DATA / "jpeg" / "444.jpg").resize(30)
    bad = li.Engine.from_path(DATA / "pngsuite" / "xcsn0g01.png")

    def job(index: int) -> str:
        try:
            (bad if index % 2 else good).to_buffer("png")
        except li.errors.LazyImageError as error:
            return error.category
        return "done"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(job, range(100)))
    assert outcomes[::2] == ["done"] * 50
    assert set(outcomes[1::2]) == {"codec"}


def test_no_thread_and_no_descriptor_outlives_a_call() -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts what /proc shows")
    engine = li.Engine.from_path(DATA / "jpeg" / "420.jpg").resize(50)
    engine.to_buffer("png")
    before = (len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))
    engines = [engine.brightness(1) for _ in range(1000)]
    for each in engines[:50]:
        each.to_buffer("jpeg")
    after = (len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))
    # Not equal: a thread of an earlier test may have been on its way out at the start.
    assert after[0] <= before[0] and after[1] <= before[1]
