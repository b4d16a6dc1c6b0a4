"""R17, R18, R20, R22, R23: jobs that are stopped, many at once, forks, a long life."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import living
import stopping
from card import Bench, Figure, row

import lazyimage as li

MIB = 1 << 20
PROGRESSIVE = {"progressive": True, "optimize": True, "quality": 90}


ONE_ARENA = {**os.environ, "MALLOC_ARENA_MAX": "1"}
"""Threads then share malloc's first arena, the only one that malloc_trim() gives back whole."""


def _asked(program: str, patience: float, **asked: Any) -> Any:
    """The answer of a call in a process of its own."""
    done = subprocess.run(
        [sys.executable, program, json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
        env=ONE_ARENA if asked["function"] == "soak" else None,
    )
    if done.returncode:
        said = done.stderr.strip()[-300:]
        raise RuntimeError(f"{asked['function']} ended by {done.returncode}: {said}")
    return json.loads(done.stdout)


def _stopping(function: str, patience: float = 600, **asked: Any) -> Any:
    return _asked(stopping.__file__, patience, function=function, **asked)


def _living(function: str, patience: float = 600, **asked: Any) -> Any:
    return _asked(living.__file__, patience, function=function, **asked)


def _has(format: str) -> bool:
    return format in li.supported_output_formats()


# --- R17 ---------------------------------------------------------------------------------

P95_S, MAX_S = 0.100, 0.300


def _large(bench: Bench) -> dict[str, str]:
    """Progressive JPEG of 33 MP, PNG of 14.7, WebP of 16.7; a quarter of that in the short form."""
    by = 2 if bench.short else 1
    files: dict[str, Any] = {
        "large.jpg": (7000 // by, 4720 // by, PROGRESSIVE),
        "large.png": (4700 // by, 3130 // by, {}),
    }
    if _has("webp"):
        files["large.webp"] = (4096 // by, 4096 // by, {"quality": 85, "method": 1})
    found: dict[str, str] = _stopping("make", directory=str(bench.work), files=files)
    return found


@row(
    "R17",
    "Ctrl-C and cancel in progressive JPEG 33 MP, WebP 16.7 MP, PNG 14.7 MP",
    "p95 ≤ 100 ms, max ≤ 300 ms",
)
def stopped(bench: Bench) -> Figure:
    told, slow, every = [], [], []
    trials, most = (2, 0.4) if bench.short else (16, 6)
    for name, path in _large(bench).items():
        encoder = {"large.jpg": "jpeg", "large.png": "png"}.get(name, "webp")
        for job in ("decode", "resize", encoder):
            found = _stopping("stop", path=path, job=job, trials=trials, most=most, seed=1)
            seconds = sorted(found["seconds"])
            every += seconds
            worst = seconds[-1] if seconds else float("nan")
            stage = job if job in ("decode", "resize") else "encode"
            told.append(f"{Path(name).suffix[1:]} {stage} {1000 * worst:.0f}")
            if len(seconds) < trials:
                slow.append(f"{name} {job}: {len(seconds)} of {trials} were stopped")
            if worst > MAX_S * bench.patience:
                slow.append(f"{name} {job}: {worst:.3f} s")
    every.sort()
    p95 = every[int(0.95 * (len(every) - 1))]
    text = (
        f"p95 {1000 * p95:.0f} ms, max {1000 * every[-1]:.0f} ms of {len(every)} "
        f"(max of each: {', '.join(told)})"
    )
    return Figure(text, p95 <= P95_S * bench.patience and not slow, "; ".join(slow))


# --- R18 ---------------------------------------------------------------------------------

TIMEOUT_S, WITHIN_S = 0.2, 0.3
SILENT_S = 0.12
"""For each megapixel of lossless WebP: libwebp 1.2.4 and 1.6.0 tell no progress while they look for
repeats, 0.065 to 0.092 s a megapixel of a photograph (docs/reliability.md)."""
CANDIDATES = 60
"""Of the corpus, by bytes and pixels: the ten slowest are among them."""


def _candidates(bench: Bench) -> list[Path]:
    if not bench.corpus:
        return []
    with open(bench.corpus / "INDEX.tsv", encoding="utf-8") as file:
        entries = list(csv.DictReader(file, delimiter="\t"))
    valid = [entry for entry in entries if entry["notes"].startswith("valid")]

    def pixels(entry: dict[str, str]) -> int:
        return int(entry["width"] or 0) * int(entry["height"] or 0)

    valid.sort(key=pixels, reverse=True)
    most = valid[:CANDIDATES]
    valid.sort(key=lambda entry: int(entry["bytes"]), reverse=True)
    names = {entry["path"] for entry in (*most, *valid[: CANDIDATES // 2])}
    return [bench.corpus / name for name in sorted(names)]


def _slowest(bench: Bench) -> list[Path]:
    """The ten files that take the longest to decode, slowest first."""
    paths = [str(path) for path in _candidates(bench)]
    taken = _stopping("last", paths=paths)
    return [Path(path) for seconds, path in sorted(taken, reverse=True)[:10]]


def _deadline(bench: Bench, path: str, job: str, verb: str = "engine") -> dict[str, Any]:
    directory = bench.work / "out"
    directory.mkdir(exist_ok=True)
    found: dict[str, Any] = _stopping(
        *("deadline",), path=path, job=job, timeout=TIMEOUT_S, directory=str(directory), verb=verb
    )
    return found


@row(
    "R18",
    "timeout=0.2 on the ten slowest files, and in each encoder",
    "0.3 s; AVIF one frame; lossless WebP one pass",
)
def late(bench: Bench) -> Figure:
    jobs = [] if bench.short else [(str(path), "pixels") for path in _slowest(bench)]
    made = _large(bench)
    encoders = [job for job in ("jpeg", "png", "webp", "webp-lossless") if _has(job[:4])]
    jobs += [(path, job) for path in made.values() for job in encoders]
    if bench.short:
        jobs = jobs[::3]
    slow, worst, silent, stopped = [], 0.0, 0.0, 0
    asked = [(path, job, "engine") for path, job in jobs]
    asked += [(made["large.png"], "png", verb) for verb in stopping.VERBS if verb != "engine"]
    for path, job, verb in asked:
        found = _deadline(bench, path, job, verb)
        if found["said"] == "nothing" and found["seconds"] <= WITHIN_S and verb == "engine":
            continue  # it ended in time
        stopped += 1
        one_frame, within = path.endswith(".avif"), WITHIN_S
        if job == "webp-lossless":
            width, height = li.inspect_file(path).size
            within += SILENT_S * width * height / 1e6
            silent = max(silent, found["seconds"])
        elif not one_frame:
            worst = max(worst, found["seconds"])
        in_time = one_frame or found["seconds"] <= within * bench.patience
        if found["said"] != "E125" or found["left"] or not in_time:
            slow.append(f"{Path(path).name} {job} by {verb}: {found}")
    text = f"{worst:.3f} s at most in {stopped} of {len(asked)} jobs ({', '.join(stopping.VERBS)})"
    if silent:
        text += f"; lossless WebP {silent:.3f} s"
    return Figure(text + _frames(bench), not slow, "; ".join(slow))


def _frames(bench: Bench) -> str:
    """How late the deadline is where one frame of AVIF cannot be interrupted."""
    if not _has("avif"):
        return ""
    side = 100 if bench.short else 1000
    files: dict[str, Any] = {
        "frame.avif": (4 * side, 3 * side, {"speed": 10}),
        "stamp.png": (160, 120, {}),
    }
    paths = _stopping("make", directory=str(bench.work), files=files)
    asked = (("frame.avif", "pixels"), ("frame.avif", "avif-6"), ("stamp.png", "avif"))
    decoded, encoded, slowest = (
        _deadline(bench, paths[name], job)["seconds"] for name, job in asked
    )
    return (
        f"; AVIF of {12 * side * side / 1e6:.2g} MP: decode {decoded:.2f} s, encode at speed 6 "
        f"{encoded:.2f} s, of 0.02 MP at speed 0 {slowest:.2f} s"
    )


# --- R20 ---------------------------------------------------------------------------------


@row("R20", "64 × 33 MP progressive at once, pool 512 MiB", "peak RSS ≤ 700 MiB, all succeed")
def crowd(bench: Bench) -> Figure:
    count, by = (8, 4) if bench.short else (64, 1)
    pool, most = 512 * MIB // by, 700 * MIB // by
    files = {"one.jpg": (7040 // by, 4692 // by, PROGRESSIVE)}
    path = _stopping("make", directory=str(bench.work), files=files)["one.jpg"]
    paths = [str(bench.work / f"{i}.jpg") for i in range(count)]
    for other in paths:
        os.link(path, other)
    found = _living("crowd", paths=paths, max_memory=pool, workers=16)
    text = (
        f"{found['ok']} of {count}, peak {found['peak'] // MIB} MiB of {most // MIB} "
        f"(a job: {found['plan'] // MIB} MiB)"
    )
    met = found["ok"] == count and found["peak"] <= most
    return Figure(text, met, "; ".join(found["errors"]))


# --- R22, R23 ----------------------------------------------------------------------------


def _small(bench: Bench, width: int, height: int) -> list[str]:
    files: dict[str, Any] = {
        "small.jpg": (width, height, {}),
        "small.png": (width, height, {}),
        "progressive.jpg": (width, height, {"progressive": True}),
    }
    if _has("webp"):
        files["small.webp"] = (width, height, {})
    if _has("avif"):
        files["small.avif"] = (width, height, {"speed": 10})
    found: dict[str, str] = _stopping("make", directory=str(bench.work), files=files)
    for path in found.values():
        os.utime(path, living.LONG_AGO)
    return list(found.values())


@row("R22", "fork under load × 500, and the pools of multiprocessing", "0 hangs, 0 crashes")
def forked(bench: Bench) -> Figure:
    paths = _small(bench, 320, 240)
    forks, tasks = (15, 5) if bench.short else (500, 40)
    found = _living("fork_under_load", patience=1800, paths=paths, forks=forks, threads=4)
    pools = _living("pools", paths=paths, tasks=tasks)
    troubles = [*found["troubles"], *found["wrong"]]
    troubles += [f"{pool}: {right} of {tasks}" for pool, right in pools.items() if right != tasks]
    text = (
        f"{len(found['troubles'])} of {forks} forks beside {found['jobs']} jobs; "
        f"{', '.join(pools)}: {sum(pools.values())} of {3 * tasks} right"
    )
    return Figure(text, not troubles, "; ".join(troubles[:4]))


SLOPE = 1 * MIB


@row(
    "R23",
    "soak 30 min: mixed jobs, 5 % cancelled, 5 % cut meanwhile",
    "RSS < 1 MiB an hour after warm-up; descriptors, threads, guard's slots constant",
)
def soak(bench: Bench) -> Figure:
    seconds = 4 if bench.short else 1800
    found = _living(
        "soak", 2 * seconds + 60, paths=_small(bench, 160, 120), seconds=seconds, seed=1
    )
    steady = found["first"] == found["ended"] and found["ended"][2] == 0
    # In seconds there is no slope to speak of: what counts then is that nothing is lost.
    level = bench.short or found["slope"] < SLOPE
    text = (
        f"{found['slope'] / MIB:+.2f} MiB an hour in {seconds / 60:.0f} min "
        f"({found['low'] / MIB:.1f} to {found['high'] / MIB:.1f} MiB, "
        f"{found['untrimmed'] / MIB:.1f} at most with what malloc keeps); {found['done']:,} jobs, "
        f"{found['cancelled']:,} cancelled, {found['changed']:,} E103; descriptors, threads, "
        f"slots {tuple(found['first'])} then {tuple(found['ended'])}"
    )
    return Figure(text, steady and level and not found["others"], "; ".join(found["others"]))
