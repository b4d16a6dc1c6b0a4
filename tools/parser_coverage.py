#!/usr/bin/env python3
"""Lines of our own parsers that the C tests, the corpus and the fuzzers' inputs reach.

    parser_coverage.py DIRECTORY

DIRECTORY (`make coverage`: build/cover) holds programs built by clang-14 with
-fprofile-instr-generate -fcoverage-mapping. Prints a table by file, writes
DIRECTORY/coverage.json, and ends with 1 below 95 % of all lines.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PARSERS = (
    "csrc/codecs/*/scan*.c",
    "csrc/codecs/*/size*.c",
    "csrc/codecs/*/walk*.c",
    "csrc/codecs/avif/box.c",
    "csrc/codecs/avif/items.c",
    "csrc/codecs/avif/track.c",
    "csrc/codecs/jpeg/skim*.c",
    "csrc/codecs/webp/groups.c",
    "csrc/meta/*.c",
)
TARGET = 0.95
FILES_A_RUN = 200
SECONDS = 1200
SHOWS = ("fuzz_pipeline", "fuzz_icc", "fuzz_jpeg_skim")
"""Between them they hold every file; counts of all programs are merged by function."""


def run(command: list[Any], raw: Path) -> None:
    """A program must end well: else its counts are of something else."""
    environment = {**os.environ, "LLVM_PROFILE_FILE": str(raw / "%m-%p.profraw")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{command[0]}: status {done.returncode}\n{done.stdout}{done.stderr}"[-2000:])


def inputs(target: str) -> list[Path]:
    """A fuzzer's seeds and what it has found; scans see every file, whole."""
    folders = [ROOT / "build/fuzz" / name for name in (f"seeds-{target}", target)]
    if target in ("probe", "icc"):
        folders += [ROOT / "tests/data", ROOT / "tests/crashers"]
        if corpus := os.environ.get("LAZYIMAGE_CORPUS"):
            folders.append(Path(corpus))
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def programs(directory: Path) -> Iterator[list[Any]]:
    for program in sorted((directory / "c/tests/c").glob("*/test_*")):
        if not program.suffix:
            yield [program]
    for program in sorted((directory / "c/tests/fuzz").glob("fuzz_*")):
        if program.suffix:
            continue
        files = inputs(program.name.removeprefix("fuzz_"))
        for at in range(0, len(files), FILES_A_RUN):
            yield [program, *files[at : at + FILES_A_RUN]]


def lines_of(directory: Path, profile: Path) -> dict[str, tuple[int, int]]:
    """Lines and those that were reached, by file."""
    shown = [directory / "c/tests/fuzz" / name for name in SHOWS]
    objects = [word for program in shown[1:] for word in ("-object", program)]
    files = sorted(path for pattern in PARSERS for path in ROOT.glob(pattern))
    command = ["llvm-cov-14", "export", "-summary-only", f"-instr-profile={profile}"]
    told = subprocess.run(
        [*command, shown[0], *objects, *files], capture_output=True, text=True, check=True
    )
    found = {
        os.path.relpath(entry["filename"], ROOT): entry["summary"]["lines"]
        for entry in json.loads(told.stdout)["data"][0]["files"]
    }
    names = [str(path.relative_to(ROOT)) for path in files]
    return {name: (found[name]["count"], found[name]["covered"]) for name in names if name in found}


def main(arguments: list[str]) -> int:
    directory = Path(arguments[0]).resolve()
    raw, profile = directory / "raw", directory / "merged.profdata"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    for command in programs(directory):
        run(command, raw)
    subprocess.run(
        ["llvm-profdata-14", "merge", "-sparse", "-o", profile, *raw.iterdir()], check=True
    )
    lines = lines_of(directory, profile)
    for name, (count, reached) in lines.items():
        print(f"{reached / count:7.1%}  {count - reached:4} of {count:4} lines missed  {name}")
    count, reached = (sum(column) for column in zip(*lines.values(), strict=True))
    share = reached / count
    print(f"{share:7.1%}  {count - reached:4} of {count:4} lines missed  all {len(lines)}")
    told = {"share": share, "files": {name: r / c for name, (c, r) in lines.items()}}
    (directory / "coverage.json").write_text(json.dumps(told, indent=1))
    return 0 if share >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
