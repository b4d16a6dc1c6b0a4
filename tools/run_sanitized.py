#!/usr/bin/env python3
"""Run the Python suite with the instrumented extension in DIRECTORY/lib, and judge the leaks.

    run_sanitized.py DIRECTORY [ARGUMENTS OF PYTEST]

CPython leaves much to the system when it ends. A leak is ours if the block was asked for by
code of `_core`, `_avif` or a library under them, with no frame of the interpreter in between.
Tests that measure memory can tell by LAZYIMAGE_SANITIZED=1.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OURS = ("_core.", "_avif.")


def environment(directory: Path) -> dict[str, str]:
    """What makes a stock interpreter run instrumented code."""
    names = ("libasan.so", "libubsan.so")
    libraries = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in names
    ]
    log = f"log_path={directory.resolve() / 'report'}"
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        "PYTHONPATH": str((directory / "lib").resolve()),
        "PYTHONMALLOC": "malloc",
        "LAZYIMAGE_SANITIZED": "1",
        # exitcode=0: a leak does not end the process badly, it is judged here; errors abort.
        "ASAN_OPTIONS": f"detect_leaks=1:exitcode=0:abort_on_error=1:{log}"
        ":allocator_may_return_null=1:malloc_context_size=12",
        "UBSAN_OPTIONS": f"print_stacktrace=1:abort_on_error=1:{log}",
        "LSAN_OPTIONS": "print_suppressions=0",
    }


def owner(stack: list[str]) -> str:
    """Who asked for the block: "ours", or the module that stands between."""
    for line in stack:
        if any(name in line for name in OURS):
            return "ours"
        if "python" in line:
            return "python"
    return "other"


def leaks(text: str) -> Iterator[str]:
    """Each leak report of ours, as it was written."""
    for report in re.split(r"\n\s*\n", text):
        lines = report.splitlines()
        heads = [index for index, line in enumerate(lines) if "leak of" in line]
        if not heads:
            continue
        stack = [line for line in lines[heads[-1] + 1 :] if line.lstrip().startswith("#")]
        if owner(stack) == "ours":
            yield report


def judge(directory: Path) -> list[str]:
    """Everything that the sanitizers said and that is ours."""
    wrong: list[str] = []
    for report in sorted(directory.glob("report.*")):
        text = report.read_text(errors="replace")
        if "ERROR: AddressSanitizer" in text or "runtime error:" in text:
            wrong.append(text)
        else:
            wrong += leaks(text)
    return wrong


def main(arguments: list[str]) -> int:
    directory = Path(arguments[0])
    for report in directory.glob("report.*"):
        report.unlink()
    # The suite must not fall back to the plain extension without a word.
    code = "import lazyimage._core as core, sys; print(core.__file__)"
    variables = environment(directory)
    where = subprocess.check_output([sys.executable, "-c", code], env=variables, text=True)
    if str((directory / "lib").resolve()) not in where:
        print(f"{where.strip()} is not the instrumented extension", file=sys.stderr)
        return 1
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments[1:]],
        env=variables,
        check=False,
    )
    wrong = judge(directory)
    for text in wrong:
        print(text, file=sys.stderr)
    print(f"sanitizers: {len(wrong)} reports")
    return 1 if wrong or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
