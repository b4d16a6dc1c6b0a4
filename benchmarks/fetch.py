"""Get the peers of the benchmark, newest, into its directory: a venv from PyPI, modules from npm.

What cannot be had is named with its reason, never left out in silence. What is there stays;
remove the directory to get newer ones.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "Pillow": "pillow",
    "pyvips": "pyvips[binary]",
    "OpenCV": "opencv-python-headless",
}
MODULES = {"sharp": "sharp", "lazy-image": "@alberteinshutoin/lazy-image"}
RUNNERS = {
    "lazyimage": "with_lazyimage.py",
    "Pillow": "with_pillow.py",
    "pyvips": "with_pyvips.py",
    "OpenCV": "with_opencv.py",
    "sharp": "with_sharp.mjs",
    "lazy-image": "with_lazy_image.mjs",
}
JUDGES = ("pillow>=11.3", "numpy", "ssimulacra2")
"""What inputs.py and truth.py need: without them nothing can be measured."""


class Peers(NamedTuple):
    """What could be had: `python` runs inputs.py and truth.py."""

    commands: dict[str, list[str]]
    missing: dict[str, str]
    python: str
    environment: dict[str, str]


def _run(command: list[str]) -> str:
    """'' if it went well, else the last line that it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return "" if done.returncode == 0 else (lines[-1] if lines else "failed")


def _python(directory: Path) -> str:
    """The Python of the venv, made if it is not there; the judges are in it."""
    python = directory / "venv" / "bin" / "python"
    if not python.exists():
        print("fetching Pillow, NumPy and ssimulacra2 from PyPI", file=sys.stderr, flush=True)
        for command in (
            [sys.executable, "-m", "venv", str(directory / "venv")],
            [str(python), "-m", "pip", "install", "-q", *JUDGES],
        ):
            reason = _run(command)
            if reason:
                shutil.rmtree(directory / "venv", ignore_errors=True)
                raise SystemExit(f"the benchmark needs {', '.join(JUDGES)}: {reason}")
    return str(python)


def _package(python: str, directory: Path, package: str) -> str:
    """Why it cannot be had, or ''."""
    stamp = directory / "venv" / f"has-{package.split('[')[0]}"
    if stamp.exists():
        return ""
    print(f"fetching {package} from PyPI", file=sys.stderr, flush=True)
    reason = _run([python, "-m", "pip", "install", "-q", package])
    if not reason:
        stamp.touch()
    return reason


def _module(directory: Path, module: str) -> str:
    """Why it cannot be had, or ''."""
    npm = shutil.which("npm")
    if not shutil.which("node") or not npm:
        return "no node and npm here"
    target = directory / "node"
    if (target / "node_modules" / module).exists():
        return ""
    print(f"fetching {module} from npm", file=sys.stderr, flush=True)
    target.mkdir(parents=True, exist_ok=True)
    manifest = target / "package.json"
    if not manifest.exists():
        manifest.write_text('{"private": true}\n', encoding="utf-8")
    return _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(target), module])


def fetch(directory: Path, wanted: tuple[str, ...]) -> Peers:
    """Every peer that is wanted and can be had."""
    python = _python(directory)
    commands = {"lazyimage": [sys.executable, str(HERE / "peers" / RUNNERS["lazyimage"])]}
    missing = {}
    for peer in wanted:
        if peer in PACKAGES:
            reason = _package(python, directory, PACKAGES[peer])
            program = python
        else:
            reason = _module(directory, MODULES[peer])
            program = shutil.which("node") or ""
        if reason:
            missing[peer] = reason
            print(f"MISSING: {peer}: {reason}", flush=True)
        else:
            commands[peer] = [program, str(HERE / "peers" / RUNNERS[peer])]
    environment = {**os.environ, "BENCH_NODE": str(directory / "node")}
    return Peers(commands, missing, python, environment)
