#!/usr/bin/env python3
"""Pictures a second: a batch beside sharp and vipsthumbnail, and what a second worker gains.

    throughput.py [--count 2000] [--rounds 3] [--only MIX …] [--directory build/bench]

Mixes of photographs, drawings and made waves: one for each size and kind of file, the corpus's
own files (LAZYIMAGE_CORPUS), and all of them together. Every tool shrinks each picture to 200
pixels wide by lanczos3 and writes a JPEG: quality 80, 4:2:0, optimised, not progressive, no
metadata, nothing enlarged. Two CPUs for each, in whichever way suits the tool best; fresh
processes, interleaved; minimum. Start-up is not counted. Exit 1 if a tool is faster than ours in
a mix, or if two workers are not 1.7 times as fast as one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lazyimage as li

HERE = Path(__file__).resolve().parent
CPUS = 2
WIDTH, QUALITY = 200, 80
GAIN = 1.7
SIZES = {"small": (150, 320), "medium": (640, 1280), "large": (2400, 4000)}
COUNTS = {"small": 1000, "medium": 300, "large": 40}
"""Pictures of a mix: it takes about a second."""
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("jpeg", {"quality": 85, "progressive": False}),
    "progressive": ("jpeg", {"quality": 85, "progressive": True}),
    "png": ("png", {}),
    "webp": ("webp", {"quality": 85}),
}
SHARES = {"jpeg": 12, "progressive": 3, "png": 3, "webp": 2, "corpus": 5}
"""Of each in the list of all;"""
OFTEN = {"small": 4, "medium": 3, "large": 1}
"""and of each size."""
PHOTOGRAPHS = (
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/Dragonfly_by_Bolly.jpg",
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "imazen-codec-corpus/clic2025/validation/60430844748882ff66b9a5598ef06dd6.png",
)


# --- the pictures ----------------------------------------------------------------------


def waves() -> li.Engine:
    """Something between a photograph and a drawing."""
    tile = bytes((x * x + 3 * y * y + x * y) >> 3 & 255 for y in range(64) for x in range(192))
    engine = li.Engine.from_pixels(memoryview(tile).cast("B", (64, 64, 3)))
    return engine.resize(4000, 3000, fit="fill", kernel="cubic")


def corpus() -> Path | None:
    named = Path(os.environ.get("LAZYIMAGE_CORPUS") or HERE.parents[1] / "shared" / "corpus")
    return named if (named / "INDEX.tsv").is_file() else None


def subjects() -> list[li.Engine]:
    """What is in the pictures: photographs, one in four made."""
    top = corpus()
    names = [top / name for name in PHOTOGRAPHS] if top else []
    found = [li.Engine.from_path(name) for name in names if name.is_file()]
    found = found or [li.Engine.from_path(HERE / "data" / "picture.jpg")]
    return [engine.convert("RGB").decoded() for engine in [*found, waves()]]


def own_files() -> list[Path]:
    """Files of the corpus as they are: those that all tools treat alike."""
    top = corpus()
    if top is None:
        return []
    with (top / "INDEX.tsv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = {}
    for row in rows:
        pixels = int(row["width"] or 0) * int(row["height"] or 0)
        plain = row["notes"] == "valid" and row["format"] in ("jpeg", "png", "webp")
        if plain and 40_000 < pixels < 12_000_000:
            info = li.inspect_file(top / row["path"])
            if not info.icc_bytes and info.mode != "CMYK" and info.frames == 1:
                found[row["sha256"]] = top / row["path"]
    return [found[key] for key in sorted(found)]


def make_bases(directory: Path) -> dict[str, list[Path]]:
    """Mix → its files, each of them once."""
    directory.mkdir(parents=True)
    mixes: dict[str, list[Path]] = {}
    scenes = subjects()
    for size, widths in SIZES.items():
        for kind, (format, options) in KINDS.items():
            files = mixes.setdefault(f"{size} {kind}", [])
            for number, engine in enumerate(scenes):
                path = directory / f"{size}-{kind}-{number}.{format}"
                width = widths[number % len(widths)]
                engine.resize(width).to_file(path, format, durable=False, **options)
                files.append(path)
    if files := own_files():
        mixes["corpus"] = files
    return mixes


def linked(files: list[Path], count: int, directory: Path) -> Path:
    """The list of `count` names for these files, in turn."""
    directory.mkdir()
    names = []
    for index in range(count):
        file = files[index % len(files)]
        name = directory / f"{index:05d}.{'jpg' if file.suffix == '.jpeg' else file.suffix[1:]}"
        os.symlink(file, name)
        names.append(str(name))
    path = directory / "list"
    path.write_text("\n".join(names) + "\n", encoding="utf-8")
    return path


def mixed(mixes: dict[str, list[Path]]) -> list[Path]:
    """All, in their shares, one after the other."""
    found: list[Path] = []
    for turn in range(60):
        for kind, share in SHARES.items():
            names = [mix for mix in mixes if mix.split()[-1] == kind]
            files = [f for mix in names for f in mixes[mix] * OFTEN.get(mix.split()[0], 1)]
            found += [files[(7 * (turn * share + i)) % len(files)] for i in range(share) if files]
    return found


def make_lists(directory: Path, count: int, only: list[str]) -> dict[str, Path]:
    """Mix → the file that lists its pictures."""
    shutil.rmtree(directory, ignore_errors=True)
    mixes = make_bases(directory / "bases")
    wanted = {
        mix: (files, COUNTS.get(mix.split()[0], 4 * len(files))) for mix, files in mixes.items()
    }
    wanted["mixed"] = mixed(mixes), count
    return {
        mix: linked(files, number, directory / mix.replace(" ", "-"))
        for mix, (files, number) in wanted.items()
        if not only or mix in only
    }


# --- the tools -------------------------------------------------------------------------


def used() -> float:
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime


def measure(listed: str, output: str, workers: str, shrink: str) -> dict[str, float]:
    """Ours, in this process, which must be fresh."""
    names = Path(listed).read_text(encoding="utf-8").split("\n")[:-1]
    recipe = li.Recipe().resize(WIDTH, enlarge=False)

    def run(names: list[str]) -> None:
        li.process_batch(
            names,
            output,
            recipe,
            format="jpeg",
            quality=QUALITY,
            effort=1,
            shrink=shrink,
            workers=int(workers),
            on_error="raise",
        )

    run(names[:40])
    began, cpu = time.monotonic(), used()
    run(names)
    return {"seconds": time.monotonic() - began, "cpu": used() - cpu}


def answer(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def vips(program: str, listed: Path, output: Path, together: int, threads: int) -> dict[str, float]:
    """vipsthumbnail, without its start: `together` processes, each with its part of the list."""
    names = listed.read_text(encoding="utf-8").split()
    command = [program, f"--vips-concurrency={threads}", "--size", f"{WIDTH}x65500>"]
    command += ["-o", f"{output}/%s.jpg[Q={QUALITY},optimize_coding,strip]"]

    def run(parts: list[list[str]]) -> tuple[float, float]:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        running = [subprocess.Popen([*command, *part]) for part in parts]
        statuses = [one.wait() for one in running]
        if any(statuses):
            raise SystemExit("vipsthumbnail failed")
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
        return time.monotonic() - began, cpu

    start = run([names[:1]] * together)
    whole = run([names[part::together] for part in range(together)])
    return {"seconds": whole[0] - start[0], "cpu": whole[1] - start[1]}


def tools(directory: Path) -> dict[str, Callable[[Path, Path], dict[str, float]]]:
    """Each tool in each way that it may use two CPUs."""
    sys.path.insert(0, str(HERE))
    from fetch import _module

    environment = {**os.environ, "BENCH_NODE": str(directory / "node")}

    def ours(workers: int, shrink: str) -> Callable[[Path, Path], dict[str, float]]:
        command = [sys.executable, __file__, "--measure"]
        tail = [str(workers), shrink]
        return lambda listed, out: answer([*command, str(listed), str(out), *tail], environment)

    found = {
        "ours": ours(CPUS, "safe"),
        "ours, fast": ours(CPUS, "fast"),
        "ours, 1 worker": ours(1, "safe"),
    }
    reason = _module(directory, "sharp")
    if reason:
        print(f"MISSING: sharp: {reason}")
    else:
        node = [shutil.which("node") or "node", str(HERE / "peers" / "batch_with_sharp.mjs")]
        for together, threads in ((CPUS, 1), (CPUS, CPUS), (2 * CPUS, 1)):
            tail = [str(WIDTH), str(QUALITY), str(together), str(threads)]
            found[f"sharp {together}×{threads}"] = lambda listed, out, tail=tail: answer(
                [*node, str(listed), str(out), *tail], environment
            )
    program = shutil.which("vipsthumbnail")
    if not program:
        print("MISSING: vipsthumbnail: install libvips-tools")
    else:
        for together, threads in ((CPUS, 1), (1, CPUS)):
            found[f"vipsthumbnail {together}×{threads}"] = (
                lambda listed, out, together=together, threads=threads: vips(
                    program, listed, out, together, threads
                )
            )
    return found


# --- the table -------------------------------------------------------------------------


def best_of(rows: dict[str, dict[str, float]], tool: str) -> tuple[float, float, str]:
    """(seconds, CPU seconds, way) of the way that suits a tool best."""
    ways = [(row["seconds"], row["cpu"], way) for way, row in rows.items() if way.startswith(tool)]
    return min(ways, default=(0.0, 0.0, ""))


def told(mix: str, count: int, rows: dict[str, dict[str, float]]) -> int:
    """Print a row of the table; whether a peer is faster."""
    ours = rows["ours"]["seconds"]
    cells = [f"{count / ours:.0f}", f"{count / rows['ours, fast']['seconds']:.0f}"]
    lost = 0
    for tool in ("sharp", "vipsthumbnail"):
        seconds, cpu, way = best_of(rows, tool)
        if not way:
            cells.append("–")
            continue
        lost += ours > seconds
        ratio = rows["ours"]["cpu"] / cpu
        cells.append(
            f"{count / seconds:.0f} ({way.split()[-1]}), {seconds / ours:.2f}, {ratio:.2f}"
        )
    print(f"| {mix} | {count} | " + " | ".join(cells) + " |", flush=True)
    return lost > 0


HEAD = """\
A second; ours, times as fast; CPU, ours to theirs.

