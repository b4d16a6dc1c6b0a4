"""One hostile file through another library, alone in a process: what becomes of it, the
seconds and the memory beyond those of a harmless picture."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import fetch
from card import ROOT

HERE = Path(__file__).resolve().parent
BENCH = ROOT / "build" / "bench"


class Fate(NamedTuple):
    """What became of a file."""

    answer: str
    """"ok", "refused", "died" or "slow"."""
    seconds: float
    peak: int
    """Bytes, of the whole process."""


def peak_of(process: int) -> int:
    """VmHWM so far, in bytes; 0: it has ended. (ru_maxrss begins with the parent's.)"""
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line[:5] == "VmHWM"), 0)
    except OSError:
        return 0


class Peer:
    """A library that speaks through sweep_peer.py or sweep_peer.mjs."""

    def __init__(self, name: str, harmless: Path) -> None:
        found = fetch.fetch(BENCH, (name,))
        self.missing = found.missing.get(name, "")
        self.environment = found.environment
        if self.missing:
            return
        program = found.commands[name][0]
        python = program == found.python
        script = HERE / ("sweep_peer.py" if python else "sweep_peer.mjs")
        self.command = [program, str(script), *([] if python else [name])]
        self.harmless = min((self.run(harmless, 60) for _ in range(3)), key=lambda f: f.seconds)

    def run(self, path: Path, seconds: float) -> Fate:
        """The sweep of one file; killed after `seconds`."""
        call = json.dumps(["sweep", {"path": str(path)}]) + "\n"
        with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as told:
            asked.write(call)
            asked.seek(0)
            began = time.monotonic()
            process = subprocess.Popen(
                self.command,
                stdin=asked,
                stdout=told,
                stderr=subprocess.DEVNULL,
                env=self.environment,
            )
            late, peak = False, 0
            while process.poll() is None:
                peak = max(peak, peak_of(process.pid))
                if not late and time.monotonic() - began > seconds:
                    late = True
                    process.kill()
                time.sleep(0.002)
            taken = time.monotonic() - began
            told.seek(0)
            line = told.readline()
        value = json.loads(line).get("value") if line else None
        answer = "refused" if value and "error" in value else "ok" if value is not None else "died"
        return Fate("slow" if late else answer, taken, peak)

    def beyond(self, path: Path, seconds: float) -> Fate:
        """The same less what a harmless picture takes."""
        fate = self.run(path, seconds)
        return Fate(
            fate.answer,
            max(0.0, fate.seconds - self.harmless.seconds),
            max(0, fate.peak - self.harmless.peak),
        )
