"""The command line as its users run it, for tests: a process of its own each time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = [sys.executable, "-m", "lazyimage"]
EXECUTABLE = [str(Path(sys.executable).with_name("lazyimage"))]


def program() -> list[str]:
    """The installed executable; where the package is only on the path, `python -m`."""
    return EXECUTABLE if Path(EXECUTABLE[0]).exists() else MODULE


def lazyimage(*arguments: str | bytes | os.PathLike, **keywords) -> subprocess.CompletedProcess:
    """Run it to its end; bytes in, bytes out."""
    if "input" not in keywords:
        keywords.setdefault("stdin", subprocess.DEVNULL)
    keywords.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*program(), *arguments], stderr=subprocess.PIPE, timeout=120, check=False, **keywords
    )


def run_well(*arguments: str | bytes | os.PathLike, **keywords) -> bytes:
    """What it prints; it must succeed without a word on stderr."""
    done = lazyimage(*arguments, **keywords)
    if done.returncode or done.stderr:
        pytest.fail(f"{arguments}: status {done.returncode}\n{done.stderr.decode()}")
    return done.stdout or b""
