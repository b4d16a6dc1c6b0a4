"""Copy points: the few places where image bytes are copied have names and are counted.

Layer: bottom, beside errors. The idea: zero copy is a claim that the program itself can
report on. LAZYIMAGE_DEBUG_COW=1 logs each copy to the logger "lazyimage.cow" (DEBUG).
"""

from __future__ import annotations

import os
from _thread import allocate_lock

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


class Counters:
    """Totals of this process: jobs and bytes by run(), copies by name."""

    __slots__ = ("bytes_in", "bytes_out", "copies", "jobs", "lock")

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.jobs = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.copies: dict[str, tuple[int, int]] = {}

    def add_job(self, bytes_in: int, bytes_out: int) -> None:
        """Count a finished job."""
        with self.lock:
            self.jobs += 1
            self.bytes_in += bytes_in
            self.bytes_out += bytes_out

    def add_copy(self, name: str, size: int) -> None:
        """Count one copy."""
        with self.lock:
            count, total = self.copies.get(name, (0, 0))
            self.copies[name] = count + 1, total + size

    def snapshot(self) -> dict[str, Any]:
        """All totals, as of one moment."""
        with self.lock:
            copies = {
                name: {"count": count, "bytes": total}
                for name, (count, total) in sorted(self.copies.items())
            }
            return {
                "jobs": self.jobs,
                "bytes_in": self.bytes_in,
                "bytes_out": self.bytes_out,
                "copies": copies,
            }


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
