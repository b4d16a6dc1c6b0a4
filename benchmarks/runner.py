"""Runs one row of one cell in a fresh process, and asks the judge about what it wrote."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from cells import Cell, warm_of
from fetch import HERE, Peers

FIGURES = ("cpu_ms", "wall_ms", "growth_mb")
ONE_THREAD = {
    "VIPS_CONCURRENCY": "1",
    "RAYON_NUM_THREADS": "1",
    "LAZYIMAGE_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class Runner:
    """The peers, the inputs, and where outputs go."""

    def __init__(self, peers: Peers, inputs: dict[str, Any], directory: Path):
        self.peers = peers
        self.inputs = inputs
        self.directory = directory
        self.versions: dict[str, dict[str, str]] = {}

    def output(self, cell: Cell, who: str, pace: str, table: str) -> Path:
        """Where this row writes."""
        suffix = {"jpeg": "jpg", "": "raw"}.get(cell.format, cell.format)
        path = self.directory / "outputs" / f"{cell.name}-{who}-{pace}-{table}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        return path

    def job(self, cell: Cell, who: str, pace: str, table: str) -> dict[str, str]:
        """The row in the runner's words."""
        source = self.inputs[cell.source]
        return {
            "op": cell.op,
            "source": source["path"],
            "source_width": str(source["width"]),
            "source_height": str(source["height"]),
            "output": str(self.output(cell, who, pace, table)),
            "warm": self.inputs[warm_of(cell)]["path"] if cell.op != "first" else "",
            "format": cell.format,
            "width": str(cell.width),
            "height": str(cell.height),
            "quality": str(0 if table == "defaults" else cell.quality),
            "pace": pace,
            "threads": "1" if table == "one" else "0",
            "repeat": str(cell.repeat),
        }

    def run(self, who: str, job: dict[str, str]) -> dict[str, Any]:
        """The figures of one run. One thread is a setting, and also one CPU to run on."""
        job = {**job, "began": repr(time.monotonic())}
        command = [*self.peers.commands[who], *(f"{k}={v}" for k, v in job.items())]
        one = job["threads"] == "1"
        cpu = max(os.sched_getaffinity(0))
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**self.peers.environment, **(ONE_THREAD if one else {})},
            preexec_fn=(lambda: os.sched_setaffinity(0, {cpu})) if one else None,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        self.versions[who] = found.pop("versions")
        return found

    def request(self, cell: Cell, output: str) -> dict[str, Any]:
        """The judge's question about an output of the cell."""
        source = self.inputs[cell.source]
        return {
            "source": source["path"],
            "output": output,
            "width": cell.width,
            "height": cell.height or round_half_up(source["height"] * cell.width, source["width"]),
            "cover": bool(cell.height),
            "pixels": cell.op == "pixels",
        }

    def judge(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Scores, sizes and kinds of outputs, in order."""
        done = subprocess.run(
            [self.peers.python, str(HERE / "truth.py"), str(self.directory)],
            input=json.dumps(requests),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers


def round_half_up(part: int, whole: int) -> int:
    """part / whole, half away from zero."""
    return (2 * part + whole) // (2 * whole)
