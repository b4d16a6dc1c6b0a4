"""Finds for each peer the effort at which it does what ours does, where formats differ in that.

PNG: the quickest level and filter whose file is at most 1 % larger than Pillow's default
one. AVIF: the quickest effort, with the quality at which its SSIMULACRA2 is within 1 point of
ours, whose file is at most 3 % larger than ours. If there is none: the nearest, and the row
says so. Searched once and remembered in tuned.json, by versions and by our own file.
"""

import json
from pathlib import Path
from typing import Any

from cells import OURS, Cell
from runner import Runner

PNG_BYTES, AVIF_BYTES, AVIF_POINTS = 1.01, 1.03, 1.0
WORST, BEST = 5, 98
SLOPE = 0.6
"""Points of SSIMULACRA2 that one step of quality is worth, about."""
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
"""From quick to slow: the first that is small enough is the quickest."""


class Tuner:
    """The searches of one benchmark, and their memory."""

    def __init__(self, runner: Runner, path: Path):
        self.runner = runner
        self.path = path
        self.targets: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def tune(self, cell: Cell, who: str, pace: str, *, search: bool) -> dict[str, str]:
        """Keys to add to the row's job; `note` says what was found, `unmatched` that it is not
        comparable."""
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
        if small:
            return {**effort, "note": words}
        return {**effort, "note": f"{words}; never below {over:.2f} × Pillow", "unmatched": "1"}

    def avif(
        self, cell: Cell, who: str, pace: str, efforts: list[dict[str, str]], target: dict[str, Any]
    ) -> dict[str, str]:
        """The quickest that is as good and as small; else the smallest that is as good."""
        tried: list[tuple[dict[str, str], dict[str, Any]]] = []
        small = False
        for effort in efforts:
            found = self.as_good(cell, who, pace, effort, target["score"])
            if found:
                tried.append((effort, found))
                small = found["bytes"] <= AVIF_BYTES * target["bytes"]
            if small:
                break
        if not tried:
            return {"note": "not as good as ours at any quality", "unmatched": "1"}
        effort, found = tried[-1] if small else min(tried, key=lambda pair: pair[1]["bytes"])
        words = ", ".join(f"{k} {v}" for k, v in {**effort, "quality": found["quality"]}.items())
        over = found["bytes"] / target["bytes"]
        same = {**effort, "quality": found["quality"]}
        if small:
            return {**same, "note": words}
        note = f"{words}; at equal quality never below {over:.2f} × ours"
        return {**same, "note": note, "unmatched": "1"}

    def as_good(
        self, cell: Cell, who: str, pace: str, effort: dict[str, str], score: float
    ) -> dict[str, Any] | None:
        """At the quality whose score is nearest; None if none is within a point."""
        tried: dict[int, dict[str, Any]] = {}
        quality: int | None = cell.quality
        while quality is not None:
            found = self.once(cell, who, pace, {**effort, "quality": str(quality)})
            if not found:
                return None
            tried[quality] = {**found, "quality": str(quality)}
            if abs(found["score"] - score) < AVIF_POINTS / 4:
                break
            quality = next_quality({q: each["score"] for q, each in tried.items()}, score)
        best = min(tried.values(), key=lambda each: abs(each["score"] - score))
        return best if abs(best["score"] - score) <= AVIF_POINTS else None


def next_quality(scores: dict[int, float], wanted: float) -> int | None:
    """Which quality to try next: between the nearest two by a line, beyond the last by a
    slope; None if there is none left between them. Scores grow with quality."""
    low = max((q for q, score in scores.items() if score < wanted), default=None)
    high = min((q for q, score in scores.items() if score >= wanted), default=None)
    if low is not None and high is not None:
        part = (wanted - scores[low]) / (scores[high] - scores[low])
        guess = round(low + part * (high - low))
        return min(max(guess, low + 1), high - 1) if high - low > 1 else None
    if low is not None:
        step = max(1, round((wanted - scores[low]) / SLOPE))
        return min(low + step, BEST) if low < BEST else None
    assert high is not None
    step = max(1, round((scores[high] - wanted) / SLOPE))
    return max(high - step, WORST) if high > WORST else None