| mix | pictures | ours | ours, shrink="fast" | sharp | vipsthumbnail |
|---|---|---|---|---|---|"""


def compare(lists: dict[str, Path], directory: Path, rounds: int) -> int:
    """Print the table; the number of targets that were missed."""
    ways, missed, gain = tools(directory), 0, 0.0
    output = directory / "throughput-out"
    print(HEAD)
    for mix, listed in lists.items():
        rows: dict[str, dict[str, float]] = {}
        for _ in range(rounds):
            for way, run in ways.items():
                if "1 worker" in way and mix != "mixed":
                    continue
                shutil.rmtree(output, ignore_errors=True)
                output.mkdir()
                row = run(listed, output)
                old = rows.get(way, row)
                rows[way] = {key: min(old[key], row[key]) for key in row}
        missed += told(mix, len(listed.read_text(encoding="utf-8").split()), rows)
        if mix == "mixed":
            gain = rows["ours, 1 worker"]["seconds"] / rows["ours"]["seconds"]
    shutil.rmtree(output, ignore_errors=True)
    if gain:
        print(f"2 workers: {gain:.2f} times as fast as 1, target {GAIN} where two CPUs are free")
        missed += gain < GAIN
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], metavar="MIX")
    parser.add_argument("--directory", type=Path, default=HERE.parent / "build" / "bench")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*asked.measure)))
        return 0
    directory = asked.directory.resolve() / "throughput"
    lists = make_lists(directory, asked.count, asked.only)
    missed = compare(lists, asked.directory.resolve(), asked.rounds)
    shutil.rmtree(directory)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
