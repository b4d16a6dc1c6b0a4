"""Stop long jobs and measure how long they then take; what R17 and R18 run.

    stopping.py '{"function": …, …}'

Each function is a call in a process of its own; the answer is one line of JSON.
"""

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lazyimage as li
from lazyimage.errors import CancelledError, ImageTimeoutError, LazyImageError

Job = Callable[[li.Engine], Any]


def _encode(format: str, **options: Any) -> Job:
    return lambda engine: engine.to_buffer(format, **options)


def _pixels(engine: li.Engine) -> Any:
    return engine.to_pixels(shrink="exact")


WIDTHS = {"decode": 64, "resize": 4000}
"""Jobs that resize: most of their time is in the decoder, or in the resize."""

JOBS: dict[str, Job] = {
    "decode": _pixels,
    "resize": _pixels,
    "jpeg": _encode("jpeg", quality=90, progressive=True, optimize=True),
    "png": _encode("png", compression=9),
    "webp": _encode("webp", method=6),
    "webp-lossless": _encode("webp", lossless=True, method=6),
    "avif": _encode("avif", speed=0),
    "avif-6": _encode("avif", speed=6),
    "pixels": _pixels,
}


def make(directory: str, files: dict[str, tuple[int, int, dict[str, Any]]]) -> dict[str, str]:
    """Pictures with detail: name.format → (width, height, options)."""
    chance = random.Random(1)
    tile = memoryview(chance.randbytes(96 * 64 * 3)).cast("B", (64, 96, 3))
    grain = li.Engine.from_pixels(tile).resize(900, 600, kernel="cubic").to_pixels()
    engine = li.Engine.from_pixels(memoryview(grain)).limits(max_pixels=0, max_output_pixels=0)
    paths = {}
    for name, (width, height, options) in files.items():
        path = Path(directory, name)
        big = engine.resize(width, height, fit="fill", kernel="cubic")
        big.to_file(path, durable=False, **options)
        paths[name] = str(path)
    return paths


def _engine(path: str) -> li.Engine:
    return li.Engine.from_path(path).limits(max_pixels=0, max_output_pixels=0, max_input_bytes=0)


def _stop_after(engine: li.Engine, job: Job, delay: float, how: str) -> float | None:
    """Seconds from the call to stop until the job's end; None: it had ended before."""
    flag = li._core.Cancel()
    acted: list[float] = []

    def act() -> None:
        acted.append(time.perf_counter())
        if how == "signal":
            os.kill(os.getpid(), signal.SIGINT)
        else:
            flag.set()

    timer = threading.Timer(delay, act)
    stopped = False
    try:
        timer.start()
        job(engine._flagged(flag))
        ended = time.perf_counter()
        timer.cancel()
        timer.join()
    except (KeyboardInterrupt, CancelledError):
        ended, stopped = time.perf_counter(), True
        timer.join()
    return ended - acted[0] if stopped else None


def stop(path: str, job: str, trials: int, most: float, seed: int) -> dict[str, Any]:
    """Stop a job at moments of its whole length, by Ctrl-C and by its flag in turns."""
    engine, chance = _engine(path), random.Random(seed)
    if job in WIDTHS:
        engine = engine.resize(WIDTHS[job])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below nohup and the like
    started = time.perf_counter()
    _stop_after(engine, JOBS[job], most, "cancel")
    whole = time.perf_counter() - started
    seconds: list[float] = []
    for trial in range(4 * trials):
        delay = chance.random() * whole
        how = ("signal", "cancel")[trial % 2]
        try:
            took = _stop_after(engine, JOBS[job], delay, how)
        except KeyboardInterrupt:  # between the job's end and the timer's
            took = None
        if took is not None:
            seconds.append(took)
        if len(seconds) == trials:
            break
    return {"whole": whole, "seconds": seconds}


def last(paths: list[str]) -> list[tuple[float, str]]:
    """How long each takes to decode; those that are refused are left out."""
    taken = []
    for path in paths:
        started = time.perf_counter()
        try:
            JOBS["pixels"](_engine(path))
        except LazyImageError:
            continue
        taken.append((time.perf_counter() - started, path))
    return taken


# --- deadlines ---------------------------------------------------------------------------


def _by_engine(engine: li.Engine, job: str, directory: str) -> None:
    JOBS[job](engine)


def _by_run(engine: li.Engine, job: str, directory: str) -> None:
    li.run([engine.output(format=job), engine.resize(50).output()], on_error="raise", workers=2)


def _by_batch(engine: li.Engine, job: str, directory: str) -> None:
    path = engine._origin.path
    li.process_batch([path], directory, engine.recipe, format=job, on_error="raise")


def _by_async(engine: li.Engine, job: str, directory: str) -> None:
    asyncio.run(engine.to_buffer_async(job))


def _by_stream(engine: li.Engine, job: str, directory: str) -> None:
    with li.StreamingPipeline(job, recipe=engine.recipe) as pipeline:
        pipeline.write(Path(engine._origin.path).read_bytes())
        pipeline.close()


VERBS = {
    "engine": _by_engine,
    "run": _by_run,
    "batch": _by_batch,
    "async": _by_async,
    "stream": _by_stream,
}


def deadline(path: str, job: str, timeout: float, directory: str, verb: str) -> dict[str, Any]:
    """How long a job with a deadline takes until it says so."""
    engine = _engine(path).limits(timeout=timeout)
    if verb != "engine":
        engine = engine.resize(16_000)  # so that no machine is through in time
    said = "nothing"
    started = time.perf_counter()
    try:
        VERBS[verb](engine, job, directory)
    except ImageTimeoutError:
        said = "E125"
    except LazyImageError as error:
        said = str(error)
    return {
        "said": said,
        "seconds": time.perf_counter() - started,
        "left": os.listdir(directory),
    }


def main() -> None:
    asked = json.loads(sys.argv[1])
    print(json.dumps(globals()[asked.pop("function")](**asked)))


if __name__ == "__main__":
    main()
