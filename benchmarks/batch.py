#!/usr/bin/env python3
"""A batch of many mixed pictures: memory, and error rows. throughput.py has its speed.

    batch.py [--count 10000] [--short] [--directory build/bench]

Pictures are made here: JPEG, PNG and WebP of 60 to 3000 px, one in a hundred cut short. A fresh
process each: the same batch with 4 workers (resident memory at the end against the start), and
within a budget of 128 MB (its peak). Exit 1 if a target is missed: 16 MB at the end, 160 MB at
the peak, exactly the cut ones in the error rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lazyimage as li

HERE = Path(__file__).resolve().parent
SIDES = ((60, 45), (320, 240), (1000, 700), (1600, 1200), (3000, 2000))
FORMATS = ("jpeg", "png", "webp")
EVERY = 100
"""So many pictures, and one of them is cut short."""
RECIPE = li.Recipe().resize(200)


def waves(width: int, height: int) -> li.Engine:
    """Something between a photograph and a drawing."""
    tile = bytes((x * x + 3 * y * y + x * y) >> 3 & 255 for y in range(64) for x in range(192))
    engine = li.Engine.from_pixels(memoryview(tile).cast("B", (64, 64, 3)))
    return engine.resize(width, height, fit="fill", kernel="cubic")


def make_pictures(directory: Path, count: int) -> list[str]:
    """`count` names, most of them links to one of fifteen files."""
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    bases = []
    for width, height in SIDES:
        for format in FORMATS:
            base = directory / f"base-{width}.{format}"
            waves(width, height).to_file(base, durable=False)
            bases.append(base)
    cut = directory / "cut.jpeg"
    cut.write_bytes(bases[6].read_bytes()[:-500])
    names = []
    for index in range(count):
        base = cut if index % EVERY == EVERY // 2 else bases[index * 7 % len(bases)]
        name = directory / f"{index:05d}{base.suffix}"
        os.link(base, name)
        names.append(str(name))
    return names


def memory(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{name}:")[1].split()[0]) / 1e3


def process(names: list[str], output: str, **options: Any) -> list[li.Outcome]:
    return li.process_batch(names, output, RECIPE, format="jpeg", quality=80, **options)


def measure(directory: str, output: str, workers: int, budget: str) -> dict[str, Any]:
    """In this process, which must be fresh."""
    names = sorted(str(path) for path in Path(directory).glob("[0-9]*"))
    process(names[: len(SIDES) * len(FORMATS)], output, workers=workers)
    Path("/proc/self/clear_refs").write_text("5")
    before, started = memory("VmRSS"), time.monotonic()
    outcomes = process(names, output, workers=workers, max_memory=budget)
    seconds = time.monotonic() - started
    wrong = [outcome.index for outcome in outcomes if not outcome.ok]
    return {
        "seconds": seconds,
        "end_mb": memory("VmRSS") - before,
        "peak_mb": memory("VmHWM") - before,
        "expected_errors": wrong == [i for i in range(len(names)) if i % EVERY == EVERY // 2],
        "codes": sorted({getattr(o.error, "code", "?") for o in outcomes if not o.ok}),
        "files": len(os.listdir(output)),
    }


def run_fresh(directory: Path, output: Path, workers: int, budget: str) -> dict[str, Any]:
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, __file__, "--measure", str(directory), str(output)]
    done = subprocess.run([*command, str(workers), budget], check=True, stdout=-1)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(directory: Path, output: Path) -> int:
    """Print all; the number of targets that were missed."""
    flat = run_fresh(directory, output, 4, "1GB")
    tight = run_fresh(directory, output, 4, "128MB")
    print(f"4 workers: {flat['end_mb']:.1f} MB at the end, target 16")
    print(f"128 MB for all: {tight['peak_mb']:.1f} MB at the peak, target 160")
    good = all(row["expected_errors"] and row["codes"] == ["E132"] for row in (flat, tight))
    print(f"error rows are those of the cut files: {good}; {flat['files']} files")
    return (flat["end_mb"] > 16) + (tight["peak_mb"] > 160) + (not good)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--short", action="store_true", help="300 pictures")
    parser.add_argument("--directory", type=Path, default=HERE.parent / "build" / "bench")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        pictures, output, workers, budget = asked.measure
        print(json.dumps(measure(pictures, output, int(workers), budget)))
        return 0
    directory, output = asked.directory / "batch", asked.directory / "batch-out"
    make_pictures(directory, 300 if asked.short else asked.count)
    missed = check(directory, output)
    shutil.rmtree(directory)
    shutil.rmtree(output, ignore_errors=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
