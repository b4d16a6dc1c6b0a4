#!/usr/bin/env python3
"""max_bytes and min_ssim against the truth: every quality is tried.

    target.py [--formats jpeg …] [--sets fitted …] [--pictures N] [--side PIXELS] [--model]

Three sets of pictures of the corpus (LAZYIMAGE_CORPUS): the thirty photographs over which the
model of target.py was fitted, photographs that it has not seen, and drawings and screenshots,
which it has not either. Of each, three budgets (12, 30 and 70 % of what quality 90 takes) and two
similarities. A table: encodes, results over the budget, results more than 4 % below the best
quality that fits, similarities that are missed, and those that the quality two below reaches too.
Exit 1 if a budget is passed although a quality fits it, if a result is more than 4 % below the
best, if the median of encodes is above 5, or if a similarity is not met, or by more than it needs.
--model prints what a fit over these pictures would have for the model.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import sys
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import lazyimage as li
from lazyimage import quality, target

HERE = Path(__file__).resolve().parent
CORPUS = Path(os.environ.get("LAZYIMAGE_CORPUS") or HERE.parents[1] / "shared" / "corpus")
BUDGETS = (0.12, 0.3, 0.7)
SIMILARITIES = (0.93, 0.98)
SIDES = {"jpeg": 400, "webp": 400, "avif": 192}
FLAT = 0.25
"""Above this share of equal neighbours it is a drawing or a screenshot."""


class Tally(NamedTuple):
    """What came of one set in one format."""

    encodes: list[int]
    over: list[str]
    below: list[str]
    shares: list[float]
    missed: list[str]
    needless: list[str]
    ssim_encodes: list[int]


# --- the pictures ----------------------------------------------------------------------


def fitted() -> list[Path]:
    """The photographs behind the model; the tests have their list."""
    sys.path.insert(0, str(HERE.parent / "tests" / "python"))
    import test_target

    return [CORPUS / name for name in test_target.PHOTOGRAPHS]


def flatness(engine: li.Engine) -> float:
    """The share of pixels that equal the one to their left."""
    import numpy

    samples = numpy.asarray(engine.to_pixels(mode="RGB"))
    return float((samples[:, 1:] == samples[:, :-1]).all(axis=2).mean())


def unseen() -> dict[str, list[Path]]:
    """The other pictures of 200 px and more, each picture once."""
    with (CORPUS / "INDEX.tsv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    known = [look(path) for path in fitted()]
    found: dict[str, list[Path]] = {"photographs": [], "drawings": []}
    for row in rows:
        sides = int(row["width"] or 0), int(row["height"] or 0)
        if not row["notes"].startswith("valid") or min(sides) < 200 or max(sides) > 6000:
            continue
        path = CORPUS / row["path"]
        try:
            seen = look(path)
            flat = flatness(li.open(path).resize(400))
        except li.LazyImageError:
            continue
        if min((distance(seen, other) for other in known), default=9.0) < 8:
            continue  # the same, in another format or size
        known.append(seen)
        found["drawings" if flat > FLAT else "photographs"].append(path)
    return found


def look(path: Path) -> bytes:
    """The picture in 16 × 16."""
    return bytes(memoryview(li.open(path).resize(16, 16, fit="fill").to_pixels(mode="L")).cast("B"))


def distance(one: bytes, other: bytes) -> float:
    """The mean difference, whatever the turn of the picture."""
    turned = [other, other[::-1]]
    for view in list(turned):
        rows = [view[y * 16 : y * 16 + 16] for y in range(16)]
        turned += [
            b"".join(rows[::-1]),
            bytes(rows[x][y] for y in range(16) for x in range(16)),
            bytes(rows[15 - x][y] for y in range(16) for x in range(16)),
        ]
    return min(sum(abs(a - b) for a, b in zip(one, view, strict=True)) / 256 for view in turned)


# --- the truth -------------------------------------------------------------------------


def every_size(engine: li.Engine, format: str) -> dict[int, int]:
    """Quality → bytes."""
    levels = target.levels_of(format, 1, 100)
    outcomes = li.run(
        [engine.output(format=format, quality=q) for q in levels], on_error="raise", max_memory=0
    )
    return {q: len(outcome.result) for q, outcome in zip(levels, outcomes, strict=True)}  # type: ignore[arg-type]


def check_bytes(
    engine: li.Engine, format: str, name: str, sizes: dict[int, int], to: Tally
) -> None:
    for share in BUDGETS:
        budget = int(sizes[max(q for q in sizes if q <= 90)] * share)
        encoded = engine.to_buffer(format, max_bytes=budget)
        assert encoded.search is not None
        to.encodes.append(encoded.search.encodes)
        best = max((size for size in sizes.values() if size <= budget), default=0)
        if not best:
            continue
        if len(encoded) > budget:
            to.over.append(f"{name} at {budget}")
        to.shares.append(len(encoded) / best)
        if len(encoded) < 0.96 * best:
            to.below.append(f"{name} at {budget}: {len(encoded)} of {best}")


def check_ssim(engine: li.Engine, format: str, name: str, to: Tally) -> None:
    for least in SIMILARITIES:
        encoded = engine.to_buffer(format, min_ssim=least)
        assert encoded.search is not None and encoded.quality is not None
        to.ssim_encodes.append(encoded.search.encodes)
        if quality.ssim(engine, encoded) < least:
            if encoded.quality < 100:
                to.missed.append(f"{name} at {least}")
            continue
        lower = encoded.quality - 2
        if lower >= 1 and quality.ssim(engine, engine.to_buffer(format, lower)) >= least:
            to.needless.append(f"{name} at {least}: {lower} does too")


def measure(paths: list[Path], format: str, side: int, models: list[Any]) -> Tally:
    to = Tally([], [], [], [], [], [], [])
    for path in paths:
        engine = li.open(path).convert("RGB").resize(side, side).decoded()  # alpha is not compared
        name = str(path.relative_to(CORPUS))
        sizes = every_size(engine, format)
        pixels = engine.info.width * engine.info.height
        models.append((pixels, sizes))
        check_bytes(engine, format, name, sizes, to)
        check_ssim(engine, format, name, to)
    return to


# --- the table -------------------------------------------------------------------------


def told(set: str, format: str, count: int, to: Tally) -> int:
    """A row; whether a target is missed."""
    median, ssim_median = statistics.median(to.encodes), statistics.median(to.ssim_encodes)
    print(
        f"| {set}, {count} | {format} | {median:g}, {max(to.encodes)} | {len(to.over)} | "
        f"{len(to.below)} of {len(to.shares)}, {min(to.shares, default=1):.3f} | "
        f"{ssim_median:g}, {max(to.ssim_encodes)} | {len(to.missed)} | {len(to.needless)} |",
        flush=True,
    )
    for line in [*to.over, *to.below, *to.missed, *to.needless]:
        print(f"    {line}", file=sys.stderr)
    return bool(to.over or to.below or to.missed or to.needless) or median > 5


def print_model(format: str, models: list[Any]) -> None:
    """The mean curve and offset of these pictures, to compare with the model's."""
    curve = target.BYTES_CURVES[format]
    mean: Callable[[int], float] = lambda q: statistics.mean(  # noqa: E731
        log(sizes[min(sizes, key=lambda level: abs(level - q))])
        - log(sizes[min(sizes, key=lambda level: abs(level - 75))])
        for _, sizes in models
    )
    start = statistics.mean(
        log(sizes[min(sizes, key=lambda level: abs(level - 75))]) - log(pixels)
        for pixels, sizes in models
    )
    print(f"    {format} at 75: {start:.2f}, in the model {target.BYTES_AT_75[format]}")
    print("    " + ", ".join(f"{q}: {mean(q):.2f} ({value})" for q, value in curve))


HEAD = """\
| pictures | format | encodes, median, most | over | below 96 % of the best, least | \
encodes for min_ssim | not met | two below does too |
|---|---|---|---|---|---|---|---|"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--formats", nargs="*", default=list(SIDES))
    parser.add_argument("--sets", nargs="*", default=["fitted", "photographs", "drawings"])
    parser.add_argument("--pictures", type=int, default=30, help="of a set, at most")
    parser.add_argument("--side", type=int, help="of the pictures; 400, for AVIF 192")
    parser.add_argument("--model", action="store_true")
    asked = parser.parse_args()
    if not (CORPUS / "INDEX.tsv").is_file():
        raise SystemExit("no corpus: set LAZYIMAGE_CORPUS")
    sets = {"fitted": fitted(), **unseen()}
    missed = 0
    print(HEAD)
    for set in asked.sets:
        every = max(1, len(sets[set]) // asked.pictures)
        paths = sets[set][::every][: asked.pictures]
        for format in asked.formats:
            models: list[Any] = []
            side = asked.side or SIDES[format]
            missed += told(set, format, len(paths), measure(paths, format, side, models))
            if asked.model:
                print_model(format, models)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
