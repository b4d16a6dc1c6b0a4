"""R4, R5, R6 and R25: every file of the corpus (in a fresh clone, of tests/data)."""

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import checks
import oracle
import peers
import process
from card import ROOT, Bench, Figure, row
from PIL import Image
from process import Answer, Call

FORMATS = ("jpeg", "png", "webp", "avif")
SLOW_S = 10
REFUSED = 0.99
AVIF_NEEDS = "libavif 0.11 cannot open them; the wheels carry 1.4"
"""Why AVIF files that are valid may be refused: what the index calls valid-newer-decoder."""


def _entries(bench: Bench) -> list[oracle.Entry]:
    directory = bench.corpus if bench.corpus and not bench.short else oracle.DATA
    return oracle.read_index(directory)


def _others(
    bench: Bench, entries: list[oracle.Entry], tell: Callable[[list[Answer]], str], *names: str
) -> dict[str, str]:
    """What `tell` makes of each peer's answers for these entries, of a sweep over all."""
    if not bench.peers:
        return {}
    every = _entries(bench)
    wanted = {str(entry.file) for entry in entries}
    told = {}
    for name in names:
        swept = peers.sweep(name, [str(entry.file) for entry in every], 6 * SLOW_S)
        if not isinstance(swept, str):
            mine = [answer for answer in swept if answer.call.arguments["path"] in wanted]
            swept = tell(mine)
        told[name] = swept
    return told


def _deaths_of(answers: list[Answer]) -> str:
    dead = sum(answer.trouble is not None for answer in answers)
    slow = sum(answer.seconds > SLOW_S for answer in answers)
    worst = max(answer.seconds for answer in answers)
    return f"{dead} / {slow}, worst {worst:.1f} s"


def _refused_of(answers: list[Answer]) -> str:
    count = sum(peers.refused(answer) for answer in answers)
    return f"{count} of {len(answers)}"


def _accepted_by_format(entries: list[oracle.Entry]) -> Callable[[list[Answer]], str]:
    formats = {str(entry.file): entry.format for entry in entries}

    def tell(answers: list[Answer]) -> str:
        good = Counter(
            formats[answer.call.arguments["path"]]
            for answer in answers
            if answer.value is not None and not peers.refused(answer)
        )
        return "accepts " + ", ".join(f"{name} {good[name]}" for name in FORMATS)

    return tell


def _ask(entries: list[oracle.Entry]) -> list[Answer]:
    calls = [Call("sweep", {"path": str(entry.file)}) for entry in entries]
    return process.run_all(calls, seconds=6 * SLOW_S)


@row("R4", "every corpus file: info, thumbnail, whole: deaths / over 10 s", "0 / 0")
def deaths(bench: Bench) -> Figure:
    answers = _ask(_entries(bench))
    dead = [answer for answer in answers if answer.trouble and "died" in answer.trouble]
    slow = [answer for answer in answers if answer.seconds > SLOW_S]
    odd = [a for a in answers if a.value and a.value.get("category") == "internal"]
    worst = max(answer.seconds for answer in answers)
    text = f"{len(dead)} / {len(slow)} of {len(answers)}, worst {worst:.1f} s"
    why = ", ".join(Path(a.call.arguments["path"]).name for a in [*dead, *slow, *odd])
    others = _others(bench, _entries(bench), _deaths_of, "sharp", "lazy-image", "Pillow")
    return Figure(text, not why, why, others)


@row(
    "R5",
    "valid files whose samples equal the reference's",
    "jpeg, png, webp all; avif 93 of 105",
)
def valid(bench: Bench) -> Figure:
    entries = _entries(bench)
    told, wrong = [], []
    for format in FORMATS[:3]:
        mine = [e for e in entries if e.format == format and e.kind == "valid"]
        differ = checks.samples_that_differ(mine, must_open=True)
        told.append(f"{format} {len(mine) - len(differ)} of {len(mine)}")
        wrong += differ
    mine = [e for e in entries if e.format == "avif" and e.kind != "corrupt"]
    equal = _equal_planes([e for e in mine if e.crc32])
    newer = sum(e.kind == "valid-newer-decoder" for e in mine)
    told.append(f"avif {equal} of {len(mine)}")
    why = "; ".join(wrong)
    if equal + newer >= len(mine) and newer and not why:
        why = f"{newer} AVIF files: {AVIF_NEEDS}"
    good = [e for e in _entries(bench) if e.format in FORMATS and _is_good(e)]
    others = _others(bench, good, _accepted_by_format(good), "sharp", "Pillow")
    return Figure(", ".join(told), not wrong and equal + newer >= len(mine), why, others)


def _is_good(entry: oracle.Entry) -> bool:
    return entry.kind != "corrupt" if entry.format == "avif" else entry.kind == "valid"


def _equal_planes(entries: list[oracle.Entry]) -> int:
    """AVIF: how many have the index's CRC in their planes, as the C tool `samples` reads them."""
    tool = ROOT / "build" / "c" / "tests" / "c" / "codecs" / "samples"
    names = "\n".join(str(entry.file) for entry in entries)
    done = subprocess.run([tool, "-"], input=names, capture_output=True, text=True, check=True)
    told = {line.split("\t")[0]: line.split("\t") for line in done.stdout.splitlines()}
    return sum(told[str(entry.file)][1:3] == ["0", entry.crc32] for entry in entries)


@row("R6", "corrupt and truncated files refused", "≥ 99 %, each acceptance explained")
def refused(bench: Bench) -> Figure:
    broken = [e for e in _entries(bench) if e.kind in ("corrupt", "truncated")]
    accepted = [
        str(entry.path)
        for entry, answer in zip(broken, _ask(broken), strict=True)
        if answer.value is None or "error" not in answer.value
    ]
    share = 1 - len(accepted) / len(broken)
    text = f"{len(broken) - len(accepted)} of {len(broken)} ({share:.1%})"
    why = "accepted: " + ", ".join(accepted) if accepted else ""
    others = _others(bench, broken, _refused_of, "sharp", "Pillow")
    return Figure(text, share >= REFUSED, why, others)


@row("R25", "EXIF orientation: files, and all eight in each format", "100 % upright")
def upright(bench: Bench) -> Figure:
    files = [e.file for e in _entries(bench) if "exif-orientation" in e.path]
    good = sum(checks.upright_difference(file) < 4 for file in files)
    made = 0
    gradient = Image.linear_gradient("L").resize((96, 64))
    picture = Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180)))
    for format in ("JPEG", "PNG", "WEBP", "AVIF"):
        for number in range(1, 9):
            encoded = checks.picture_with_orientation(picture, number, format)
            made += checks.misplaced_corners(encoded, picture) < 4
    text = f"{good} of {len(files)} files, {made} of 32 made"
    return Figure(text, good == len(files) and made == 32)
