"""R13 and R16: the corpus under sanitizers, and fuzzing with the coverage of our parsers."""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import oracle
from card import ROOT, Bench, Figure, row

SLOW_S = 10
HANG_S = 120
LANES = 2
"""What runs at once."""
MAKE = ["make", "--no-print-directory", "-s"]
FUZZ = ROOT / "build" / "fuzz"
PROGRESS = FUZZ / "progress.json"
TARGET_CPU_S = 600
FURTHER_CPU_S = 120
FURTHER = {"group", "jpeg_skim", "png_differential", "png_roundtrip", "window"}
"""Targets inside others: what they call is reached by decode, pipeline and roundtrip too."""
PIECE_S = 60
COVERED = 0.95
PROGRAM = ROOT / "build/asan/c/tests/reliability/sanitized"


# --- R13 ---------------------------------------------------------------------------------


class Lane(NamedTuple):
    """What came of one share of the files."""

    done: dict[str, float]
    """Seconds of its longest job, by path."""
    reports: list[str]
    """A path and a sanitizer's first words, or how the program died."""


def run_lane(paths: list[str]) -> Lane:
    """One process after the other: what kills one costs its file alone."""
    lane = Lane({}, [])
    left = list(paths)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1"}
    while left:
        process = subprocess.Popen(
            ["nice", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
        )
        try:
            answer, words = process.communicate("\n".join(left) + "\n", HANG_S + 2 * len(left))
        except subprocess.TimeoutExpired:
            process.kill()
            answer, words = process.communicate()
            words += "no end"
        lines = [line.split("\t") for line in answer.splitlines() if line.count("\t") > 1]
        lane.done.update({path: float(seconds) for path, seconds, *_ in lines})
        if process.returncode == 0:
            break
        at = len(lines)  # where it died; at the very end: a leak
        name = Path(left[at]).name if at < len(left) else "at exit"
        lane.reports.append(f"{name}: {_first_words(words, process.returncode)}")
        left = left[at + 1 :]
    return lane


def _first_words(text: str, status: int) -> str:
    found = re.search(r"(ERROR: \w+Sanitizer: \S+|runtime error: .*)", text)
    return found[1][:100] if found else f"status {status}, {text.strip()[-100:]}"


@row(
    "R13",
    "the corpus decoded, resized, encoded in each format under ASan, UBSan, LSan",
    "0 reports, 0 deaths, 0 over 10 s",
)
def sanitized(bench: Bench) -> Figure:
    subprocess.run([*MAKE, "sanitized-program"], cwd=ROOT, check=True)
    directory = bench.corpus if bench.corpus and not bench.short else oracle.DATA
    paths = [str(entry.file) for entry in oracle.read_index(directory)]
    if bench.short:
        paths = paths[::3]
    with ThreadPoolExecutor(LANES) as pool:
        lanes = list(pool.map(run_lane, [paths[lane::LANES] for lane in range(LANES)]))
    seconds = {path: time for lane in lanes for path, time in lane.done.items()}
    reports = [report for lane in lanes for report in lane.reports]
    slow = [Path(path).name for path, took in seconds.items() if took > SLOW_S]
    text = (
        f"{len(reports)} reports or deaths, {len(slow)} over 10 s, {len(paths)} files by 5 jobs; "
        f"longest job {max(seconds.values(), default=0):.1f} s"
    )
    why = "; ".join([*reports, *slow])
    return Figure(text, not why and len(seconds) == len(paths), why)


# --- R16 ---------------------------------------------------------------------------------


def targets() -> list[str]:
    names = sorted(path.stem.removeprefix("fuzz_") for path in (ROOT / "tests/fuzz").glob("*.c"))
    return [name for name in names if (FUZZ / "c/tests/fuzz" / f"fuzz_{name}").exists()]


def fuzz_piece(target: str, seconds: int) -> dict[str, Any]:
    """Some seconds of one target: what libFuzzer says of them."""
    log = FUZZ / f"{target}.log"
    before = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "tools/fuzz.py", target, str(seconds)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")

    def stat(name: str) -> int:
        found = re.search(rf"stat::{name}: *(\d+)", text)
        return int(found[1]) if found else 0

    return {
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.monotonic() - before,
        "inputs": stat("number_of_executed_units"),
        "slowest": stat("slowest_unit_time_sec"),
        "peak": stat("peak_rss_mb"),
        "findings": _findings(text, process.returncode),
    }


def _findings(text: str, status: int) -> list[str]:
    if status == 0:
        return []
    found = re.search(r"Test unit written to (\S+)", text)
    return [found[1] if found else f"status {status}: {text.strip()[-200:]}"]


def add(total: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any]:
    return {
        "cpu": total["cpu"] + piece["cpu"],
        "wall": total["wall"] + piece["wall"],
        "inputs": total["inputs"] + piece["inputs"],
        "slowest": max(total["slowest"], piece["slowest"]),
        "peak": max(total["peak"], piece["peak"]),
        "findings": total["findings"] + piece["findings"],
    }


def run_targets(wanted: dict[str, float], piece_s: int, kept: Path | None) -> dict[str, Any]:
    """Until each has had its seconds of CPU, those that have had least first; `kept` remembers."""
    totals: dict[str, Any] = json.loads(kept.read_text()) if kept and kept.exists() else {}
    nothing = {"cpu": 0.0, "wall": 0.0, "inputs": 0, "slowest": 0, "peak": 0, "findings": []}
    totals = {name: totals.get(name, nothing) for name in wanted}
    with ThreadPoolExecutor(LANES) as pool:
        while left := sorted(
            (
                name
                for name, cpu_s in wanted.items()
                if totals[name]["cpu"] < cpu_s and not totals[name]["findings"]
            ),
            key=lambda name: totals[name]["cpu"],
        )[:LANES]:
            for name, piece in zip(
                left, pool.map(lambda n: fuzz_piece(n, piece_s), left), strict=True
            ):
                totals[name] = add(totals[name], piece)
            if kept:
                kept.write_text(json.dumps(totals, indent=1))
    return totals


@row(
    "R16",
    "fuzzing under ASan, UBSan and LSan: 10 CPU-minutes a target (2 for targets inside others); "
    "lines of our parsers",
    "0 crashes, 0 over 5 s, 0 over 512 MiB; ≥ 95 %",
)
def fuzzed(bench: Bench) -> Figure:
    subprocess.run([*MAKE, "fuzz-programs"], cwd=ROOT, check=True)
    if bench.short:
        totals = run_targets(dict.fromkeys(targets(), 0.1), 1, None)
    else:
        seconds = {name: FURTHER_CPU_S if name in FURTHER else TARGET_CPU_S for name in targets()}
        totals = run_targets(seconds, PIECE_S, PROGRESS)
    findings = [f"{name}: {what}" for name, it in totals.items() for what in it["findings"]]
    every = totals.values()
    minutes = min(it["cpu"] for name, it in totals.items() if name not in FURTHER) / 60
    told = (
        f"{len(findings)} findings in {sum(it['inputs'] for it in every):,} inputs of "
        f"{len(totals)} targets, {minutes:.1f} CPU-minutes or more each; longest "
        f"{max(it['slowest'] for it in every)} s, most {max(it['peak'] for it in every)} MiB"
    )
    if bench.short:
        return Figure(told, not findings, "; ".join(findings))
    share, lowest = coverage()
    PROGRESS.unlink(missing_ok=True)  # measured: the next time begins anew
    return Figure(
        f"{told}; {share:.1%} of the parsers' lines, least {lowest}",
        not findings and share >= COVERED,
        "; ".join(findings),
    )


def coverage() -> tuple[float, str]:
    """The share of lines that tests and seeds reach, and the file that has the least."""
    subprocess.run([*MAKE, "coverage"], cwd=ROOT, check=True, stdout=sys.stderr)
    told = json.loads((ROOT / "build/cover/coverage.json").read_text())
    name, least = min(told["files"].items(), key=lambda item: item[1])
    return told["share"], f"{name} {least:.1%}"
