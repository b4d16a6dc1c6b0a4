"""A process that lives long, forks, or is asked for much at once; R20, R22 and R23 run it.

    living.py '{"function": …, …}'

Each function is a call in a process of its own; the answer is one line of JSON.
"""

import concurrent.futures
import ctypes
import json
import multiprocessing
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import lazyimage as li
from lazyimage.errors import CancelledError, LazyImageError, SourceChangedError

SLOTS = 512
"""Of csrc/base/guard.c."""
LONG_AGO = (1_500_000_000, 1_500_000_000)


def _status(name: str) -> int:
    """VmRSS, VmHWM or Threads of this process; bytes where /proc says kB."""
    with open("/proc/self/status", encoding="ascii") as file:
        words = next(line for line in file if line.startswith(f"{name}:")).split()
    return int(words[1]) * (1024 if len(words) > 2 else 1)


def crc32_of(path: str) -> int:
    """Of a job with every part: map, decode, resize, encode."""
    encoded = li.Engine.from_path(path, io="map").resize(100).to_buffer("png")
    return zlib.crc32(memoryview(encoded))


# --- many at once ------------------------------------------------------------------------


def crowd(paths: list[str], max_memory: int, workers: int) -> dict[str, Any]:
    """Thumbnails of all of them in one run(): the peak of the process."""
    outputs = [
        li.Engine.from_path(path).resize(800).output(format="jpeg", shrink="exact")
        for path in paths
    ]
    start = _status("VmRSS")
    outcomes = li.run(outputs, workers=workers, max_memory=max_memory)
    return {
        "ok": sum(outcome.ok for outcome in outcomes),
        "errors": sorted({str(outcome.error) for outcome in outcomes if not outcome.ok}),
        "start": start,
        "peak": _status("VmHWM"),
        "plan": outputs[0].engine.estimate("jpeg", shrink="exact").peak_bytes,
    }


# --- fork --------------------------------------------------------------------------------


def _child(paths: list[str], right: list[int], pipe: int) -> None:
    """One job, then one of each further path; says whether all was right."""
    os.write(pipe, b"1" if [crc32_of(path) for path in paths] == right else b"0")


