"""Lanczos3 of large arrays, RGBA of 8 bits and RGB of 16, beside libvips.

    python benchmarks/deep.py [--rounds 7] [--size 4928x3279] [--to 852x567]

From an array in memory to an array in memory, one thread each, in one process and turn by
turn; CPU time of the process, the median of the rounds. libvips multiplies by alpha and
divides again, as we do. Needs numpy and pyvips[binary].
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("VIPS_CONCURRENCY", "1")
os.environ.setdefault("LAZYIMAGE_NUM_THREADS", "1")

import numpy as np
import pyvips

from lazyimage import Engine

Job = Callable[[], np.ndarray]


def picture(width: int, height: int, channels: int, dtype: Any) -> np.ndarray:
    """Waves with grain, as a photograph has both."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.sin(x / 37) * np.cos(y / 53) + np.sin((x + y) / 211)
    source = np.random.default_rng(1)
    top = np.iinfo(dtype).max
    planes = [
        (0.5 + 0.2 * wave + source.normal(0, 0.03, wave.shape).astype(np.float32)) * top
        for _ in range(channels)
    ]
    return np.ascontiguousarray(np.stack(planes, axis=2).clip(0, top).astype(dtype))


def ours(samples: np.ndarray, width: int, height: int) -> Job:
    dtype = "uint16" if samples.dtype == np.uint16 else "uint8"

    def job() -> np.ndarray:
        engine = Engine.from_pixels(samples).resize(width, height, fit="fill")
        return np.asarray(engine.to_pixels(dtype=dtype))

    return job


def theirs(samples: np.ndarray, width: int, height: int) -> Job:
    rows, columns, channels = samples.shape
    kind, most = ("ushort", 65535) if samples.itemsize == 2 else ("uchar", 255)

    def job() -> np.ndarray:
        image = pyvips.Image.new_from_memory(samples, columns, rows, channels, kind)
        alpha = channels % 2 == 0
        image = image.premultiply(max_alpha=most) if alpha else image
        image = image.resize(width / columns, vscale=height / rows, kernel="lanczos3")
        image = image.unpremultiply(max_alpha=most).cast(kind) if alpha else image
        return np.ndarray(
            (image.height, image.width, channels), samples.dtype, image.write_to_memory()
        )

    return job


def cpu_ms(job: Job) -> float:
    start = time.process_time()
    job()
    return 1000 * (time.process_time() - start)


def measure(name: str, jobs: dict[str, Job], rounds: int) -> None:
    results = {who: job() for who, job in jobs.items()}  # and warm
    times: dict[str, list[float]] = {who: [] for who in jobs}
    for _ in range(rounds):
        for who, job in jobs.items():
            times[who].append(cpu_ms(job))
    mine, other = (statistics.median(times[who]) for who in ("lazyimage", "libvips"))
    a, b = (results[who].astype(np.float64) for who in ("lazyimage", "libvips"))
    print(
        f"{name:12} lazyimage {mine:7.1f} ms   libvips {other:7.1f} ms   "
        f"ratio {mine / other:.3f}   mean difference {np.abs(a - b).mean():.2f}"
    )


def sides(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=sides, default=(4928, 3279))
    parser.add_argument("--to", type=sides, default=(852, 567))
    options = parser.parse_args()
    print(f"libvips {'.'.join(str(pyvips.version(part)) for part in range(3))}")
    for name, channels, dtype in (
        ("RGBA 8 bit", 4, np.uint8),
        ("RGB 16 bit", 3, np.uint16),
        ("RGB 8 bit", 3, np.uint8),
        ("RGBA 16 bit", 4, np.uint16),
    ):
        samples = picture(*options.size, channels, dtype)
        jobs = {"lazyimage": ours(samples, *options.to), "libvips": theirs(samples, *options.to)}
        measure(name, jobs, options.rounds)


if __name__ == "__main__":
    main()
