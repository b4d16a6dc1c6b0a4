"""Copy points: the few places where image bytes are copied have names and are counted.

Layer: bottom, beside errors. The idea: zero copy is a claim that the program itself can
report on. LAZYIMAGE_DEBUG_COW=1 logs each copy to the logger "lazyimage.cow" (DEBUG).
"""

from __future__ import annotations

import os
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REASONS = {
    "from_bytes": "a writable buffer may change while the engine lives",
    "from_file": "the file object has no plain file behind it, or is not at its start",
    "from_path": "the path is no regular file and can be read only once",
    "from_pixels": "the pixels are not packed, or come only as a copy",
    "to_bytes": "the caller asked for a bytes object",
    "to_file": "the file object's write() takes bytes only",
}


JOB = "job"
"""Beside REASONS' names."""


class Counters:
    """Totals of this process: jobs and bytes by run(), copies by name.

    Each thread adds to numbers of its own, in one assignment: there is no lock that could
    stay held where memory is short (a lock's __exit__ takes some), in a fork's child, or when
    a signal's handler runs a job.
    """

    __slots__ = ("threads",)

    def __init__(self) -> None:
        self.threads: dict[int, dict[str, tuple[int, int, int]]] = {}

    def add(self, name: str, first: int, second: int) -> None:
        """Count one of this name, with two numbers of its own."""
        mine = self.threads.setdefault(get_ident(), {})
        count, total, other = mine.get(name, (0, 0, 0))
        mine[name] = count + 1, total + first, other + second

    def add_job(self, bytes_in: int, bytes_out: int) -> None:
        """Count a finished job."""
        self.add(JOB, bytes_in, bytes_out)

    def add_copy(self, name: str, size: int) -> None:
        """Count one copy."""
        self.add(name, size, 0)

    def snapshot(self) -> dict[str, Any]:
        """All totals."""
        totals = {JOB: (0, 0, 0)}
        for thread in self.threads.copy().values():
            for name, mine in thread.copy().items():
                before = totals.get(name, (0, 0, 0))
                totals[name] = before[0] + mine[0], before[1] + mine[1], before[2] + mine[2]
        jobs, bytes_in, bytes_out = totals.pop(JOB)
        copies = {
            name: {"count": count, "bytes": total}
            for name, (count, total, _) in sorted(totals.items())
        }
        return {"jobs": jobs, "bytes_in": bytes_in, "bytes_out": bytes_out, "copies": copies}


counters = Counters()


def note_copy(name: str, size: int) -> str:
    """Count one copy of this many bytes; returns the name, for metrics.copies."""
    counters.add_copy(name, size)
    if os.environ.get("LAZYIMAGE_DEBUG_COW", "") not in ("", "0"):
        import logging

        logging.getLogger("lazyimage.cow").debug(
            "%s copies %d bytes: %s", name, size, REASONS[name]
        )
    return name
