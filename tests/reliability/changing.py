"""Decode files that change under the decoder, on many threads; R1's and R2's process.

    changing.py '{"paths": {"png": …}, "io": "map", "changes": […], "threads": 8, …}'

Each thread has a copy of one of the pictures, decodes it, and changes it at a moment of that
decode. What came of it is counted: the samples of the unchanged file, E103, or anything else.
Witnesses decode the files themselves meanwhile. The answer is one line of JSON.
"""

import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import lazyimage as li
from lazyimage.errors import LazyImageError

LONG_AGO = (1_500_000_000, 1_500_000_000)
PAGE = 4096


def crc32_of(engine: li.Engine) -> int:
    return zlib.crc32(memoryview(engine.to_pixels(shrink="exact")).cast("B"))


def make_pictures(directory: Path, width: int, height: int) -> dict[str, str]:
    """Noise on waves, so that no format packs it into a few pages; one of each format."""
    state = bytes(
        (x * x * 7 + x * y * 3 + y * y * 11) >> 3 & 255 for y in range(64) for x in range(64)
    )
    tile = li.Engine.from_pixels(memoryview(state).cast("B", (64, 64, 1)))
    samples = tile.resize(width, height, fit="fill").to_pixels()
    engine = li.Engine.from_pixels(memoryview(samples))
    paths = {}
    for format in ("jpeg", "png", "webp", "avif"):
        if format not in li.supported_output_formats():
            continue
        paths[format] = str(directory / f"picture.{format}")
        options = {"speed": 10} if format == "avif" else {}
        engine.to_file(paths[format], format, durable=False, **options)
        os.utime(paths[format], LONG_AGO)
    return paths


class Trials:
    """What the threads share: the pictures, the end, the counts."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.paths: dict[str, str] = asked["paths"]
        self.io = asked["io"]
        self.changes: list[str] = asked["changes"]
        self.until = time.monotonic() + asked.get("seconds", 1e9)
        self.left = asked.get("trials", 1 << 62)
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.right: dict[str, int] = {}
        self.whole: dict[str, float] = {}
        for format, path in self.paths.items():
            engine = li.Engine.from_path(path, io=self.io)
            self.right[format] = crc32_of(engine)
            started = time.monotonic()
            crc32_of(engine)
            self.whole[format] = time.monotonic() - started
        self.counts = {"trials": 0, "right": 0, "E103": 0, "other": 0, "witness": 0}
        self.counts["wrong witness"] = 0
        self.others: list[str] = []

    def take(self) -> bool:
        """Is there another trial?"""
        with self.lock:
            self.left -= 1
            return self.left >= 0 and time.monotonic() < self.until

    def count(self, what: str, text: str = "") -> None:
        with self.lock:
            self.counts[what] += 1
            if text and len(self.others) < 8:
                self.others.append(text)


def change(how: str, copy: str, size: int, chance: random.Random) -> None:
    """What somebody else does to the file."""
    if how == "truncate":  # one in four within the last page, which raises no signal
        low = max(0, size - PAGE) if chance.random() < 0.25 else 0
        os.truncate(copy, chance.randrange(low, size))
    elif how == "overwrite":
        with open(copy, "r+b") as file:
            file.seek(chance.randrange(size))
            file.write(chance.randbytes(PAGE))
    elif how == "replace":  # the job has the file that it opened
        os.replace(f"{copy}-other", copy)


def one_trial(trials: Trials, format: str, copy: str, chance: random.Random) -> None:
    path, how = trials.paths[format], chance.choice(trials.changes)
    names = (copy, f"{copy}-other") if how == "replace" else (copy,)
    for name in names:
        shutil.copyfile(path, name)
        os.utime(name, LONG_AGO)
    at = chance.random() * 1.3 * trials.whole[format]
    timer = threading.Timer(at, change, (how, copy, os.path.getsize(copy), chance))
    started = time.monotonic()
    try:
        with li.Engine.from_path(copy, io=trials.io) as held:
            timer.start()
            same = crc32_of(held) == trials.right[format]
        what, text = ("right", "") if same else ("other", f"{format} {how}: wrong samples")
        if how == "replace":  # how long a decode takes beside all the others
            trials.whole[format] = time.monotonic() - started
    except LazyImageError as error:
        is_change = error.code == "E103" and how != "replace"
        what, text = ("E103", "") if is_change else ("other", f"{format} {how}: {error}")
    timer.join()
    trials.count("trials")
    trials.count(what, text)


def work(trials: Trials, format: str, number: int, directory: str) -> None:
    chance = random.Random(number)
    try:
        while trials.take():
            one_trial(trials, format, f"{directory}/copy-{number}", chance)
    except BaseException as error:
        trials.count("other", f"{format}: {error!r}")


def witness(trials: Trials) -> None:
    """Decode the files that nobody touches."""
    while not trials.done.is_set():
        for format, path in trials.paths.items():
            engine = li.Engine.from_path(path, io=trials.io)
            trials.count("witness")
            try:
                if crc32_of(engine) != trials.right[format]:
                    trials.count("wrong witness", f"witness of {format}: wrong samples")
            except LazyImageError as error:
                trials.count("wrong witness", f"witness of {format}: {error}")


def main() -> None:
    asked = json.loads(sys.argv[1])
    trials = Trials(asked)
    formats = list(trials.paths)
    with tempfile.TemporaryDirectory() as directory:
        threads = [
            threading.Thread(target=work, args=(trials, formats[i % len(formats)], i, directory))
            for i in range(asked["threads"])
        ]
        beside = threading.Thread(target=witness, args=(trials,))
        for thread in [*threads, beside]:
            thread.start()
        for thread in threads:
            thread.join()
        trials.done.set()
        beside.join()
    faults = li.stats()["source_faults"]
    print(json.dumps({**trials.counts, "others": trials.others, "faults": faults}))


if __name__ == "__main__":
    main()
