"""Four Python threads against one: 40 photographs resized to 800 px JPEG.

    python benchmarks/threads.py [--directory build/bench] [--rounds 5] [--limit 0.65]

One thread and four take turns; the medians are compared. Exit status 1 if four threads
take more than the limit of one thread's time on the CPUs that there are.
"""

import argparse
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import picture

import lazyimage as li

PHOTOGRAPHS = 40
DIFFERENT = 8
MEGAPIXELS = 6


def seconds(paths: list[Path], threads: int) -> float:
    """Wall time of resizing every path with so many threads."""

    def job(path: Path) -> int:
        return len(li.Engine.from_path(path).resize(800).to_buffer("jpeg", 80))

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        sizes = list(pool.map(job, paths))
    assert min(sizes) > 1000
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("build/bench"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=0.65)
    options = parser.parse_args()
    width, height = picture.sides(MEGAPIXELS)
    made = [
        picture.make_source(options.directory, "jpeg", width, height, seed=seed)
        for seed in range(DIFFERENT)
    ]
    paths = made * (PHOTOGRAPHS // DIFFERENT)
    times: dict[int, list[float]] = {1: [], 4: []}
    seconds(paths, 4)
    for _ in range(options.rounds):
        for threads, each in times.items():
            each.append(seconds(paths, threads))
    medians = {threads: statistics.median(each) for threads, each in times.items()}
    ratio = medians[4] / medians[1]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{len(paths)} photographs of {MEGAPIXELS} MP on {usable} CPUs: one thread"
        f" {medians[1] * 1e3:.0f} ms, four {medians[4] * 1e3:.0f} ms, ratio {ratio:.2f}"
        f" (median of {options.rounds}, interleaved; limit {options.limit:g})"
    )
    return 1 if ratio > options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
