#!/usr/bin/env python3
"""Run the C test programs, then pytest in each venv, all of them even if one fails.

    run_tests.py [--c DIRECTORY] [--under COMMAND] [--leave-out NAMES] [--only NAMES]
                 [--venvs FILE] [--timeout SECONDS]

DIRECTORY holds tests/c/<layer>/test_*, of which as many run at once as there are CPUs; FILE
names a venv a line, of which the first runs the whole suite and, beside it, the others one
after another what is not marked slow. COMMAND runs each program, as valgrind does. The last
line is the sum of all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

TOTAL = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
SKIPPED = re.compile(r"^0 passed: (.+)$", re.MULTILINE)  # a program that cannot run here


class Count(NamedTuple):
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: Count) -> Count:
        return Count(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def run_program(program: Path, name: str, timeout: float, under: Sequence[str] = ()) -> Count:
    """A program that dies or says no total is one failed test more."""
    try:
        done = subprocess.run(
            [*under, program],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"{name}: no end after {timeout:g} s", flush=True)
        return Count(failed=1)
    found = TOTAL.findall(done.stdout)
    count = Count(int(found[-1][0]), int(found[-1][1])) if found else Count()
    if done.returncode == 0 and found and count.passed and not count.failed:
        return count
    if done.returncode == 0 and not found and (why := SKIPPED.search(done.stdout)):
        print(f"{name}: skipped: {why[1]}", flush=True)
        return Count(skipped=1)
    print(f"--- {name}: exit status {done.returncode}\n{done.stdout}{done.stderr}", flush=True)
    return count if count.failed else count.plus(Count(failed=1))


class Chosen(NamedTuple):
    """Programs by their names."""

    left_out: Sequence[str] = ()
    only: Sequence[str] = ()

    def __contains__(self, name: object) -> bool:
        return name not in self.left_out and (not self.only or name in self.only)


def run_programs(
    directory: Path, timeout: float, under: Sequence[str] = (), chosen: Chosen | None = None
) -> Count:
    chosen = chosen or Chosen()
    programs = [
        path
        for path in sorted(directory.glob("tests/c/*/test_*"))
        if not path.suffix and os.access(path, os.X_OK)
    ]
    wanted = {path.with_suffix("") for path in Path().glob("tests/c/*/test_*.c")}
    programs = [path for path in programs if path.relative_to(directory) in wanted]
    programs = [path for path in programs if path.name in chosen]

    def run_one(program: Path) -> Count:
        return run_program(program, str(program.relative_to(directory)), timeout, under)

    total = Count()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for count in pool.map(run_one, programs):
            total = total.plus(count)
    if not programs:
        print(f"no test program below {directory}")
        total = Count(failed=1)
    print(f"C: {len(programs)} programs\n{total}", flush=True)
    return total


def read_report(report: Path) -> Count:
    """The sums of a JUnit file; of one that is not there, nothing."""
    total = Count()
    if not report.is_file() or not report.stat().st_size:
        return total
    for suite in ElementTree.parse(report).iter("testsuite"):
        tests, bad, skipped = (
            sum(int(suite.get(key, "0")) for key in keys)
            for keys in (("tests",), ("failures", "errors"), ("skipped",))
        )
        total = total.plus(Count(max(tests - bad - skipped, 0), bad, skipped))
    return total


ASIDE: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def run_pytest(venv: Path, whole: bool) -> Count:
    """One run of the suite; an exit status without a failed test counts as one. What another
    than the whole says comes when it has ended.
    """
    python = venv / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [python, "-m", "pytest", "-q", f"--junitxml={report}"]
        command += [] if whole else ["-m", "not slow", "-p", "no:cacheprovider"]
        done = subprocess.run(command, check=False, text=True, **({} if whole else ASIDE))
        count = read_report(report)
    if not whole:
        print(done.stdout, end="")
    if done.returncode and not count.failed:
        count = count.plus(Count(failed=1))
    print(f"{venv}: {count}", flush=True)
    return count


def run_venvs(venvs: Sequence[Path]) -> Count:
    """The suite on each: the quick one on all but the first, side by side; then the whole one
    alone, because it measures times."""
    total = Count()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for count in pool.map(lambda venv: run_pytest(venv, whole=False), venvs[1:]):
            total = total.plus(count)
    return total.plus(run_pytest(venvs[0], whole=True))


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the C tests and the Python suite.")
    parser.add_argument("--c", type=Path)
    parser.add_argument("--under", default="", help="a command that runs each program")
    parser.add_argument("--leave-out", default="", help="names of programs")
    parser.add_argument("--only", default="", help="names of programs, all others left out")
    parser.add_argument("--venvs", type=Path)
    parser.add_argument("--timeout", type=float, default=120)
    options = parser.parse_args()
    total = Count()
    if options.c:
        chosen = Chosen(options.leave_out.split(), options.only.split())
        under = options.under.split()
        total = total.plus(run_programs(options.c, options.timeout, under, chosen))
    if options.venvs:
        venvs = [Path(line) for line in options.venvs.read_text().split()]
        total = total.plus(run_venvs(venvs))
        print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
