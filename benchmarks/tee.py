#!/usr/bin/env python3
"""One decode, ten outputs: a JPEG to five widths as JPEG 80 and WebP 80, beside sharp.

    tee.py [--source JPEG] [--rounds N] [--directory build/bench]

Beside ten pipelines of sharp, and beside sharp that decodes by hand, once, to the largest width
as raw pixels. One fresh process a measurement, interleaved; CPU time and growth: minimum.
Without node and npm, or without a network, ours alone. Exit 1 if a target is missed: CPU at most
0.5 times the ten pipelines' and 0.9 times that by hand, growth at most 48 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lazyimage as li

HERE = Path(__file__).resolve().parent
WIDTHS = (320, 640, 960, 1280, 1920)
FORMATS = ("jpeg", "webp")
TARGETS = {"ten": 0.5, "hand": 0.9}
GROWTH_MB = 48


def memory(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{name}:")[1].split()[0]) / 1e3


def make(source: str, directory: str, workers: int, together: bool) -> None:
    """The ten files, from one decode or from ten."""
    engine = li.Engine.from_path(source)
    outputs = [
        engine.resize(width).output(f"{directory}/ours-{width}.{format}", quality=80)
        for width in WIDTHS
        for format in FORMATS
    ]
    for group in [outputs] if together else [[output] for output in outputs]:
        li.run(group, workers=workers, on_error="raise")


def measure(way: str, source: str, directory: str, warm: str) -> dict[str, float]:
    """In this process, which must be fresh."""
    workers, together = {"one": (1, True), "two": (2, True), "alone": (1, False)}[way]
    make(warm, directory, workers, together)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    used, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    make(source, directory, workers, together)
    wall = time.monotonic() - started
    now = resource.getrusage(resource.RUSAGE_SELF)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return {"cpu_ms": cpu * 1e3, "wall_ms": wall * 1e3, "growth_mb": memory("VmHWM") - before}


def commands(directory: Path) -> dict[str, list[str]]:
    """What can be measured here."""
    sys.path.insert(0, str(HERE))
    from fetch import _module

    found = {way: [sys.executable, __file__, "--measure", way] for way in ("one", "two", "alone")}
    reason = _module(directory, "sharp")
    if reason:
        print(f"MISSING: sharp: {reason}")
        return found
    program = [shutil.which("node") or "node", str(HERE / "peers" / "tee_with_sharp.mjs")]
    return {**found, "ten": [*program, "ten"], "hand": [*program, "hand"]}


def source_of(directory: Path) -> str:
    """The 24 MP JPEG of the other benchmarks, made by inputs.py if it is not there."""
    inputs = directory / "inputs"
    python = directory / "venv" / "bin" / "python"
    found = sorted(inputs.glob("jpeg-24.*"))
    if not found and python.exists():
        subprocess.run([str(python), str(HERE / "inputs.py"), str(inputs), "jpeg-24"], check=True)
        found = sorted(inputs.glob("jpeg-24.*"))
    if not found:
        raise SystemExit("no picture: pass --source, or run benchmarks/bench.py once")
    return str(found[0])


def compare(best: dict[str, dict[str, float]]) -> int:
    """Print ratios; the number of targets that were missed."""
    missed = 0
    for peer, most in TARGETS.items():
        if peer not in best:
            continue
        ratio = best["one"]["cpu_ms"] / best[peer]["cpu_ms"]
        missed += ratio > most
        print(f"CPU, ours to sharp ({peer}): {ratio:.2f}, target {most}")
    growth = max(best["one"]["growth_mb"], best["two"]["growth_mb"])
    missed += growth > GROWTH_MB
    print(f"growth: {growth:.1f} MB, target {GROWTH_MB}")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path, default=HERE.parent / "build" / "bench")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*asked.measure)))
        return 0
    source = asked.source or source_of(asked.directory)
    outputs = asked.directory / "outputs"
    outputs.mkdir(parents=True, exist_ok=True)
    warm = str(outputs / "warm.jpg")
    li.Engine.from_path(source).resize(64).to_file(warm, durable=False)
    environment: dict[str, Any] = {**os.environ, "BENCH_NODE": str(asked.directory / "node")}
    taken: dict[str, list[dict[str, float]]] = {}
    ways = commands(asked.directory)
    for _ in range(asked.rounds):
        for way, command in ways.items():
            done = subprocess.run(
                [*command, source, str(outputs), warm], env=environment, check=True, stdout=-1
            )
            taken.setdefault(way, []).append(json.loads(done.stdout))
    best = {
        way: {key: min(row[key] for row in rows) for key in rows[0]} for way, rows in taken.items()
    }
    for way, row in best.items():
        print(f"{way:6}" + "".join(f"  {key} {value:7.1f}" for key, value in row.items()))
    return 1 if compare(best) else 0


if __name__ == "__main__":
    sys.exit(main())
