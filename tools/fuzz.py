#!/usr/bin/env python3
"""Run one fuzzer that `make fuzz` has built.

    fuzz.py TARGET SECONDS

Seeds are the small files of the target's formats in tests/data, tests/crashers and, if it is
set, of LAZYIMAGE_CORPUS, each with the bytes behind it that choose a hint or a job; for icc also
the profiles that pictures hold. What it finds is kept in build/fuzz/TARGET, crashes in build/fuzz.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUZZ = Path("build/fuzz")
MOST_SEED = 12 << 10
MOST_FILE = 1 << 20  # that a profile is looked for in
LONGEST = 16384
HANG_S = 5
MOST_MIB = 512
HEADS = {
    "png": rb"\x89PNG",
    "jpeg": rb"\xff\xd8\xff",
    "webp": rb"RIFF....WEBP",
    "avif": rb"....ftyp",
}
FORMATS = {
    "group": tuple(HEADS),
    "pipeline": tuple(HEADS),
    "probe": tuple(HEADS),
    "icc": tuple(HEADS),
    "jpeg_skim": ("jpeg",),
    "png_differential": ("png",),
    **{f"decode_{name}": (name,) for name in HEADS},
}
"""Whose files a target reads; none: its inputs are no files."""
TAILS = {"group": 32, "pipeline": 16, **{f"decode_{name}": 8 for name in HEADS}}


def profiles(data: bytes) -> Iterator[bytes]:
    """The ICC profiles of a picture that lie there in one piece, or packed in an iCCP."""
    packed = re.search(rb"iCCP[^\0]{1,79}\0\0", data)
    if packed and data.startswith(b"\x89PNG"):
        try:
            data = zlib.decompressobj().decompress(data[packed.end() :])
        except zlib.error:
            return
    for mark in re.finditer(rb"acsp", data):
        start = mark.start() - 36
        size = int.from_bytes(data[max(start, 0) :][:4], "big")
        if start >= 0 and 128 < size <= min(MOST_SEED, len(data) - start):
            yield data[start : start + size]


def seeds(target: str) -> Iterator[bytes]:
    folders = [Path("tests/data"), Path("tests/crashers")]
    if corpus := os.environ.get("LAZYIMAGE_CORPUS"):
        folders.append(Path(corpus))
    heads = [re.compile(HEADS[name], re.DOTALL) for name in FORMATS.get(target, ())]
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        if not heads or not path.is_file() or path.stat().st_size > MOST_FILE:
            continue
        data = path.read_bytes()
        if target == "icc":
            yield from profiles(data)
        if len(data) <= MOST_SEED and any(head.match(data) for head in heads):
            yield data + bytes(TAILS.get(target, 0))


def main(target: str, seconds: str) -> None:
    os.chdir(ROOT)
    sown, found = FUZZ / f"seeds-{target}", FUZZ / target
    shutil.rmtree(sown, ignore_errors=True)
    sown.mkdir(parents=True)
    found.mkdir(exist_ok=True)
    for data in seeds(target):
        (sown / f"{zlib.crc32(data):08x}-{len(data)}").write_bytes(data)
    # What ASan keeps of freed blocks counts as memory: less of it than it would.
    os.environ["ASAN_OPTIONS"] = f"quarantine_size_mb=32:{os.environ.get('ASAN_OPTIONS', '')}"
    program = str(FUZZ / f"c/tests/fuzz/fuzz_{target}")
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={HANG_S}",
        f"-rss_limit_mb={MOST_MIB}",
        f"-max_len={LONGEST}",
        "-print_final_stats=1",
        f"-artifact_prefix={FUZZ}/",
    ]
    os.nice(10)
    os.execv(program, [program, *options, str(found), str(sown)])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
