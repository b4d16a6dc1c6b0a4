"""What the guard, the scans and the polls cost: their share of the instructions of six jobs.

    python benchmarks/guarded.py       exit status 1 if it is over 2 % in a job

The jobs are those of instructions.py; counted is the whole call, with the opening of the
source, the scan of its header and the check at the end. The extension is built once more with
debug information, so that callgrind says of each instruction which line it is from, also where
the compiler has put a function into another. The product's own code is not touched: what is
counted is what runs. Kernel time of system calls is not in it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import instructions

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "build" / "guarded" / "lib"
MOST = 0.02
SCANS = re.compile(
    r"csrc/codecs/(jpeg/scan|png/scan|webp/(scan|groups)|avif/(scan|box|items|track))\.c$"
)
CHECKS = re.compile(
    r"^(file_verify|li_source_verify|li_source_blame|stamp_same|li_stamp_of|is_young|is_remote)$"
)
"""Of base/source.c: what it does because a file may change."""
POLLS = re.compile(r"^(li_poll|li_poll_clock|li_poll_shared|check_signals)$")


class Cost(NamedTuple):
    """Instructions of one place: its own, or, with `callee`, of what is called from there."""

    function: str
    file: str
    line: int
    callee: str
    callee_file: str
    instructions: int


def costs(lines: Iterator[str]) -> Iterator[Cost]:
    """What callgrind wrote, entry by entry."""
    names: dict[tuple[str, str], str] = {}
    function = file = callee = callee_file = ""
    at = 0
    for text in lines:
        found = re.match(r"(fn|fl|fi|fe|cfn|cfi|cfl)=(\(\d+\))(?: (.*))?$", text)
        if found:
            key, number, name = found.groups()
            kind = "fn" if key in ("fn", "cfn") else "fl"
            if name:
                names[kind, number] = name.strip()
            name = names[kind, number]
            if key == "fn":
                function = name
            elif key == "cfn":
                callee = name
                callee_file = callee_file or file
            elif key in ("cfi", "cfl"):
                callee_file = name
            else:
                file = name
            continue
        numbers = re.match(r"([+-]?\d+|\*) (\d+)$", text)
        if not numbers:
            continue
        where, count = numbers.groups()
        if where != "*":
            at = at + int(where) if where[0] in "+-" else int(where)
        yield Cost(function, file, at, callee, callee_file, int(count))
        callee = callee_file = ""


def poll_lines() -> range:
    """Where base.h has li_poll, which is inlined wherever it is called."""
    lines = (ROOT / "csrc/base/base.h").read_text("utf-8").splitlines()
    first = lines.index("li_poll(li_ctx *ctx)") + 1
    return range(first, lines.index("}", first) + 2)


def part_of(function: str, file: str, line: int | None, polls: range) -> str:
    """ "guard", "scans" or "polls"; "": of the job."""
    if file.endswith("csrc/base/guard.c") or CHECKS.match(function):
        return "guard"
    inlined = line is not None and file.endswith("csrc/base/base.h") and line in polls
    if POLLS.match(function) or inlined:
        return "polls"
    return "scans" if SCANS.search(file) else ""


def shares(out: Path) -> tuple[dict[str, int], int]:
    """Part → instructions, and those of the whole job. What a part calls is its own, unless
    that is a part itself."""
    polls, parts, total = poll_lines(), {"guard": 0, "scans": 0, "polls": 0}, 0
    with open(out, encoding="utf-8") as file:
        for cost in costs(line.rstrip("\n") for line in file):
            part = part_of(cost.function, cost.file, cost.line, polls)
            if not cost.callee:
                total += cost.instructions
            elif part_of(cost.callee, cost.callee_file, None, polls):
                continue  # counted there
            if part:
                parts[part] += cost.instructions
    return parts, total


def build() -> None:
    """The extension with debug information, beside the package's Python."""
    environment = {**os.environ, "LAZYIMAGE_CFLAGS": "-g"}
    command = [sys.executable, "-W", "ignore", "setup.py", "-q", "build"]
    command += ["--build-base", str(LIBRARY.parent / "base"), "--build-lib", str(LIBRARY)]
    subprocess.run(command, cwd=ROOT, check=True, env=environment, stdout=subprocess.DEVNULL)


def main() -> int:
    if not shutil.which("valgrind"):
        print("guarded: SKIPPED, nothing was counted: no valgrind here")
        return 0
    build()
    os.environ["PYTHONPATH"] = str(LIBRARY)
    well = True
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        instructions.make_pictures(directory)
        for job in instructions.built():
            out = instructions.collect(job, directory, "py_run")
            parts, total = shares(out)
            share = sum(parts.values()) / total
            well = well and share <= MOST and parts["polls"] > 0 and parts["scans"] > 0
            told = ", ".join(f"{part} {count / total:.3%}" for part, count in parts.items())
            print(f"{job:10} {total / 1e6:9.1f} M, {share:.2%}: {told}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
