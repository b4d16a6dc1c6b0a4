"""make bench: 24 MP JPEG and PNG to an 800 px JPEG, beside Pillow and sharp.

    python benchmarks/first.py [--rounds 7] [--megapixels 24] [--directory build/bench]

Every cell is a fresh process: it loads its library, warms up on a small picture, and then
does one job with whatever threads the library takes by itself. The tools take turns, round
by round; the table has medians. Pillow comes from pip and sharp from npm, into the
directory; one that cannot be had is left out with a word. Writes first.md and first.json.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import picture

SIDE, QUALITY = 800, 80
SOURCES = (("JPEG", "jpeg", False), ("PNG", "png", False), ("RGBA PNG", "png", True))
FIGURES = ("cpu_ms", "wall_ms", "growth_mb", "bytes_out")

SHARP = """
const fs = require("fs");
const sharp = require("sharp");
const [warm, source, output, side, quality] = process.argv.slice(2);
const field = (name) => {
  const status = fs.readFileSync("/proc/self/status", "ascii");
  const line = status.match(new RegExp(name + ":\\\\s+(\\\\d+)"));
  return Number(line[1]) * 1024;
};
const job = (from) =>
  sharp(from).resize(Number(side)).jpeg({ quality: Number(quality) }).toFile(output);
(async () => {
  sharp.cache(false);
  await job(warm);
  let start = 0;
  try { fs.writeFileSync("/proc/self/clear_refs", "5"); } catch (error) {}
  start = field("VmRSS");
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  await job(source);
  const wall_ms = Number(process.hrtime.bigint() - wall) / 1e6;
  const used = process.cpuUsage(cpu);
  console.log(JSON.stringify({
    wall_ms, cpu_ms: (used.user + used.system) / 1e3,
    growth_mb: Math.max(0, field("VmHWM") - start) / 1e6,
    version: "sharp " + sharp.versions.sharp + ", libvips " + sharp.versions.vips,
  }));
})();
"""


# --- one cell, in a process of its own ---------------------------------------------------


def lazyimage_job() -> tuple[Callable[[str, str], object], str]:
    """The job in lazyimage, and its version."""
    import lazyimage as li

    def job(source: str, output: str) -> object:
        engine = li.Engine.from_path(source).resize(SIDE)
        return engine.to_file(output, "jpeg", QUALITY, durable=False)

    return job, f"lazyimage {li.__version__}"


def pillow_job() -> tuple[Callable[[str, str], object], str]:
    """The job in Pillow: thumbnail() lets the JPEG decoder shrink, as ours does."""
    import PIL
    from PIL import Image

    def job(source: str, output: str) -> object:
        with Image.open(source) as opened:
            opened.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            if opened.mode == "RGBA":
                white = Image.new("RGBA", opened.size, "white")
                white.alpha_composite(opened)
                return white.convert("RGB").save(output, "JPEG", quality=QUALITY)
            return opened.save(output, "JPEG", quality=QUALITY)

    return job, f"Pillow {PIL.__version__}"


def run_cell(tool: str, warm: str, source: str, output: str) -> dict[str, Any]:
    """Warm up, then measure one job in this process."""
    import memory

    job, version = {"lazyimage": lazyimage_job, "Pillow": pillow_job}[tool]()
    job(warm, output)
    start = memory.start()
    wall, cpu = time.perf_counter(), time.process_time()
    job(source, output)
    return {
        "wall_ms": (time.perf_counter() - wall) * 1e3,
        "cpu_ms": (time.process_time() - cpu) * 1e3,
        "growth_mb": memory.growth(start) / 1e6,
        "version": version,
    }


# --- the tools -----------------------------------------------------------------------------


def install_pillow(directory: Path) -> list[str] | None:
    """The command that runs a Pillow cell; None, with a word, if it cannot be had."""
    target = directory / "pillow"
    if not target.exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(target), "pillow"]
        if subprocess.run(command, check=False).returncode:
            print("left out: Pillow cannot be installed")
            return None
    return [sys.executable, __file__, "--cell", "Pillow"]


def install_sharp(directory: Path) -> list[str] | None:
    """The command that runs a sharp cell; None, with a word, if it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm or not Path("/proc/self/status").exists():
        print("left out: sharp needs node, npm and /proc")
        return None
    target = directory / "sharp"
    target.mkdir(parents=True, exist_ok=True)
    if not (target / "node_modules" / "sharp").exists():
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(target)]
        if subprocess.run([*command, "sharp"], check=False).returncode:
            print("left out: sharp cannot be installed")
            return None
    script = target / "cell.js"
    script.write_text(SHARP, encoding="utf-8")
    return [node, str(script)]


