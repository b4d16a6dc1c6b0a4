#!/usr/bin/env python3
"""The reliability scorecard: every row's figure beside its target.

    scorecard.py [--short] [--rows R1,R4] [--again] [--no-peers]

A row's answer is written to build/reliability.json (build/reliability-short.json) as soon as
it is there, with the commit that it was measured at; the next call runs only what is missing.
`--again` measures the rows named (or all) once more. Exit 1 if a target is missed or a row
has no answer. `--write` puts the table of what was measured into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python"), str(HERE.parents[1] / "benchmarks")]

import oracle  # noqa: E402
from card import ROOT, ROWS, Bench, Figure, Row  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
MARKS = ("<!-- scorecard -->\n", "<!-- /scorecard -->\n")


def find_rows(directory: Path) -> list[Row]:
    """The rows of every rows_*.py, in the order of their numbers."""
    for path in sorted(directory.glob("rows_*.py")):
        importlib.import_module(path.stem)
    return sorted(ROWS.values(), key=lambda row: int("".join(filter(str.isdigit, row.name))))


def commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def measure(row: Row, short: bool, peers: bool) -> dict[str, Any]:
    """The row's answer as it is kept; a row that fails has missed."""
    work = ROOT / "build" / "reliability" / row.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    started = time.monotonic()
    try:
        bench = Bench(short, oracle.corpus_directory(), work, peers and not short)
        figure = row.measure(bench)
    except Exception as error:  # the other rows are measured all the same
        traceback.print_exc()
        figure = Figure(f"no figure: {type(error).__name__}", False, str(error).strip()[-300:])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {
        "figure": figure.text,
        "met": bool(figure.met),  # NumPy's bool is no JSON
        "why": figure.why,
        "peers": figure.peers,
        "seconds": round(time.monotonic() - started, 1),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def table(rows: list[Row], answers: dict[str, Any]) -> str:
    """Markdown, a line a row."""
    lines = ["| # | test | target | measured | others, same run | s |", "|---|---|---|---|---|---|"]
    for row in rows:
        answer = answers.get(row.name)
        if answer is None:
            lines.append(f"| {row.name} | {row.title} | {row.target} | not measured | | |")
            continue
        figure = answer["figure"] if answer["met"] else f"**missed**: {answer['figure']}"
        if answer["why"]:
            figure += f" ({answer['why']})"
        others = "; ".join(f"{peer}: {text}" for peer, text in answer["peers"].items())
        cells = (row.name, row.title, row.target, figure, others, f"{answer['seconds']:.0f}")
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def write_page(text: str) -> None:
    """The table between the marks of docs/reliability.md."""
    head, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    tail = rest.split(MARKS[1])[1]
    PAGE.write_text(f"{head}{MARKS[0]}{text}{MARKS[1]}{tail}", encoding="utf-8")


def run(rows: list[Row], kept: Path, again: set[str], short: bool, peers: bool) -> dict[str, Any]:
    """Measure what has no answer in `kept` and what is asked for again; all answers."""
    answers: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for row in rows:
        if row.name in answers and row.name not in again:
            continue
        print(f"{row.name}: {row.title} …", flush=True)
        answers[row.name] = answer = measure(row, short, peers)
        print(f"{row.name}: {answer['figure']} ({answer['seconds']} s)", flush=True)
        if kept.exists():  # another run may have measured other rows meanwhile
            answers = {**json.loads(kept.read_text()), row.name: answer}
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(answers, indent=1))
        os.replace(part, kept)
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="the form of CI")
    parser.add_argument("--rows", help="these alone, as R1,R4")
    parser.add_argument("--again", action="store_true", help="also what has an answer")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    asked = parser.parse_args()
    every = find_rows(HERE)
    names = asked.rows.split(",") if asked.rows else [row.name for row in every]
    unknown = set(names) - {row.name for row in every}
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}")
    wanted = [row for row in every if row.name in names]
    kept = ROOT / "build" / ("reliability-short.json" if asked.short else "reliability.json")
    again = set(names) if asked.again else set()
    answers = run(wanted, kept, again, asked.short, not asked.no_peers)
    text = table(wanted, answers)
    print(text, end="")
    if asked.write:
        write_page(table(every, answers))
    missed = [row.name for row in wanted if not answers[row.name]["met"]]
    print(
        f"{len(wanted) - len(missed)} of {len(wanted)} rows met" + "".join(f" -{m}" for m in missed)
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
