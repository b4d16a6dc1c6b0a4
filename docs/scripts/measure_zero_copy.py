#!/usr/bin/env python3
"""Measure lazyimage's zero-copy claims: each in a fresh process, one JSON object a line.

    python docs/scripts/measure_zero_copy.py                  # 6000×4000, makes its pictures
    python docs/scripts/measure_zero_copy.py --source my.jpg --target 800
    python docs/scripts/measure_zero_copy.py --megapixels 24,100,400 --target 800
    python docs/scripts/measure_zero_copy.py --sources webp,avif --formats png,jpeg,webp,avif

The workload is from_path → resize(target, target, "inside") → to_buffer_with_metrics(format),
without and with a warm-up. Heap is the Python heap by tracemalloc, its highest during the
job; RSS is the process's, its highest by VmHWM of /proc/self/status where there is one, else
by getrusage. Growth counts from just after import and from_path. MB are 10^6 bytes. Exit
status: 0 all passed, 1 some failed (stderr says which), 2 wrong usage.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MB = 1e6
HEAP_MB, OWN_HEAP_MB = 2.0, 0.1
MARGIN_MB = 24.0
WHOLE_PROCESS_FROM_PIXELS = 4_000_000
GROWTH_MB = {800: 8.0, 2000: 12.0}
"""Our own target by --target, for pictures that stream: baseline JPEG, plain PNG."""
WEBP_MB, WEBP_BYTES_A_PIXEL = 8.0, 15
AVIF_MB, AVIF_BYTES_A_PIXEL = 16.0, 32
"""Their encoders take whole pictures: MB, and bytes a pixel of the output."""
SOURCES = ("png", "jpeg", "webp", "avif")
LARGEST = {"webp": (16383, 16383**2), "avif": (32768, 16384**2)}
"""(side, pixels) that the format, or libavif, has at most; larger pictures are made as large."""


# --- one measurement, in a process of its own ------------------------------------------


def read_memory(field: str) -> int:
    """A field of /proc/self/status in bytes; without it the peak by getrusage, or 0."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def reset_peak() -> bool:
    """Let VmHWM start again from what is resident now, where the system permits."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
    except OSError:
        return False
    return True


def run_workload(engine: Any, job: dict[str, Any]) -> tuple[Any, Any]:
    """(result, metrics) of the job's output."""
    if job["out"]:
        return engine.to_file_with_metrics(job["out"], job["format"])
    return engine.to_buffer_with_metrics(job["format"])


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Run one job here and say what it took. `job` is made by jobs_of()."""
    import tracemalloc

    import lazyimage

    engine = lazyimage.Engine.from_path(job["source"]).limits(
        max_pixels=0, max_output_pixels=0, max_input_bytes=0
    )
    if job["target"]:
        engine = engine.resize(job["target"], job["target"], fit="inside")
    if job["warm"]:
        run_workload(engine, job)
    gc.collect()
    tracemalloc.start()
    peak_before = read_memory("VmHWM")
    exact = reset_peak()
    rss_start = read_memory("VmRSS")
    tracemalloc.reset_peak()
    heap_start = tracemalloc.get_traced_memory()[0]
    result, metrics = run_workload(engine, job)
    heap_peak = tracemalloc.get_traced_memory()[1]
    peak, rss_end = read_memory("VmHWM"), read_memory("VmRSS")
    tracemalloc.stop()
    estimate = engine.estimate(job["format"])
    info = engine.info
    return {
        "source": os.path.basename(job["source"]),
        "rss_start_mb": rss_start / MB,
        "rss_end_mb": rss_end / MB,
        "rss_delta_mb": (rss_end - rss_start) / MB,
        "heap_delta_mb": (heap_peak - heap_start) / MB,
        "peak_rss_metrics_mb": metrics.peak_rss / MB,
        "peak_rss_mb": max(peak, peak_before) / MB,
        "peak_rss_delta_mb": (peak - rss_start) / MB,
        "peak_is_exact": exact,
        "decoded_mb": metrics.decoded_bytes / MB,
        "predicted_peak_mb": estimate.peak_bytes / MB,
        "bytes_in": metrics.bytes_in,
        "bytes_out": metrics.bytes_out,
        "pixels": info.width * info.height,
        "out_pixels": result.width * result.height,
        "streams": info.format in ("jpeg", "png") and not info.progressive,
        "peak_bytes": metrics.peak_bytes,
        "total_ms": metrics.total_ms,
    }


# --- what passes -------------------------------------------------------------------------


def encoder_mb(format: str, found: dict[str, Any]) -> float:
    """What an encoder that takes the whole picture may need, by our own target; 0: it streams."""
    pixels = found["out_pixels"] / MB
    if format == "webp":
        return WEBP_MB + WEBP_BYTES_A_PIXEL * pixels
    return AVIF_MB + AVIF_BYTES_A_PIXEL * pixels if format == "avif" else 0.0


def budgets(job: dict[str, Any], found: dict[str, Any]) -> tuple[float, float]:
    """MB that (the whole process may take, it may grow by): what is promised, and our own
    target where there is one. AVIF output is the exception: its encoder comes on top."""
    whole: float = found["decoded_mb"] + MARGIN_MB
    growth = whole
    if job["format"] == "avif":
        whole += encoder_mb(job["format"], found)
        growth = whole
    if found["streams"] and job["target"] in GROWTH_MB:
        own = encoder_mb(job["format"], found) or GROWTH_MB[job["target"]]
        growth = min(growth, own)
    return whole, growth


def judge(job: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The measurement with its job, its budgets and what it failed."""
    whole, growth = budgets(job, found)
    failed = [
        text
        for passed, text in (
            (
                found["heap_delta_mb"] <= HEAP_MB,
                f"heap grew by {found['heap_delta_mb']:.3f} MB, promised {HEAP_MB}",
            ),
            (
                found["heap_delta_mb"] <= OWN_HEAP_MB,
                f"heap grew by {found['heap_delta_mb']:.3f} MB, own target {OWN_HEAP_MB}",
            ),
            (
                found["pixels"] < WHOLE_PROCESS_FROM_PIXELS or found["peak_rss_mb"] <= whole,
                f"whole process {found['peak_rss_mb']:.1f} MB, promised {whole:.1f}",
            ),
            (
                found["peak_rss_delta_mb"] <= growth,
                f"grew by {found['peak_rss_delta_mb']:.1f} MB, budget {growth:.1f}",
            ),
        )
        if not passed
    ]
    return {
        **{
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in found.items()
        },
        "workload": {
            "target": job["target"],
            "format": job["format"],
            "output": "file" if job["out"] else "buffer",
            "warm_up": job["warm"],
        },
        "budget_mb": round(whole, 3),
        "growth_budget_mb": round(growth, 3),
        "failed": failed,
        "passed": not failed,
    }


