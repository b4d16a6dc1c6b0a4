"""R7 to R12 and R19: what is refused before it costs anything."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bombs
import numpy as np
import oracle
from alone import Peer
from card import Bench, Figure, row

import lazyimage as li

HOSTILE = Path(__file__).with_name("hostile.py")
MIB = 1 << 20
SECONDS, SCAN_SECONDS, GROWTH = 0.05, 0.5, 8 * MIB
PEERS = ("sharp", "lazy-image", "Pillow")
PEER_SECONDS = 60
LARGE_PIXELS = 12_000_000
MEMORY = 256 * MIB
TARGET = "refused, or decoded without the bomb, in < 50 ms, < 8 MiB"


def ask(seconds: float = 600, **call: Any) -> Any:
    """The answer of hostile.py in a process of its own; None: it died, or took too long."""
    command = [sys.executable, str(HOSTILE)]
    try:
        done = subprocess.run(
            command, input=json.dumps(call), capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout) if done.returncode == 0 else None


def mib(size: float) -> str:
    return f"{size / MIB:.1f} MiB"


# --- bombs ---------------------------------------------------------------------------


def peer_figures(paths: Sequence[Path], work: Path) -> dict[str, str]:
    """What each peer makes of each file, alone in a process."""
    harmless = work / "harmless.png"
    harmless.write_bytes(bombs.png())
    told = {}
    for name in PEERS:
        peer = Peer(name, harmless)
        if peer.missing:
            told[name] = f"not here: {peer.missing}"
            continue
        fates = [peer.beyond(path, PEER_SECONDS) for path in paths]
        slowest, largest = max(f.seconds for f in fates), max(f.peak for f in fates)
        counts = Counter(fate.answer for fate in fates)
        parts = [f"{counts['refused']} refused", f"{slowest:.2f} s", mib(largest)]
        parts += [f"{counts['slow']} over {PEER_SECONDS} s"] if counts["slow"] else []
        parts += [f"{counts['died']} died"] if counts["died"] else []
        told[name] = ", ".join(parts)
    return told


def bomb_row(bench: Bench, name: str, seconds: float, more: Sequence[Path] = ()) -> Figure:
    """Every bomb of a row, and what of the corpus is like them."""
    paths = [*bombs.write(name, bench.work), *more]
    seconds *= bench.patience
    answers = [ask(60, function="sweep", path=str(path)) for path in paths]
    wrong = [
        path.name if answer is None else f"{path.name} {answer['seconds']:.3f} s"
        for path, answer in zip(paths, answers, strict=True)
        if answer is None or answer["seconds"] >= seconds or answer["growth"] >= GROWTH
    ]
    there = [answer for answer in answers if answer]
    refused = sum(answer["answers"][-1] != "ok" for answer in there)
    slowest = max((answer["seconds"] for answer in there), default=0)
    growth = max((answer["growth"] for answer in there), default=0)
    text = f"{len(paths)} files, {refused} refused: {slowest * 1000:.1f} ms, {mib(growth)}"
    return Figure(
        text, not wrong, ", ".join(wrong), peer_figures(paths, bench.work) if bench.peers else {}
    )


def corpus_bombs(bench: Bench) -> list[Path]:
    """What the corpus's index calls a bomb or of huge dimensions."""
    if not bench.corpus or bench.short:
        return []
    entries = oracle.read_index(bench.corpus)
    return [entry.file for entry in entries if "bomb" in entry.notes or "huge" in entry.notes]


@row("R7", "pixel bombs, the corpus's among them", TARGET)
def pixel_bombs(bench: Bench) -> Figure:
    return bomb_row(bench, "R7", SECONDS, corpus_bombs(bench))


@row("R8", "texts and profiles that inflate", TARGET)
def text_bombs(bench: Bench) -> Figure:
    return bomb_row(bench, "R8", SECONDS)


@row("R9", "floods of segments and chunks", TARGET)
def marker_floods(bench: Bench) -> Figure:
    return bomb_row(bench, "R9", SECONDS)


