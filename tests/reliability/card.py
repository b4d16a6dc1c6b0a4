"""What a row of the scorecard is, and how a file of rows declares one.

    @row("R25", "EXIF orientation files", "100 % upright")
    def orientation(bench: Bench) -> Figure:
        ...
        return Figure("26 of 26 upright", met=upright == total)

A row measures in processes of its own where a crash is a possible answer. It says its figure
in words; `why` tells the cause of a miss. `peers` is what others did in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Bench(NamedTuple):
    """What a row is run with."""

    short: bool
    """The form of CI: a minute at most for all rows together; the full one has three hours."""
    corpus: Path | None
    """The whole corpus, where it is at hand; else a row makes do with tests/data."""
    work: Path
    """An empty directory of the row's own, removed after it."""
    peers: bool
    """May peers be fetched and run? Never in the short form."""

    @property
    def patience(self) -> int:
        """What times may be above their targets: CI shares its machine, the full form does not."""
        return 3 if self.short else 1


@dataclass(frozen=True)
class Figure:
    """The answer of a row."""

    text: str
    met: bool
    why: str = ""
    peers: dict[str, str] = field(default_factory=dict)


class Row(NamedTuple):
    """A row: its names as docs/reliability.md has them, and what measures it."""

    name: str
    title: str
    target: str
    measure: Callable[[Bench], Figure]


ROWS: dict[str, Row] = {}


def row(name: str, title: str, target: str) -> Callable[[Callable[[Bench], Figure]], Callable]:
    """Declare a row; each name once."""

    def declare(measure: Callable[[Bench], Figure]) -> Callable[[Bench], Figure]:
        assert name not in ROWS, f"{name} is declared twice"
        ROWS[name] = Row(name, title, target, measure)
        return measure

    return declare
