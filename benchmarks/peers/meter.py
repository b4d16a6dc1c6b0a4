"""What every Python runner shares: the command line, the measuring, the answer.

    python with_….py key=value …

Keys: op (convert, pixels, probe, first), source, output, warm (an input to warm up on; empty:
none), format, width (0: full size), height (0: from the width; else cover), quality (0:
none), pace (fast, safe, exact, default), threads (0: as the library likes), repeat, and
whatever effort the cell asks for. Prints one JSON object: the figures, or {"unsupported": why}.

CPU is user + system of this process, all threads; growth is the highest VmHWM, reset before
the job, above the resident size at that moment: after import and warm-up.
"""

import sys
import time
from collections.abc import Callable

Job = dict[str, str]
Work = Callable[[str, str], object]


class Unsupported(Exception):
    """This library, or this build of it, cannot do the job; says why."""


def memory_field(name: str) -> int:
    """Bytes of a field of /proc/self/status."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0


def start_memory() -> int:
    """Let VmHWM start again; the bytes resident now."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")
    return memory_field("VmRSS")


def first(work: Work, job: Job) -> dict[str, float]:
    """From the start of the process to the end of its first picture."""
    work(job["source"], job["output"])
    cpu, wall = time.process_time(), time.monotonic() - float(job["began"])
    return {
        "cpu_ms": cpu * 1e3,
        "wall_ms": wall * 1e3,
        "growth_mb": memory_field("VmHWM") / 1e6,
    }


def repeated(work: Work, job: Job) -> dict[str, float]:
    """One job, or the mean of `repeat`, after a warm-up."""
    repeat = int(job["repeat"])
    if job["warm"]:
        work(job["warm"], job["output"])
    before = start_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        result = work(job["source"], job["output"])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = memory_field("VmHWM")
    if job["op"] == "pixels":
        with open(job["output"], "wb") as file:
            file.write(memoryview(result).cast("B"))  # type: ignore[arg-type]
    return {
        "cpu_ms": cpu * 1e3 / repeat,
        "wall_ms": wall * 1e3 / repeat,
        "growth_mb": max(0, peak - before) / 1e6,
    }


def main(make: Callable[[Job], Work], versions: Callable[[], dict[str, str]]) -> None:
    """Run the job of the command line, which `make` turns into a call."""
    job = dict(argument.split("=", 1) for argument in sys.argv[1:])
    try:
        work = make(job)
        found = (first if job["op"] == "first" else repeated)(work, job)
    except Unsupported as reason:
        found = {"unsupported": str(reason)}  # type: ignore[dict-item]
    import json

    print(json.dumps({**found, "versions": versions()}))