def commands(directory: Path) -> dict[str, list[str]]:
    """Tool → the command that runs one of its cells."""
    found = {
        "lazyimage": [sys.executable, __file__, "--cell", "lazyimage"],
        "Pillow": install_pillow(directory),
        "sharp": install_sharp(directory),
    }
    return {tool: command for tool, command in found.items() if command}


def measure(
    tools: dict[str, list[str]], source: Path, warm: Path, directory: Path, rounds: int
) -> dict[str, dict[str, Any]]:
    """Tool → medians of its cells over one source; the tools take turns."""
    cells: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
    environment = {**os.environ, "PYTHONPATH": str(directory / "pillow")}
    for _ in range(rounds):
        for tool, command in tools.items():
            output = directory / f"{tool}-{source.stem}.jpg"
            arguments = [str(warm), str(source), str(output)]
            arguments += [str(SIDE), str(QUALITY)] if tool == "sharp" else []
            done = subprocess.run(
                [*command, *arguments],
                stdout=subprocess.PIPE,
                check=True,
                env=environment if tool == "Pillow" else None,
            )
            cells[tool].append({**json.loads(done.stdout), "bytes_out": output.stat().st_size})
    return {
        tool: {
            "version": each[0]["version"],
            **{figure: statistics.median(cell[figure] for cell in each) for figure in FIGURES},
            "cpu_ms_of_each": [round(cell["cpu_ms"], 1) for cell in each],
        }
        for tool, each in cells.items()
    }


# --- the report ------------------------------------------------------------------------------


def table(title: str, found: dict[str, dict[str, Any]]) -> list[str]:
    """Markdown lines; the best of a column is bold, so that our losses show."""
    best = {name: min(cell[name] for cell in found.values()) for name in FIGURES}
    lines = [f"## {title}", "", "| tool | CPU ms | wall ms | RSS growth MB | bytes out |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for cell in found.values():
        texts = [f"{cell[name]:.{0 if name == 'bytes_out' else 1}f}" for name in FIGURES]
        marked = [
            f"**{text}**" if cell[name] == best[name] else text
            for name, text in zip(FIGURES, texts, strict=True)
        ]
        lines.append(f"| {cell['version']} | {' | '.join(marked)} |")
    return [*lines, ""]


def losses(found: dict[str, dict[str, Any]]) -> list[str]:
    """What another tool does better than lazyimage, in words."""
    ours = found["lazyimage"]
    return [
        f"- {cell['version']} is better in {name}: {cell[name]:.1f} against {ours[name]:.1f}"
        for tool, cell in found.items()
        for name in FIGURES
        if tool != "lazyimage" and cell[name] < ours[name]
    ]


def main() -> int:
    if sys.argv[1:2] == ["--cell"]:
        print(json.dumps(run_cell(*sys.argv[2:6])))
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--directory", type=Path, default=Path("build/bench"))
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    directory = options.directory.resolve()
    tools = commands(directory)
    width, height = picture.sides(options.megapixels)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [
        f"# {width}x{height} → {SIDE} px JPEG, quality {QUALITY}",
        "",
        f"{platform.machine()}, {usable} CPUs, Python {platform.python_version()};"
        f" medians of {options.rounds} interleaved runs, each in a fresh process.",
        "",
    ]
    results = {}
    for kind, format, alpha in SOURCES:
        source = picture.make_source(directory, format, width, height, alpha=alpha)
        warm = picture.make_source(directory, format, 900, 600, alpha=alpha)
        found = measure(tools, source, warm, directory, options.rounds)
        title = f"{options.megapixels:g} MP {kind} ({source.stat().st_size / 1e6:.1f} MB)"
        lines += [*table(title, found), *losses(found), ""]
        results[kind] = found
    text = "\n".join(lines)
    (directory / "first.md").write_text(text + "\n", encoding="utf-8")
    (directory / "first.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
