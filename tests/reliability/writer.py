"""Writes one file again and again until it is killed: the worker of R21's kill −9.

    writer.py DIRECTORY TIMES

Says "child PID" for each process that writes, and once that is dead what the file then is:
"old", "new" or "partial"; "done" at the end.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from lazyimage import Engine

FORMATS = ("jpeg", "png", "webp", "avif")
SIDES = {"jpeg": 700, "png": 500, "webp": 300, "avif": 160}


def engines(format: str) -> tuple[Engine, Engine]:
    """Two pictures that take some time each."""
    noise = np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8)
    side = SIDES[format]
    return tuple(Engine.from_pixels(noise).resize(n, n, fit="fill") for n in (side, side - 9))  # type: ignore[return-value]


def write_for_ever(pair: tuple[Engine, Engine], target: Path, format: str) -> None:
    while True:
        for engine in pair:
            engine.to_file(target, format)


def main() -> None:
    directory, times = Path(sys.argv[1]), int(sys.argv[2])
    pairs = {format: engines(format) for format in FORMATS}
    whole = {name: [bytes(e.to_buffer(name)) for e in pair] for name, pair in pairs.items()}
    for turn in range(times):
        format = FORMATS[turn % len(FORMATS)]
        target = directory / f"{format}.out"
        before = target.read_bytes() if target.exists() else None
        child = os.fork()
        if child == 0:
            try:
                write_for_ever(pairs[format], target, format)
            finally:
                os._exit(1)
        print("child", child, flush=True)
        status = os.waitpid(child, 0)[1]
        after = target.read_bytes() if target.exists() else None
        good = os.WIFSIGNALED(status) and (after is None or after in whole[format])
        print("partial" if not good else "old" if after == before else "new", flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