def _fork_once(paths: list[str], right: list[int]) -> str:
    """ "" if a child that is forked now does its jobs and ends."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _child(paths, right, writer)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], 60)
    said = os.read(reader, 1) if ready else b"hung"
    os.close(reader)
    if not ready:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if said == b"1" and status == 0:
        return ""
    return f"said {said!r}, status {status}"


def fork_under_load(paths: list[str], forks: int, threads: int) -> dict[str, Any]:
    """Fork while threads run jobs; the jobs of both sides are right."""
    right = [crc32_of(path) for path in paths]
    done = threading.Event()
    jobs, wrong = [0] * threads, []

    def load(number: int) -> None:
        at = number
        while not done.is_set():
            at = (at + 1) % len(paths)
            if at == 0:  # threads of the core's own as well
                engines = [li.Engine.from_path(path, io="map").resize(50) for path in paths]
                outcomes = li.run([engine.output(format="png") for engine in engines], workers=2)
                wrong.extend(str(outcome.error) for outcome in outcomes if not outcome.ok)
            if crc32_of(paths[at]) != right[at]:
                wrong.append("a job of the parent was wrong")
            jobs[number] += 1

    crew = [threading.Thread(target=load, args=(i,)) for i in range(threads)]
    for thread in crew:
        thread.start()
    troubles = []
    for i in range(forks):
        at = i % len(paths)
        if trouble := _fork_once(paths[at : at + 1], right[at : at + 1]):
            troubles.append(trouble)
    done.set()
    for thread in crew:
        thread.join()
    return {"forks": forks, "troubles": troubles, "jobs": sum(jobs), "wrong": wrong}


def pools(paths: list[str], tasks: int) -> dict[str, Any]:
    """The pools of multiprocessing, each way of starting, while a thread runs jobs."""
    right = [crc32_of(path) for path in paths]
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            for path in paths:
                crc32_of(path)

    thread = threading.Thread(target=load)
    thread.start()
    found: dict[str, Any] = {}
    asked = [paths[i % len(paths)] for i in range(tasks)]
    for method in ("fork", "forkserver", "spawn"):
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            got = list(pool.map(crc32_of, asked, timeout=120))
        found[method] = sum(got[i] == right[i % len(right)] for i in range(tasks))
    done.set()
    thread.join()
    return found


# --- a long life -------------------------------------------------------------------------


class Life:
    """Jobs of every kind, one at a time, on small pictures; some cancelled, some cut."""

    def __init__(self, paths: list[str], directory: str, seed: int) -> None:
        self.paths, self.directory = paths, directory
        self.chance = random.Random(seed)
        self.counts = {"done": 0, "cancelled": 0, "changed": 0}
        self.others: list[str] = []
        self.recipe = li.Recipe().resize(60).rotate(90)

    def job(self) -> None:
        """One job, or what comes of one that is stopped or cut."""
        path, kind = self.chance.choice(self.paths), self.chance.random()
        try:
            if kind < 0.05:
                self._cancelled(path)
            elif kind < 0.10:
                self._cut(path)
            else:
                self.chance.choice(self._kinds)(self, path)
            self.counts["done"] += 1
        except CancelledError:
            self.counts["cancelled"] += 1
        except SourceChangedError:
            self.counts["changed"] += 1
        except LazyImageError as error:
            self.others.append(str(error))

    def _buffer(self, path: str) -> None:
        format = self.chance.choice(["jpeg", "png", "webp"])
        li.Engine.from_path(path).resize(80).to_buffer(format)

    def _avif(self, path: str) -> None:
        if "avif" in li.supported_output_formats():
            li.Engine.from_path(path).resize(40).to_buffer("avif", speed=10)

    def _file(self, path: str) -> None:
        out = f"{self.directory}/out.png"
        self.recipe.open(path).to_file(out, durable=False)
        os.unlink(out)

    def _pixels(self, path: str) -> None:
        memoryview(li.Engine.from_bytes(Path(path).read_bytes()).to_pixels())

    def _many(self, path: str) -> None:
        engine = li.Engine.from_path(path)
        outputs = [engine.resize(side).output(format="jpeg") for side in (40, 50, 60)]
        li.run(outputs, workers=2, on_error="raise")

    def _info(self, path: str) -> None:
        li.inspect_file(path)
        li.Engine.from_path(path).resize(33).explain()

    _kinds = (_buffer, _file, _pixels, _many, _info, _buffer, _avif)

    def _cancelled(self, path: str) -> None:
        flag = li._core.Cancel()
        timer = threading.Timer(self.chance.random() * 0.004, flag.set)
        timer.start()
        try:
            engine = li.Engine.from_path(path).resize(900)
            engine._flagged(flag).to_buffer("png")
        finally:
            timer.join()

    def _cut(self, path: str) -> None:
        copy = f"{self.directory}/cut"
        shutil.copyfile(path, copy)
        os.utime(copy, LONG_AGO)
        size = self.chance.randrange(os.path.getsize(path))
        timer = threading.Timer(self.chance.random() * 0.004, os.truncate, (copy, size))
        try:
            with li.Engine.from_path(copy, io="map") as held:
                timer.start()
                held.resize(900).to_buffer("png")
        finally:
            timer.join()


def guarded() -> int:
    """How many slots of the guard's table are in use: read off the library's memory, at the
    address that its symbols name."""
    library = li._core.__file__
    symbols = subprocess.run(["nm", "-S", library], capture_output=True, text=True, check=True)
    words = next(line for line in symbols.stdout.splitlines() if "guard_slots" in line).split()
    at, size = int(words[0], 16), int(words[1], 16)
    with open("/proc/self/maps", encoding="ascii") as file:
        base = next(int(line.split("-")[0], 16) for line in file if line.strip().endswith(library))
    slot = size // SLOTS
    states = [ctypes.c_int.from_address(base + at + slot * i).value for i in range(SLOTS)]
    assert all(state in (0, 1, 2) for state in states)
    return sum(state != 0 for state in states)


def _held() -> tuple[int, int, int]:
    """Descriptors, threads, slots of the guard."""
    return len(os.listdir("/proc/self/fd")), _status("Threads"), guarded()


def _slope(samples: list[tuple[float, int]]) -> float:
    """Bytes an hour, by least squares."""
    n = len(samples)
    mean_t = sum(t for t, _ in samples) / n
    mean_m = sum(m for _, m in samples) / n
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 3600 * sum((t - mean_t) * (m - mean_m) for t, m in samples) / spread


def soak(paths: list[str], seconds: float, seed: int) -> dict[str, Any]:
    """Live that long. The first third is the warm-up; the slope is of the rest.

    malloc gives back what is free in the middle of its arenas before each look: what threads
    of many jobs leave there comes and goes by a MB, and is no growth.
    """
    trim = ctypes.CDLL(None).malloc_trim
    with tempfile.TemporaryDirectory() as directory:
        life = Life(paths, directory, seed)
        started = time.monotonic()
        samples: list[tuple[float, int]] = []
        first: tuple[int, int, int] | None = None
        next_sample, peak = 0.0, 0
        while (now := time.monotonic() - started) < seconds:
            life.job()
            if now >= next_sample:
                next_sample = now + seconds / 300
                if now >= seconds / 3:
                    peak = max(peak, _status("VmRSS"))
                    trim(0)
                    samples.append((now, _status("VmRSS")))
                    if first is None:
                        first = _held()
        ended = _held()
    return {
        **life.counts,
        "others": life.others[:5],
        "slope": _slope(samples),
        "first": first,
        "ended": ended,
        "rss": samples[-1][1],
        "low": min(m for _, m in samples),
        "high": max(m for _, m in samples),
        "untrimmed": peak,
        "faults": li.stats()["source_faults"],
    }


def main() -> None:
    asked = json.loads(sys.argv[1])
    print(json.dumps(globals()[asked.pop("function")](**asked)))


if __name__ == "__main__":
    main()
