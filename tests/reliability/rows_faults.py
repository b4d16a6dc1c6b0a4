"""R14, R15, R21 and R24: allocations that fail, memory that nobody wrote, disks that refuse,
and what belongs to the process."""

from __future__ import annotations

import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import oracle
from card import ROOT, Bench, Figure, row

import lazyimage

HERE = Path(__file__).resolve().parent
ALLOCATIONS = ROOT / "build" / "c" / "tests" / "reliability" / "allocations"
A_FORMAT = 5
"""Files of each format in R14."""


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("-")[0].split(".")[:2])


def build_shim(bench: Bench, name: str) -> Path:
    """tests/reliability/NAME.c as a library to preload."""
    library = bench.work / f"{name}.so"
    command = ["gcc", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", HERE / f"{name}.c"]
    subprocess.run([*command, "-o", library], check=True)
    return library


def run_python(
    script: str, *words: object, preload: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A script of this directory in a process of its own; its output is in .stdout."""
    variables = {**os.environ, **environment}
    variables["PYTHONPATH"] = str(ROOT / "tests" / "python")
    if preload:
        variables["LD_PRELOAD"] = str(preload)
    command = [sys.executable, str(HERE / script), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


# --- R14 -------------------------------------------------------------------------------


def excuses() -> dict[str, str]:
    """What is known of libraries that do not look at what malloc gives them: what is reported,
    as a pattern, and why. A block that we asked for excuses nothing, nor does one that a
    library asked for elsewhere.
    """
    found = lazyimage.features()
    known = {}
    if "avif" in found and version(found["avif"][1]) < (1, 1):
        for what, why in AVIF_EXCUSES.items():
            known[what] = why
    if "webp" in found and version(found["webp"][1]) < (1, 4):
        for what, why in WEBP_EXCUSES.items():
            known[what] = why
    return known


AVIF_EXCUSES = {
    r"signal 6 in libavif\S+, refused libavif\S+ in (avif\w+|\?)": "libavif before 1.1 aborts",
    r"(signal \d+|leak) in (libaom\S+|\?), refused libaom\S+ in avifEncoder\w+": (
        "libaom 3.6's encoder goes on without its memory"
    ),
    r"signal 11 in libavif\S+, refused libaom\S+ in avifEncoder\w+": (
        "libavif before 1.1 goes on without what libaom did not make"
    ),
}
WEBP_EXCUSES = {
    r"signal 11 in libwebp\S+, refused libwebp\S+ in (WebPIUpdate|WebPEncode|\?)": (
        "libwebp before 1.4 goes on without its code tables"
    ),
    r"wrong result of webp(-\w+)?, refused libwebp\S+ in (WebPEncode|\?)": (
        "libwebp 1.2's lossless encoder loses bits that way"
    ),
}


TAGGED = ("png/icc.png",)
"""By name: they have a profile that is not sRGB's, so lcms2 allocates too."""
AVIF = (
    *("420-32x32", "444-alpha-idat", "alpha-without-ispe", "sequence-420", "420-alpha-709"),
    *("grid-420", "420-10-pq"),
)
NUMBERED = ("pngsuite/basn2c16.png",)
"""gAMA: its colours are converted by numbers, 16 bits deep."""


def chosen_files() -> list[Path]:
    """The same in both forms: small ones, as each is decoded some hundred times."""
    files = []
    entries = [e for e in oracle.read_index(oracle.DATA) if e.kind == "valid"]
    for format in ("jpeg", "png", "webp"):
        good = [e for e in entries if e.format == format and 500 <= e.pixels <= 200_000]
        step = max(1, len(good) // A_FORMAT)
        files += [entry.file for entry in good[::step][:A_FORMAT]]
    files += [oracle.DATA / name for name in TAGGED]
    files += [oracle.DATA / "avif" / f"{name}.avif" for name in AVIF]
    return files + [oracle.DATA / name for name in NUMBERED]


class Tally(collections.Counter[str]):
    """What the lines of `allocations` come to: numbers, and in `places` what went wrong where."""

    NAMES = ("failed", "memory", "other", "", "without", "wrong")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: collections.Counter[str] = collections.Counter()
        for line in text.splitlines():
            job, path, *numbers = line.split("\t")
            if len(numbers) < len(self.NAMES):
                self.places[f"{job} of {path}: {numbers[0]}"] += 1
                continue
            self.update(dict(zip(self.NAMES, map(int, numbers[: len(self.NAMES)]), strict=True)))
            for place in numbers[len(self.NAMES) :]:
                count, _, what = place.partition(" ")
                self.places[what] += int(count)

    def figure(self, files: int) -> tuple[str, bool, str]:
        """The row's text, whether the target is met, and what is excepted."""
        reasons = {
            what: why
            for what in self.places
            for pattern, why in excuses().items()
            if re.fullmatch(pattern, what)
        }
        bad = sum(count for what, count in self.places.items() if what not in reasons)
        crashes, leaks = (
            sum(
                n
                for what, n in self.places.items()
                if what.startswith(word) and what not in reasons
            )
            for word in ("signal", "leak")
        )
        died = sum(n for what, n in self.places.items() if what.startswith("signal"))
        text = f"{crashes} crashes, {leaks} leaks of {self['failed'] + died:,} in C, {files} files"
        known = collections.Counter[str]()
        for what, why in reasons.items():
            known[why] += self.places[what]
        told = [f"excepted: {why} ({count} ×)" for why, count in known.most_common()]
        told += [f"{n} × {what}" for what, n in self.places.most_common() if what not in reasons]
        return text, bad == 0, "; ".join(told)


CELL = r"leak in \S+ at \d+, refused (lib)?python\S+ for PyCell_New( |$)"
"""MAKE_CELL of CPython 3.11 and 3.12: a call that makes a closure loses its arguments for good,
with all that they hold, if there is no memory for a cell; a thousand such calls leave a thousand
references to each (docs/reliability.md)."""


def is_the_interpreters(what: str) -> bool:
    """Neither asked for by us or a library of ours, nor on a stack with us in it: what the
    interpreter does without memory of its own, between two calls of ours.
    """
    asked = what.partition(", refused ")[2].partition(";")[0]
    if sys.version_info < (3, 13) and re.search(CELL, what):
        return True
    ours = ("_core" in what) or ("_avif" in what)
    return asked.startswith(("python", "libpython")) and not ours


def heap_job(bench: Bench, shim: Path, job: str, stride: int) -> tuple[int, list[str], list[str]]:
    """One job of faulty_heap.py, gone on with after each crash: failed allocations, what was
    odd, and what is the interpreter's."""
    directory = bench.work / job
    directory.mkdir()
    first, failed = 0, 0
    odd: list[str] = []
    theirs: list[str] = []

    def note(what: str) -> None:
        (theirs if is_the_interpreters(what) else odd).append(f"{job}: {what}")

    while True:
        done = run_python(
            "faulty_heap.py", directory, job, first, stride, preload=shim, PYTHONMALLOC="malloc"
        )
        lines = done.stdout.splitlines()
        numbers = [int(line) for line in lines if line.isdigit()]
        failed += len(numbers)
        if done.returncode == 0 and lines and lines[-1].startswith("{"):
            told = json.loads(lines[-1])
            for what in (*told["odd"], *told["others"]):
                note(what)
            return failed, odd, theirs
        where = done.stderr.strip().splitlines()[-1:] or ["no word"]
        note(f"{where[0][:400]} at {numbers[-1] if numbers else 'the beginning'}")
        if not numbers or len(odd) > 3:
            return failed, odd, theirs
        first = numbers[-1] + stride


HEAP_JOBS = ("buffer", "pixels", "file", "many", "batch", "error", "header", "search", "count")


@row("R14", "every allocation failed once: decode, resize, encode; every op", "0 crashes, 0 leaks")
def allocations(bench: Bench) -> Figure:
    files = chosen_files()
    words = ["-s", "53" if bench.short else "1", "ahead", "behind", "extended"]
    firsts = set(files[::A_FORMAT])
    words += [f"{'+' if file in firsts else ''}{file}" for file in files]
    done = subprocess.run([ALLOCATIONS, *words], capture_output=True, text=True, check=False)
    text, met, why = Tally(done.stdout).figure(len(files))
    shim = build_shim(bench, "heap_faults")
    failed = 0
    odd: list[str] = []
    theirs: list[str] = []
    for job in HEAP_JOBS:
        more, mine, its = heap_job(bench, shim, job, 41 if bench.short else 1)
        failed, odd, theirs = failed + more, odd + mine, theirs + its
    text += f"; {len(odd)} of {failed:,} with Python, {len(theirs)} things are the interpreter's"
    crashed = [what for what in theirs if "signal" in what]
    notes = [why, "; ".join(odd)[:500], f"CPython: {'; '.join(crashed)}"[:300] if crashed else ""]
    return Figure(text, met and not odd, "; ".join(note for note in notes if note))


# --- R21 -------------------------------------------------------------------------------

KILLS = 200
LONGEST_S = 0.12
"""Of a life; a job takes 5 to 40 ms."""


def killed(bench: Bench, kills: int) -> tuple[int, int, int]:
    """kill −9 at random moments: partial files, those that were new, stale temp files."""
    random.seed(5)
    directory = bench.work / "killed"
    directory.mkdir()
    command = [sys.executable, str(HERE / "writer.py"), str(directory), str(kills)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdin and writer.stdout
    partial = new = 0
    for line in iter(writer.stdout.readline, "done\n"):
        if not line:
            raise AssertionError(f"writer.py ended with {writer.wait()}")
        word, *rest = line.split()
        if word == "child":
            time.sleep(random.uniform(0.001, LONGEST_S))
            os.kill(int(rest[0]), signal.SIGKILL)
        else:
            partial += word == "partial"
            new += word == "new"
    writer.wait()
    stale = sum(path.name.startswith(".lazyimage-") for path in directory.iterdir())
    return partial, new, stale


@row("R21", "faults of a disk × 4 encoders × 9 targets; kill −9", "0 partial files")
def outputs(bench: Bench) -> Figure:
    shim = build_shim(bench, "output_faults")
    formats = ["png"] if bench.short else ["jpeg", "png", "webp", "avif"]
    done = run_python("faulty_outputs.py", bench.work, *formats, preload=shim)
    if done.returncode:
        return Figure(f"the worker ended with {done.returncode}", False, done.stderr[-500:])
    trials = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [trial for trial in trials if trial["wrong"]]
    faults = {trial["fault"].replace(" over a file", "") for trial in trials if trial["fired"]}
    kills = 24 if bench.short else KILLS
    partial, new, stale = killed(bench, kills)
    text = (
        f"0 partial files: {len(trials)} trials of {len(faults)} faults, {len(wrong)} not as "
        f"they must be; {partial} of {kills} kills left a partial file ({new} a new one, "
        f"{stale} stale temp files)"
    )
    if wrong or partial:
        text = text.partition(": ")[2]
    why = "; ".join(f"{t['target']}, {t['format']}, {t['fault']}: {t['wrong'][0]}" for t in wrong)
    return Figure(text, not wrong and not partial, why[:600])


# --- R15 -------------------------------------------------------------------------------

PERTURBED = ("85", "170")


@row("R15", "MALLOC_PERTURB_ 0x55 against 0xAA", "0 differences")
def unwritten(bench: Bench) -> Figure:
    directory = bench.corpus if bench.corpus and not bench.short else oracle.DATA
    entries = oracle.read_index(directory)
    if bench.short:
        entries = entries[::9]
    names = bench.work / "names"
    names.write_text("\n".join(str(entry.file) for entry in entries))
    lines = []
    for value in PERTURBED:
        # Python's own blocks too: a job's request and its error are in them. What comes from a
        # thread's cache is not filled again, so there is none.
        settings = {"MALLOC_PERTURB_": value, "PYTHONMALLOC": "malloc"}
        settings["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=0"
        done = run_python("digests.py", names, **settings)
        if done.returncode:
            return Figure(f"the worker ended with {done.returncode}", False, done.stderr[-500:])
        lines.append(done.stdout.splitlines())
    first, second = lines
    if first[0] == second[0]:
        return Figure("no figure", False, f"malloc is not perturbed: {first[0]}")
    differ = [a for a, b in zip(first[1:], second[1:], strict=False) if a != b]
    missing = abs(len(first) - len(second))
    text = (
        f"{len(differ) + missing} differences in {len(first) - 1} results of {len(entries)} files"
    )
    return Figure(text, not differ and not missing, "; ".join(differ[:5]))


# --- R24 -------------------------------------------------------------------------------


@row("R24", "foreign state before and after each job of every kind", "unchanged")
def foreign_state(bench: Bench) -> Figure:
    entries = oracle.read_index(oracle.DATA)
    kinds: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        kinds.setdefault((entry.format, entry.kind), []).append(str(entry.file))
    a_kind = 1 if bench.short else 12
    pictures = [path for paths in kinds.values() for path in paths[:a_kind]]
    done = run_python("foreign_jobs.py", bench.work, *pictures)
    if done.returncode:
        return Figure(f"the worker ended with {done.returncode}", False, done.stderr[-500:])
    line, _, rest = done.stdout.partition("\n")
    told = json.loads(line) if line.startswith("{") else {"jobs": 0, "looks": 0, "wrong": [line]}
    wrong = told["wrong"] + ([f"printed: {done.stderr + rest}"] if done.stderr or rest else [])
    text = f"{'unchanged' if not wrong else 'changed'} after {told['jobs']} jobs"
    return Figure(f"{text}, {told['looks']} things looked at", not wrong, "; ".join(wrong)[:600])
