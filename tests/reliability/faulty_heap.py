"""Every allocation of a job fails once, those of the interpreter too: the worker of R14.

    LD_PRELOAD=heap_faults.so PYTHONMALLOC=malloc faulty_heap.py DIRECTORY JOB FIRST STRIDE

Runs the job with the n-th allocation failing, n = FIRST, FIRST + STRIDE, …, until there is no
n-th. Before each run n is written to standard output, so that whoever reads it can go on when
this process has died; the last line is JSON: what came of it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import zlib
from _thread import get_ident
from collections.abc import Callable
from pathlib import Path

from lazyimage import Engine, LazyImageError, Recipe, process_batch, run
from lazyimage.copies import Counters

SHIM = ctypes.CDLL(None)
SHIM.heap_faults_live.restype = ctypes.c_longlong
SHIM.heap_faults_now.restype = ctypes.c_longlong
SHIM.heap_faults_holder.restype = ctypes.c_char_p
SHIM.heap_faults_refused.restype = ctypes.c_char_p
arm, disarm = SHIM.heap_faults_arm, SHIM.heap_faults_disarm
arm.argtypes = [ctypes.c_longlong]

TRIES = 8
SLACK = 64
"""What grows by more bytes each time that the same allocation fails is a leak; once, something
that is kept for all; four times, once in 8,000 failures, something of a thread that begins."""
CHECKED = 40
"""After so many failures the job is run whole and its result compared."""


def crc(data: object) -> int:
    return zlib.crc32(memoryview(data).cast("B"))  # type: ignore[call-overload]


class Jobs:
    """What is run, by name; each returns something to compare."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = directory / "in.png"
        samples = bytes(i * i % 251 for i in range(64 * 48 * 3))
        picture = memoryview(samples).cast("B", (48, 64, 3))
        Engine.from_pixels(picture).to_file(self.source, durable=False)
        self.out = directory / "out" / "out.png"
        self.out.parent.mkdir(exist_ok=True)
        self.data = self.source.read_bytes()
        self.counters = Counters()
        self.tuples: list[object] = [(i, i, i) for i in range(5000)]
        """More than the interpreter keeps for reuse: the next one needs memory."""

    def buffer(self) -> int:
        return crc(Engine.from_path(self.source).resize(20).to_buffer("jpeg"))

    def pixels(self) -> int:
        return crc(Engine.from_bytes(self.data).rotate(90).to_pixels(dtype="float32"))

    def file(self) -> int:
        return Engine.from_path(self.source).resize(20).to_file(self.out).bytes_written

    def many(self) -> list[int]:
        engine = Engine.from_path(self.source)
        outputs = [engine.resize(n).output(format="png") for n in (9, 20, 30)]
        return [crc(one.result) for one in run(outputs, workers=2, on_error="raise")]

    def batch(self) -> list[int]:
        outcomes = process_batch(
            [self.source] * 2, self.out.parent, Recipe().resize(9), format="webp"
        )
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
        return [outcome.result.bytes_written for outcome in outcomes if outcome.result]

    def error(self) -> str:
        try:
            Engine.from_bytes(self.data[:-300]).to_buffer("png")
        except LazyImageError as error:
            return f"{error.code} {error} {error.hint}"
        return "no error"

    def header(self) -> tuple[object, ...]:
        info = Engine.from_path(self.source).info
        return info.width, info.height, info.format, info.mode

    def search(self) -> int:
        return crc(Engine.from_path(self.source).to_buffer("webp", max_bytes=700))

    def count(self) -> bool:
        """Whole numbers, and never a lock that stays held for want of a tuple."""
        self.tuples.append((self, self, self))
        self.counters.add_job(3, 4)
        self.counters.add_copy("to_bytes", 5)
        mine = self.counters.threads[get_ident()]
        (jobs, *bytes_), (copies, size, _) = mine["job"], mine["to_bytes"]
        return bytes_ == [3 * jobs, 4 * jobs] and size == 5 * copies


def settle() -> None:
    """Let go what the interpreter may keep: cycles, and the names in its cache of attributes,
    which holds some thousand; open() of a text leaves one there, as does each name that is made.
    """
    gc.collect()
    sys._clear_type_cache()


def attempt(job: Callable[[], object], n: int) -> tuple[str, object]:
    """How the job ended: "done" and its result, or the name of an exception and its text."""
    arm(n)
    try:
        value = job()
    except BaseException as error:
        disarm()
        return type(error).__name__, str(error)
    disarm()
    return "done", value


class Trial:
    """One job under every n, and what was odd."""

    def __init__(self, jobs: Jobs, name: str) -> None:
        self.jobs = jobs
        self.name = name
        self.job: Callable[[], object] = getattr(jobs, name)
        self.ends: dict[str, int] = {}
        self.odd: list[str] = []
        self.refused = ""
        self.others: dict[str, int] = {}
        for _ in range(3):  # what is made once for all stays
            self.right = self.job()
        self.clean()

    def clean(self) -> list[str]:
        """Remove what the job has made; names that it should not have left."""
        left = []
        for path in self.jobs.out.parent.iterdir():
            if path.name.startswith("."):
                left.append(path.name)
            path.unlink()
        return left

    def held(self) -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text().count(str(self.jobs.source))
        return len(os.listdir("/proc/self/fd")), maps

    def check(self, n: int) -> bool:
        """False: there is no n-th allocation."""
        held = self.held()
        holder = ""
        for _ in range(TRIES):
            settle()
            live, since = SHIM.heap_faults_live(), SHIM.heap_faults_now()
            end, value = attempt(self.job, n)
            fired = disarm()
            self.refused = (SHIM.heap_faults_refused() or b"").decode()
            settle()
            if SHIM.heap_faults_live() <= live + SLACK:
                break
            holder = (SHIM.heap_faults_holder(since) or b"?").decode()
        else:
            self.odd.append(f"leak in {holder} at {n}, refused {self.refused}")
        self.ends[end] = self.ends.get(end, 0) + 1
        if self.held() != held:
            self.odd.append(f"a descriptor or a mapping stays at {n}, refused {self.refused}")
        if left := self.clean():
            self.odd.append(f"left behind at {n}: {left}, refused {self.refused}")
        if end == "done" and value != self.right:
            self.odd.append(f"another result at {n}, refused {self.refused}")
        if end not in ("done", "MemoryError"):
            self.others[f"{end}: {value}, refused {self.refused}"] = n
        return bool(fired)


def main() -> None:
    directory, name, first, stride = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:5])
    gc.disable()
    trial = Trial(Jobs(directory), name)
    SHIM.heap_faults_explain(None, 0)
    n = first
    while True:
        os.write(1, b"%d\n" % n)
        if not trial.check(n):
            break
        if n // stride % CHECKED == 0 and trial.job() != trial.right:
            trial.odd.append(f"another result after {n}")
        n += stride
    if trial.job() != trial.right:
        trial.odd.append("another result at the end")
    print(json.dumps({"ends": trial.ends, "odd": trial.odd, "others": trial.others}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
