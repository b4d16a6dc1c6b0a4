"""What one process makes of hostile files, of headers, and of large files in little memory;
rows_limits.py runs it.

    echo '{"function": …, …}' | hostile.py

Each function is a call in a process of its own; the answer is one line of JSON.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import lazyimage as li
from lazyimage.errors import LazyImageError

WHOLE_PIXELS = 4_000_000
FORMATS = ("jpeg", "png", "webp", "avif")


def _status(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) * 1024


def _rchar() -> int:
    """Bytes that this process has got by read and pread."""
    with open("/proc/self/io", encoding="ascii") as file:
        return int(file.readline().split()[1])


def _warm() -> None:
    """Load every codec, and touch what a first job touches."""
    pixels = li.Engine.from_pixels(memoryview(bytes(64 * 64 * 3)).cast("B", (64, 64, 3)))
    for format in FORMATS:
        engine = li.open(pixels.to_buffer(format).to_bytes())
        assert engine.info and engine.resize(8).to_buffer("jpeg") and engine.to_buffer("png")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew


def _timed(call: Callable[[], Any]) -> tuple[float, str]:
    """Seconds, and "ok" or the code of the refusal."""
    began = time.perf_counter()
    try:
        call()
        answer = "ok"
    except LazyImageError as error:
        answer = error.code
    return time.perf_counter() - began, answer


def sweep(path: str) -> dict[str, Any]:
    """Header, thumbnail and, up to 4 MP, the whole: the slowest call, and the growth of all."""
    _warm()
    before = _status("VmRSS")
    engine = li.Engine.from_path(path)
    sizes: list[int] = []
    calls = [
        lambda: sizes.append(engine.info.width * engine.info.height),
        lambda: engine.resize(80).to_buffer("jpeg", 80),
    ]
    answers = [_timed(call) for call in calls]
    if not sizes or sizes[0] <= WHOLE_PIXELS:
        answers.append(_timed(lambda: engine.to_buffer("png")))
    return {
        "seconds": max(seconds for seconds, _ in answers),
        "answers": [answer for _, answer in answers],
        "growth": _status("VmHWM") - before,
    }


def probe(paths: Sequence[str], rounds: int) -> list[list[float]]:
    """Of each file: the quickest of its header's readings; the quickest of three with the file
    not in the page cache, and of three of its first page alone; the bytes that were read."""
    _warm()
    own = -_rchar() + _rchar()
    found = []
    for path in paths:
        seconds = min(_timed(lambda path=path: li.inspect_file(path))[0] for _ in range(rounds))
        before = _rchar()
        _timed(lambda path=path: li.inspect_file(path))
        read = _rchar() - before - own
        cold, bare = [], []
        for _ in range(3):  # a stall of the disk hits one of them, a page too many all
            _forget(path)
            cold.append(_timed(lambda path=path: li.inspect_file(path))[0])
            _forget(path)
            bare.append(_timed(lambda path=path: _first_page(path))[0])
        found.append([seconds, min(cold), min(bare), read])
    return found


def _forget(path: str) -> None:
    """Drop the file from the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _first_page(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.pread(descriptor, 4096, 0)
    os.close(descriptor)


def bounded(path: str, max_memory: int) -> dict[str, Any]:
    """Four jobs on a large file: their answers, and the growth of the whole process."""
    engine = li.Engine.from_path(path).limits(max_memory=max_memory)
    _warm()
    before = _status("VmRSS")
    refused = 0
    answers = []
    with tempfile.TemporaryDirectory() as directory:
        for engine_of, format, options in (
            (engine.resize(800), "jpeg", {}),
            (engine, "jpeg", {"progressive": True}),
            (engine, "png", {"compression": 1}),
            (engine.resize(2000), "webp", {"method": 2}),
        ):
            start = _status("VmHWM")
            out = f"{directory}/out.{format}"
            _, answer = _timed(
                lambda engine_of=engine_of, out=out, options=options: engine_of.to_file(
                    out, durable=False, **options
                )
            )
            answers.append(answer)
            if answer == "E124":
                refused = max(refused, _status("VmHWM") - start)
    return {"answers": answers, "growth": _status("VmHWM") - before, "refused_growth": refused}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps(globals()[asked.pop("function")](**asked)))