# --- all measurements ----------------------------------------------------------------------


def in_fresh_process(*arguments: str) -> str:
    """Standard output of this script run with other arguments."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def size_of(format: str, megapixels: float) -> tuple[int, int]:
    """3:2 with so many million pixels; less where the format has a limit."""
    width = round((megapixels * 1.5e6) ** 0.5)
    height = round(width / 1.5)
    side, pixels = LARGEST.get(format, (width, width * height))
    if width * height > pixels or width > side:
        width = min(side, round((pixels * 1.5) ** 0.5))
        height = min(side, pixels // width)
    if format == "avif":  # a grid of 4:2:0 has even sides
        width, height = width & ~1, height & ~1
    return width, height


def make_sources(options: argparse.Namespace) -> list[str]:
    """Pictures of the formats and sizes asked for; in other processes, to keep this one small."""
    sizes = options.megapixels or [options.width * round(options.width / 1.5) / 1e6]
    found = []
    for megapixels in sizes:
        for format in options.sources:
            size = "x".join(map(str, size_of(format, megapixels)))
            found.append(in_fresh_process("--make", format, size, str(options.directory)).strip())
    return found


def make_one(format: str, size: str, directory: str) -> None:
    """Make a source and print its path; runs in a process of its own."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import picture

    width, height = map(int, size.split("x"))
    alpha = format == "png"
    print(picture.make_source(Path(directory), format, width, height, alpha=alpha))


def jobs_of(options: argparse.Namespace, sources: list[str]) -> list[dict[str, Any]]:
    """Every measurement asked for, as plain data."""
    outs = {"buffer": [False], "file": [True], "both": [False, True]}[options.output]
    return [
        {
            "source": source,
            "target": target,
            "format": format,
            "warm": warm,
            "out": str(options.directory / f"out.{format}") if to_file else "",
        }
        for source in sources
        for target in options.target or [2000]
        for format in options.formats
        for to_file in outs
        for warm in (False, True)
    ]


def available(formats: list[str], direction: str) -> list[str]:
    """The formats that this build reads ("input") or writes; a line on stderr for each other."""
    code = f"import lazyimage; print(*lazyimage.supported_{direction}_formats())"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    known = done.stdout.split()
    for format in formats:
        if format not in known:
            print(f"skipped: no {format} as {direction} in this build", file=sys.stderr)
    return [format for format in formats if format in known]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", action="append", metavar="FILE", help="default: made")
    parser.add_argument("--sources", default=",".join(SOURCES), help="formats made")
    parser.add_argument("--width", type=int, default=6000, help="of the pictures made")
    parser.add_argument("--megapixels", default="", help="their sizes, by commas")
    parser.add_argument(
        "--target", type=int, action="append", help="box to fit into, 0 none; default 2000"
    )
    parser.add_argument("--formats", default="png,jpeg,webp,avif", help="of the output")
    parser.add_argument("--output", choices=("buffer", "file", "both"), default="buffer")
    parser.add_argument("--directory", type=Path, default=Path("build/zero-copy"))
    options = parser.parse_args()
    options.megapixels = [float(word) for word in options.megapixels.split(",") if word]
    widths = [size_of("", each)[0] for each in options.megapixels] or [options.width]
    if not all(8 <= width <= 65535 for width in widths):
        parser.error("widths must be from 8 to 65535")
    unknown = {*options.sources.split(",")} - {*SOURCES}
    if unknown:
        parser.error(f"no pictures are made of {', '.join(sorted(unknown))}")
    options.formats = available(options.formats.split(","), "output")
    options.sources = [
        format
        for format in available(options.sources.split(","), "input")
        if format in available([format], "output")
    ]
    return options


def main() -> int:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(json.loads(sys.argv[2]))))
        return 0
    if sys.argv[1:2] == ["--make"]:
        make_one(*sys.argv[2:5])
        return 0
    options = parse_arguments()
    options.directory.mkdir(parents=True, exist_ok=True)
    failures = 0
    for job in jobs_of(options, options.source or make_sources(options)):
        found = json.loads(in_fresh_process("--measure", json.dumps(job)))
        verdict = judge(job, found)
        print(json.dumps(verdict), flush=True)
        for text in verdict["failed"]:
            print(f"FAILED: {verdict['source']} {verdict['workload']}: {text}", file=sys.stderr)
        failures += bool(verdict["failed"])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
