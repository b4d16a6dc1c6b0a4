"""Jobs of every kind, and after each a look at what belongs to the process: R24's worker.

    foreign_jobs.py DIRECTORY PICTURE…

Prints one line of JSON: how many jobs, and what was not the same afterwards. What Python and
NumPy themselves do at their first use has happened before the first look. Everything else
on standard output or error is ours, and wrong.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import foreign
import numpy as np

import lazyimage
from lazyimage import Engine, LazyImageError, Recipe, StreamingPipeline, process_batch, run

TO_ZERO = 0xC00
"""FE_TOWARDZERO: a state that nobody has by default, so that a reset is seen."""


async def awaited(engine: Engine) -> None:
    await engine.resize(20).to_buffer_async("png")


def of_picture(path: Path, directory: Path) -> Iterator[Callable[[], object]]:
    """Jobs on one file, which may be damaged."""
    engine = Engine.from_path(path)
    small = engine.resize(60)
    yield lambda: lazyimage.inspect_file(path)
    for format in ("jpeg", "png", "webp", "avif"):
        yield lambda format=format: small.to_buffer(format)
        yield lambda format=format: small.to_file(directory / f"out.{format}")
    yield lambda: engine.crop(0, 0, 9, 9).rotate(90).grayscale().brightness(9).to_pixels()
    yield lambda: np.asarray(small.to_pixels(dtype="float32", layout="CHW"))
    yield lambda: small.to_buffer("webp", max_bytes=900)
    yield lambda: engine.responsive((9, 40), ("png", "webp"), str(directory / "r{width}.{ext}"))
    yield lambda: engine.placeholder()
    yield lambda: run([small.output(format=name) for name in ("png", "jpeg", "webp")])
    yield lambda: run([engine.resize(n).output(format="png") for n in (8, 20, 40)], workers=2)
    yield lambda: process_batch([path] * 3, directory, Recipe().resize(9), format="webp")
    yield lambda: small.limits(timeout=1e-9).to_buffer("png")
    yield lambda: small.limits(max_memory=5000).to_buffer("png")
    yield lambda: small.to_file("/nowhere/at/all.png")
    yield lambda: asyncio.run(awaited(engine))
    yield lambda: list(stream(path))
    yield lambda: engine.explain("jpeg")


def stream(path: Path) -> Iterator[bytes]:
    with StreamingPipeline("png", recipe=Recipe().resize(30)) as pipeline:
        pipeline.write(path.read_bytes())
        pipeline.close()
        yield from pipeline


def attempt(job: Callable[[], object]) -> None:
    try:
        job()
    except (LazyImageError, MemoryError):
        pass


def main() -> None:
    directory, pictures = Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]]
    os.umask(0o027)
    os.environ["LAZYIMAGE_FOREIGN"] = "1"
    asyncio.run(asyncio.sleep(0))
    for job in of_picture(pictures[0], directory):
        attempt(job)
    ctypes.CDLL("libm.so.6").fesetround(TO_ZERO)
    wrong: list[str] = []
    count = 0
    time.sleep(0.2)  # threads of the first jobs leave the system's list
    before = foreign.look()
    for picture in pictures:
        for job in of_picture(picture, directory):
            attempt(job)
            count += 1
            after = foreign.look_again(before)
            wrong += [f"{picture.name}: {what}" for what in foreign.differences(before, after)]
            before = after
    print(json.dumps({"jobs": count, "looks": len(before), "wrong": wrong}))


if __name__ == "__main__":
    main()
