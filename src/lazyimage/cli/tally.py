"""The tally: what has become of many pictures, told as they are done and counted at the end."""

import argparse
import os
from collections.abc import Callable

from lazyimage.cli.common import (
    DONE,
    FAILED,
    NOTHING,
    describe,
    one_line,
    print_json,
    report_words,
    say,
)
from lazyimage.cli.inputs import Fault, Found
from lazyimage.cli.names import Job
from lazyimage.cli.work import Record

WORDS = {
    "ok": "written",
    "planned": "to be written",
    "failed": "failed",
    "skipped": "skipped",
    "kept": "done before",
}
"""What the summary calls a status."""


class Tally:
    """What has become of the pictures: lines as they are done, counts at the end."""

    def __init__(self, options: argparse.Namespace, saving: bool = False) -> None:
        self.saving = saving
        self.saved = 0
        self.json: bool = options.json
        self.quiet: bool = options.quiet
        self.counts = dict.fromkeys(("ok", "planned", "failed", "skipped", "kept"), 0)

    def begin(self, found: Found) -> None:
        """Name what could not be listed, and globs without a match."""
        for word in found.unmatched:
            say(f"nothing matches {one_line(word)}")
        for fault in found.faults:
            self.add_fault(fault)

    def add_fault(self, fault: Fault) -> None:
        """A directory that cannot be read."""
        words = describe(fault.error)
        self.add({"input": fault.path, "output": None, "status": "failed", "error": words})

    def add(self, record: Record) -> None:
        """One picture's record."""
        self.counts[record["status"]] += 1
        self.saved += record.get("bytes_before", 0) - record.get("bytes", 0)
        if record["status"] == "failed":
            report_words(record["error"], record["input"])
        for text in record.get("warnings", ()):
            say(f"{one_line(record['input'])}: {text}")
        if self.json:
            print_json(record)
        elif record["status"] == "planned":
            print(planned(record))

    def skip_existing(self, jobs: list[Job]) -> list[Job]:
        """The jobs whose output is not there."""
        left = []
        for job in jobs:
            if job.output and os.path.lexists(job.output):
                self.add({"input": job.input, "output": job.output, "status": "skipped"})
            else:
                left.append(job)
        return left

    def leave_out(self, jobs: list[Job], finished: Callable[[Job], bool]) -> list[Job]:
        """The jobs that an earlier run has not finished."""
        left = [job for job in jobs if not finished(job)]
        self.counts["kept"] += len(jobs) - len(left)
        return left

    def print_plan(self, jobs: list[Job]) -> None:
        """What would be made, of each picture."""
        for job in jobs:
            record: Record = {"input": job.input, "output": job.output, "status": "planned"}
            if job.error is not None:
                record |= {"output": None, "status": "failed", "error": describe(job.error)}
            self.add(record)

    def end(self) -> int:
        """The summary, and the exit status."""
        counts = self.counts
        total = sum(counts.values())
        if not total:
            say("no picture found")
            return NOTHING
        if not self.quiet:
            parts = [f"{count} {WORDS[name]}" for name, count in counts.items() if count]
            say(", ".join([*parts, f"{self.saved} bytes saved"] if self.saving else parts))
        return FAILED if counts["failed"] else DONE


def planned(record: Record) -> str:
    """A line of --dry-run."""
    if "bytes_before" in record:
        return f"{one_line(record['input'])}: {record['bytes_before']} -> {record['bytes']} bytes"
    return f"{one_line(record['input'])} -> {one_line(record['output'])}"
