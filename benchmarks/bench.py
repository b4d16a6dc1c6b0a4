"""make bench: every cell beside every peer, in one run.

    python benchmarks/bench.py [--cells NAME,…] [--peers NAME,…] [--threads 1|default|both]
                               [--rounds 5] [--quick] [--directory build/bench]

Fetches the peers and makes the inputs, then runs each row in a fresh process, the rows taking
turns, round by round, and keeps every figure; tables show medians. A row that takes over 1 s
runs at most twice, over 8 s once. Writes results.json into
the directory. A full run also writes the tables and the plot into docs/ (report.py); a part
of one, or --quick (one round, one thread, no search of efforts), prints them.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import report
from cells import CELLS, OURS, PEERS, TABLES, Cell, rows_of, warm_of
from fetch import HERE, fetch
from runner import FIGURES, Runner
from tune import Tuner

SCHEMA = 1
FEWER_ROUNDS = 2
"""In the tables of default threads and of defaults: no target is looked up there."""


def machine() -> dict[str, Any]:
    """What this ran on."""
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def make_inputs(python: str, directory: Path, cells: list[Cell]) -> dict[str, Any]:
    """The inputs' record, by inputs.py."""
    names = sorted({name for cell in cells for name in (cell.source, warm_of(cell))})
    command = [python, str(HERE / "inputs.py"), str(directory / "inputs"), "--only", *names]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if any(each["origin"].startswith("made") for each in found.values()):
        print("NO CORPUS: the pictures are made, not photographs", flush=True)
    return {name: found[name] for name in names}


class Row:
    """A row of a table while it is being measured."""

    def __init__(self, cell: Cell, table: str, who: str, pace: str):
        self.cell, self.table, self.who, self.pace = cell, table, who, pace
        self.job: dict[str, str] = {}
        self.note = ""
        self.matched = True  # an effort was found at which it does what ours does
        self.unsupported = ""
        self.runs: list[dict[str, float]] = []
        self.seconds = 0.0  # of the last run, start and warm-up included
        self.judged: dict[str, Any] = {}

    def most_rounds(self) -> int:
        """Long runs are less noisy, and the whole must end."""
        return 1 if self.seconds > 8 else 2 if self.seconds > 1 else 1000

    def record(self) -> dict[str, Any]:
        """The row as results.json has it."""
        said: dict[str, Any] = {"who": self.who, "pace": self.pace, "note": self.note}
        said["matched"] = self.matched
        if self.unsupported:
            return {**said, "unsupported": self.unsupported}
        figures = {name: [round(run[name], 3) for run in self.runs] for name in FIGURES}
        medians = {name: statistics.median(each) for name, each in figures.items()}
        return {**said, **medians, **self.judged, "each": figures}


def prepare(runner: Runner, tuner: Tuner, rows: list[Row], search: bool) -> None:
    """Fill in each row's job, its effort searched where the cell asks for that."""
    for row in rows:
        row.job = runner.job(row.cell, row.who, row.pace, row.table)
        if row.table != "defaults":
            tuned = dict(tuner.tune(row.cell, row.who, row.pace, search=search))
            row.note = tuned.pop("note", "")
            row.matched = not tuned.pop("unmatched", "")
            row.job |= tuned


def measure(runner: Runner, rows: list[Row], rounds: dict[str, int]) -> None:
    """Round by round, every row in turn."""
    for number in range(max(rounds.values())):
        began = time.monotonic()
        for row in rows:
            if number < min(rounds[row.table], row.most_rounds()) and not row.unsupported:
                started = time.monotonic()
                found = runner.run(row.who, row.job)
                row.seconds = time.monotonic() - started
                row.unsupported = found.get("unsupported", "")
                row.runs.append(found)
        spent = time.monotonic() - began
        print(f"round {number + 1}: {spent:.0f} s", file=sys.stderr, flush=True)


def judge(runner: Runner, rows: list[Row]) -> None:
    """Score what the rows wrote."""
    asked = [row for row in rows if row.cell.op != "probe" and not row.unsupported]
    requests = [runner.request(row.cell, row.job["output"]) for row in asked]
    for row, answer in zip(asked, runner.judge(requests), strict=True):
        row.judged = answer


def compare_sizes(tuner: Tuner, rows: list[Row]) -> None:
    """Our file beside the one that the efforts were searched for."""
    for row in rows:
        target = tuner.targets.get((row.cell.name, row.pace))
        if row.who == OURS and row.cell.match == "png" and target and row.judged:
            row.note = f"{row.judged['bytes'] / target['bytes']:.3f} × Pillow's default"


def results_of(runner: Runner, cells: list[Cell], rows: list[Row], rounds: dict[str, int]) -> Any:
    """What results.json holds; docs/performance.md says what each key means."""
    return {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": runner.versions,
        "missing": runner.peers.missing,
        "rounds": rounds,
        "inputs": runner.inputs,
        "cells": [
            {
                **cell._asdict(),
                "tables": {
                    table: [r.record() for r in rows if (r.cell, r.table) == (cell, table)]
                    for table in TABLES
                    if any((r.cell, r.table) == (cell, table) for r in rows)
                },
            }
            for cell in cells
        ],
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", default="", help="names, by commas; default all")
    parser.add_argument("--peers", default=",".join(PEERS), help="names, by commas")
    parser.add_argument("--threads", choices=("1", "default", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, one thread, no search")
    parser.add_argument("--directory", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    options.peers = tuple(name for name in options.peers.split(",") if name)
    names = options.cells.split(",") if options.cells else [cell.name for cell in CELLS]
    unknown = {*names} - {cell.name for cell in CELLS} | {*options.peers} - {*PEERS}
    if unknown:
        parser.error(f"no such cell or peer: {', '.join(sorted(unknown))}")
    options.cells = [cell for cell in CELLS if cell.name in names]
    return options


def tables_and_rounds(options: argparse.Namespace) -> dict[str, int]:
    """Which tables are asked for, with so many rounds each."""
    if options.quick:
        return {"one": 1}
    fewer = min(options.rounds, FEWER_ROUNDS)
    chosen = {"1": ("one",), "default": ("all", "defaults"), "both": TABLES}[options.threads]
    return {table: options.rounds if table == "one" else fewer for table in chosen}


def main() -> int:
    options = parse_arguments()
    directory = options.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    rounds = tables_and_rounds(options)
    peers = fetch(directory, options.peers)
    runner = Runner(peers, make_inputs(peers.python, directory, options.cells), directory)
    present = tuple(name for name in options.peers if name in peers.commands)
    rows = [
        Row(cell, table, who, pace)
        for cell in options.cells
        for table in rounds
        if table in cell.tables
        for who, pace in rows_of(cell, table, present)
    ]
    for who in (OURS, *present):
        runner.run(who, runner.job(options.cells[0], who, "default", "one"))
    tuner = Tuner(runner, directory / "tuned.json")
    prepare(runner, tuner, rows, not options.quick)
    measure(runner, rows, rounds)
    judge(runner, rows)
    compare_sizes(tuner, rows)
    results = results_of(runner, options.cells, rows, rounds)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (directory / "results.json").write_text(text + "\n", encoding="utf-8")
    print(report.tables(results))
    whole = options.cells == list(CELLS) and options.peers == PEERS and len(rounds) == len(TABLES)
    if whole:
        report.write(results, HERE.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
