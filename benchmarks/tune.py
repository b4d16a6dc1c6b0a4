"""Finds for each peer the effort at which it does what ours does, where formats differ in that.

PNG: the quickest level and filter whose file is at most 1 % larger than Pillow's default
one. AVIF: the quickest effort, with the quality at which its SSIMULACRA2 is within 1 point of
ours, whose file is at most 3 % larger than ours. If there is none: the nearest, and the row
says so. Searched once and remembered in tuned.json, by versions and by our own file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cells import OURS, Cell
from runner import Runner

PNG_BYTES, AVIF_BYTES, AVIF_POINTS = 1.01, 1.03, 1.0
PNG_EFFORTS: dict[str, list[dict[str, str]]] = {
    "Pillow": [{"level": str(level)} for level in range(1, 7)],
    **{
        peer: [
            {"filter": filter, "level": str(level)}
            for filter in ("none", "all")
            for level in range(1, 7)
        ]
        for peer in ("pyvips", "sharp", "OpenCV")
    },
}
"""In each filter from cheap to dear: the first level that is small enough is its quickest."""
AVIF_EFFORTS: dict[str, list[dict[str, str]]] = {
    "Pillow": [{"speed": str(speed)} for speed in (9, 8, 7, 6)],
    "OpenCV": [{"speed": str(speed)} for speed in (9, 8, 7, 6)],
    "pyvips": [{"effort": str(effort)} for effort in (0, 1, 2, 3)],
    "sharp": [{"effort": str(effort)} for effort in (0, 1, 2, 3)],
    "lazy-image": [{}],
}


class Tuner:
    """The searches of one benchmark, and their memory."""

    def __init__(self, runner: Runner, path: Path):
        self.runner = runner
        self.path = path
        self.targets: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def tune(self, cell: Cell, who: str, pace: str, *, search: bool) -> dict[str, str]:
        """Keys to add to the row's job; `note` says what was found."""
        if not cell.match or who == OURS:
            return {}
        efforts = (PNG_EFFORTS if cell.match == "png" else AVIF_EFFORTS).get(who, [])
        target = self.target(cell, pace)
        if not efforts or not target:
            return {}
        key = json.dumps([cell, who, pace, target, sorted(self.runner.versions.items())])
        if key not in self.known:
            if not search:
                return {"note": "not searched in a quick run"}
            found = self.png if cell.match == "png" else self.avif
            self.known[key] = found(cell, who, pace, efforts, target)
            self.path.write_text(json.dumps(self.known, indent=1), encoding="utf-8")
        tuned: dict[str, str] = self.known[key]
        return tuned

    def target(self, cell: Cell, pace: str) -> dict[str, Any] | None:
        """The file to be matched: Pillow's PNG by default, our AVIF; None: there is none."""
        who = "Pillow" if cell.match == "png" else OURS
        if who not in self.runner.peers.commands:
            return None
        if (cell.name, pace) not in self.targets:
            found = self.once(cell, who, pace, {})
            self.targets[cell.name, pace] = found and {k: found[k] for k in ("bytes", "score")}
        return self.targets[cell.name, pace]

    def once(
        self, cell: Cell, who: str, pace: str, extra: dict[str, str], *, score: bool = True
    ) -> dict[str, Any] | None:
        """One run and its judgement; None: it cannot."""
        job = {**self.runner.job(cell, who, pace, "one"), **extra}
        job["output"] = job["output"].replace("-one.", "-tune.")
        found = self.runner.run(who, job)
        if "unsupported" in found:
            return None
        if not score:
            return {**found, "bytes": Path(job["output"]).stat().st_size}
        return {**found, **self.runner.judge([self.runner.request(cell, job["output"])])[0]}

    def png(
        self, cell: Cell, who: str, pace: str, efforts: list[dict[str, str]], target: dict[str, Any]
    ) -> dict[str, str]:
        """The quickest that is small enough; else the smallest."""
        tried: list[tuple[dict[str, str], dict[str, Any]]] = []
        small: list[tuple[dict[str, str], dict[str, Any]]] = []
        for effort in efforts:
            if any(known.get("filter") == effort.get("filter") for known, _ in small):
                continue
            found = self.once(cell, who, pace, effort, score=False)
            if found and found["bytes"] <= PNG_BYTES * target["bytes"]:
                again = self.once(cell, who, pace, effort, score=False) or found
                small.append((effort, {**found, "cpu_ms": min(found["cpu_ms"], again["cpu_ms"])}))
            elif found:
                tried.append((effort, found))
        if small:
            effort, found = min(small, key=lambda pair: pair[1]["cpu_ms"])
        else:
            effort, found = min(tried, key=lambda pair: pair[1]["bytes"])
        words = ", ".join(f"{k} {v}" for k, v in effort.items())
        over = found["bytes"] / target["bytes"]
        return {**effort, "note": words + ("" if small else f"; never below {over:.2f} × Pillow")}

    def avif(
        self, cell: Cell, who: str, pace: str, efforts: list[dict[str, str]], target: dict[str, Any]
    ) -> dict[str, str]:
        """The quickest that is as good and as small; else the smallest that is as good."""
        tried = [
            (effort, found)
            for effort in efforts
            if (found := self.as_good(cell, who, pace, effort, target["score"]))
        ]
        if not tried:
            return {}
        small = [pair for pair in tried if pair[1]["bytes"] <= AVIF_BYTES * target["bytes"]]
        if small:
            effort, found = min(small, key=lambda pair: pair[1]["cpu_ms"])
        else:
            effort, found = min(tried, key=lambda pair: pair[1]["bytes"])
        words = ", ".join(f"{k} {v}" for k, v in {**effort, "quality": found["quality"]}.items())
        over = found["bytes"] / target["bytes"]
        note = words + ("" if small else f"; at equal quality never below {over:.2f} × ours")
        return {**effort, "quality": found["quality"], "note": note}

    def as_good(
        self, cell: Cell, who: str, pace: str, effort: dict[str, str], score: float
    ) -> dict[str, Any] | None:
        """At the quality whose score is nearest; None if none is within a point."""
        best: dict[str, Any] | None = None
        for quality in bisected(5, 98):
            found = self.once(cell, who, pace, {**effort, "quality": str(quality.value)})
            if not found:
                return None
            found["quality"] = str(quality.value)
            if best is None or abs(found["score"] - score) < abs(best["score"] - score):
                best = found
            if abs(found["score"] - score) < AVIF_POINTS / 4:
                break
            quality.low = found["score"] < score
        return best if best and abs(best["score"] - score) <= AVIF_POINTS else None


class Guess:
    """A quality tried; the caller sets `low` if the truth lies above it."""

    def __init__(self, value: int):
        self.value = value
        self.low = False


def bisected(low: int, high: int) -> Iterator[Guess]:
    """Integers of [low, high], halving by the caller's word."""
    while low <= high:
        guess = Guess((low + high) // 2)
        yield guess
        if guess.low:
            low = guess.value + 1
        else:
            high = guess.value - 1