@row("R10", "floods of AVIF items, deep boxes", TARGET)
def item_floods(bench: Bench) -> Figure:
    return bomb_row(bench, "R10", SECONDS)


@row("R11", "2,000 scans of 36 MP", "the same in < 0.5 s, < 8 MiB")
def scan_bombs(bench: Bench) -> Figure:
    return bomb_row(bench, "R11", SCAN_SECONDS)


# --- headers -------------------------------------------------------------------------


@row("R12", "header probe of every file", "p99 < 0.1 ms, cold < 1 ms, ≤ 64 KiB read")
def probes(bench: Bench) -> Figure:
    directory = bench.corpus if bench.corpus and not bench.short else oracle.DATA
    entries = oracle.read_index(directory)
    found = ask(function="probe", paths=[str(entry.file) for entry in entries], rounds=5)
    if found is None:
        return Figure("the process died", False)
    warm, cold, bare, read = np.array(found).T
    p99, cold99, bare99 = (1000 * float(np.quantile(them, 0.99)) for them in (warm, cold, bare))
    cold50 = 1000 * float(np.median(cold))
    text = (
        f"p99 {p99:.3f} ms, median {1000 * np.median(warm):.3f}; not in the page cache: p99 "
        f"{cold99:.2f} ms, median {cold50:.3f}; at most {read.max() / 1024:.0f} "
        f"KiB of {len(entries)} files"
    )
    over = [entry.path for entry, bytes_ in zip(entries, read, strict=True) if bytes_ > 65536]
    why = ", ".join(over)
    slow = cold99 >= 1
    disk = slow and bare99 >= 0.5 * cold99
    if slow and not why:
        why = f"the disk: open and pread of the first page alone take {bare99:.2f} ms at p99"
    if bench.short:  # its disk is anybody's: the slowest of some hundred readings tell of that
        disk = cold50 < 1
    return Figure(text, p99 < 0.1 * bench.patience and (not slow or disk) and not over, why)


# --- memory --------------------------------------------------------------------------


def large_files(bench: Bench) -> list[Path]:
    """Over 12 MP: of the corpus; or one of each way to decode, made here."""
    if bench.corpus and not bench.short:
        entries = oracle.read_index(bench.corpus)
        return [e.file for e in entries if LARGE_PIXELS < e.pixels <= 268_402_689]
    noise = np.random.default_rng(1).integers(0, 255, (300, 410, 3), np.uint8)
    engine = li.Engine.from_pixels(noise).resize(4100, 3000, kernel="nearest")
    paths = []
    for name, options in (
        ("streamed.jpeg", {"progressive": False}),
        ("held.jpeg", {"progressive": True}),
        ("streamed.png", {"compression": 1}),
        ("held.webp", {"method": 0}),
    ):
        paths.append(bench.work / name)
        engine.to_file(paths[-1], durable=False, **options)
    return paths


@row("R19", "max_memory = 256 MiB on every file over 12 MP", "growth ≤ 1.1 ×, or refused before")
def bounded_memory(bench: Bench) -> Figure:
    paths = large_files(bench)
    answers = [ask(function="bounded", path=str(path), max_memory=MEMORY) for path in paths]
    jobs = [answer for found in answers if found for answer in found["answers"]]
    growth = max((found["growth"] for found in answers if found), default=0)
    early = max((found["refused_growth"] for found in answers if found), default=0)
    wrong = [
        path.name
        for path, found in zip(paths, answers, strict=True)
        if found is None or found["growth"] > 1.1 * MEMORY or found["refused_growth"] > GROWTH
    ]
    text = (
        f"{len(paths)} files, {len(jobs)} jobs, {jobs.count('E124')} refused (growth then "
        f"{mib(early)}); growth at most {mib(growth)}, {growth / MEMORY:.2f} ×"
    )
    return Figure(text, not wrong, ", ".join(wrong))
