#!/usr/bin/env python3
"""Time a large PNG's jobs on one thread and on two, interleaved, and the memory of each.

    threads.py PNG [ROUNDS]

For a machine with a CPU to spare. Wall and CPU: minimum; memory: growth of the process's peak
over that of an empty job, one fresh process each.
"""

from __future__ import annotations

import os
import subprocess
import sys

import lazyimage as li

JOBS = ((800, "jpeg"), (0, "jpeg"), (800, "png"))
MEMORY = """
import sys, lazyimage as li
peak = lambda: int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
li.Engine.from_pixels(memoryview(bytes(3072)).cast("B", (32, 32, 3))).to_buffer("jpeg")
before = peak()
li.Engine.from_path(sys.argv[1]).resize(800).to_buffer("jpeg")
print(peak() - before)
"""


def run(path: str, threads: int, size: int, format: str) -> tuple[float, float]:
    """Wall and CPU time of one job in ms."""
    os.environ["LAZYIMAGE_NUM_THREADS"] = str(threads)
    engine = li.Engine.from_path(path)
    engine = engine.resize(size) if size else engine
    _, metrics = engine.to_buffer_with_metrics(format)
    return metrics.total_ms, metrics.cpu_ms


def memory(path: str, threads: int) -> int:
    """KB by which the job makes a fresh process larger."""
    environment = {**os.environ, "LAZYIMAGE_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", MEMORY, path]
    return int(subprocess.run(command, env=environment, check=True, stdout=-1).stdout)


def main(path: str, rounds: int = 9) -> None:
    for size, format in JOBS:
        taken = [[run(path, threads, size, format) for threads in (1, 2)] for _ in range(rounds)]
        for index in (0, 1):
            wall, cpu = (min(row[index][which] for row in taken) for which in (0, 1))
            print(f"{size or 'full'} {format} {index + 1}: wall {wall:.0f} cpu {cpu:.0f} ms")
    for threads in (1, 2):
        grown = min(memory(path, threads) for _ in range(5))
        print(f"memory {threads}: {grown} KB")


if __name__ == "__main__":
    main(sys.argv[1], *(int(text) for text in sys.argv[2:]))
