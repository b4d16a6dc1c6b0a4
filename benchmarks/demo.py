"""make demo: one real conversion, with its plan and its figures.

Makes a 24 MP picture, then converts it to an 800 px JPEG, as JPEG and as PNG; each job
runs in a fresh process, so that its growth is its own.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import picture


def convert(source: str, output: str, side: int) -> dict[str, Any]:
    """Run one job here; what it took."""
    import memory

    import lazyimage as li

    engine = li.Engine.from_path(source).resize(side)
    plan = engine.explain("jpeg", 80)
    start = memory.start()
    before, cpu_before = time.perf_counter(), time.process_time()
    written, metrics = engine.to_file_with_metrics(output, quality=80)
    wall, cpu = time.perf_counter() - before, time.process_time() - cpu_before
    return {
        "plan": plan,
        "wall_ms": wall * 1e3,
        "cpu_ms": cpu * 1e3,
        "growth_mb": memory.growth(start) / 1e6,
        "decoded_mb": metrics.decoded_bytes / 1e6,
        "peak_mb": metrics.peak_bytes / 1e6,
        "bytes_in": metrics.bytes_in,
        "bytes_out": metrics.bytes_out,
        "size": f"{written.width}x{written.height}",
    }


def show(source: str, output: str, found: dict[str, Any]) -> None:
    """Print one job's plan and figures."""
    print(f"\n{source} → {output} ({found['size']})\n")
    print("\n".join("    " + line for line in found["plan"].splitlines()))
    print(
        f"""
    time                {found["wall_ms"]:9.1f} ms
    CPU                 {found["cpu_ms"]:9.1f} ms
    peak RSS growth     {found["growth_mb"]:9.1f} MB  (own count {found["peak_mb"]:.1f} MB)
    decoded bytes       {found["decoded_mb"]:9.1f} MB  (never held)
    bytes in            {found["bytes_in"]:9d}
    bytes out           {found["bytes_out"]:9d}"""
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("build/demo"))
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--side", type=int, default=800)
    parser.add_argument("--one", nargs=2, metavar=("IN", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(convert(*options.one, options.side)))
        return 0
    width, height = picture.sides(options.megapixels)
    print(f"lazyimage: making a {width}x{height} picture in {options.directory}", flush=True)
    for format in ("jpeg", "png"):
        source = str(
            picture.make_source(options.directory, format, width, height, alpha=format == "png")
        )
        output = str(options.directory / f"from-{format}.jpg")
        command = [sys.executable, __file__, "--one", source, output, "--side", str(options.side)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        show(source, output, json.loads(done.stdout))
    return 0


if __name__ == "__main__":
    sys.exit(main())
