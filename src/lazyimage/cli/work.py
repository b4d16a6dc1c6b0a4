"""Work: jobs through lazyimage.run(), in groups, with a record of each as it is done.

The idea: run() schedules; this module feeds it groups that take about a second each, so
that memory does not grow with the length of a batch, and tells of each picture as it comes.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import lazyimage
from lazyimage.cli.common import UsageError, describe, stamp
from lazyimage.cli.encoding import parse_bytes
from lazyimage.cli.names import Job
from lazyimage.machine import default_workers

if TYPE_CHECKING:
    from lazyimage.cli.manifest import Manifest

PER_WORKER: Final = 16
"""Pictures in a group, at least, for each that runs at once: few wait for a group's last."""

HELD: Final = 4
"""The same, and never more, where the results are held in memory until all are there."""

LARGEST: Final = 512
"""Pictures in a group, at most, unless there are very many workers."""

SECONDS: Final = 1.0
"""What a group should take."""

Record = dict[str, Any]
Make = Callable[[Job], Any]
"""From a job to the Output that run() takes; what it raises is the job's error."""
Finish = Callable[[Job, Any], Record]
"""From a job and its result to its record."""


class Limits(NamedTuple):
    """What run() may take."""

    workers: int = 0
    max_memory: int | None = None
    oversize: Literal["refuse", "alone"] = "refuse"
    durable: bool = False


class Skip(Exception):
    """There is no reason to do a job; the text says why. Raised by `make` or `finish`."""


def add_limits(parser: argparse.ArgumentParser, durable: bool = True) -> None:
    """--jobs, --memory, --oversize and, if wanted, --durable."""
    group = parser.add_argument_group("how")
    group.add_argument(
        "-j",
        "--jobs",
        type=parse_jobs,
        default=0,
        metavar="N",
        help="pictures at once, 1..256; default: LAZYIMAGE_NUM_THREADS, or the CPUs there are",
    )
    group.add_argument(
        "-m",
        "--memory",
        type=parse_bytes,
        metavar="SIZE",
        help="what all of them may take together: 4096, 128MB, 1.5GiB; 0: no bound; default: "
        "half of what this process may use",
    )
    group.add_argument(
        "--oversize",
        choices=("refuse", "alone"),
        default="refuse",
        help="a picture that needs more than all of --memory fails (refuse, the default), or "
        "runs when nothing else does (alone)",
    )
    if not durable:
        return
    group.add_argument(
        "--durable",
        action="store_true",
        help="wait until each file is on the disk: slower, but outlives a power cut",
    )


def parse_jobs(text: str) -> int:
    """1 to 256."""
    count = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= count <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1 to 256")
    return count


def limits_of(options: argparse.Namespace) -> Limits:
    """What the options ask for."""
    durable = getattr(options, "durable", False)
    return Limits(options.jobs, options.memory, options.oversize, durable)


class Worker:
    """Runs jobs: how they are made, what is done with a result, who is told."""

    def __init__(
        self,
        make: Make,
        limits: Limits,
        *,
        finish: Finish | None = None,
        manifest: "Manifest | None" = None,
        show: Callable[[int], object] | None = None,
        held: bool = False,
    ) -> None:
        self.make = make
        self.limits = limits
        self.finish = finish or made
        self.manifest = manifest
        self.show = show
        workers = limits.workers or default_workers()
        self.least = workers * (HELD if held else PER_WORKER)
        self.largest = self.least if held else max(LARGEST, self.least)

    def run(self, jobs: Sequence[Job], tell: Callable[[Record], object]) -> None:
        """Tell the record of each job, in order, as soon as it and all before it are done;
        the manifest has it as soon as it is done itself. show(done) is called as well.
        """
        size, done = self.least, 0
        while done < len(jobs):
            group = jobs[done : done + size]
            began = time.monotonic()
            self.run_group(group, done, tell)
            done += len(group)
            fits = int(size * min(2.0, SECONDS / max(time.monotonic() - began, 0.001)))
            size = min(self.largest, max(self.least, fits))

    def run_group(
        self, group: Sequence[Job], before: int, tell: Callable[[Record], object]
    ) -> None:
        """Some jobs at once."""
        sources = [stamp(job.input) if self.manifest else None for job in group]
        outputs, errors = self.prepare(group)
        if self.manifest:
            self.manifest.start([group[place] for place, _ in outputs])
        done: dict[int, Record] = {}
        told = 0

        def note(place: int, result: Any, error: Exception | None) -> None:
            nonlocal told
            job = group[place]
            record = done[place] = self.record_of(job, result, error)
            if self.manifest:
                self.manifest.end(job, record, sources[place])
            while told in done:
                tell(done.pop(told))
                told += 1

        for place, error in errors.items():
            note(place, None, error)
        self.run_outputs(
            [output for _, output in outputs],
            before + len(errors),
            lambda outcome: note(outputs[outcome.index][0], outcome.result, outcome.error),
        )

    def prepare(self, group: Sequence[Job]) -> tuple[list[tuple[int, Any]], dict[int, Exception]]:
        """(place in the group, Output) of what can be tried, and the errors of the rest."""
        outputs: list[tuple[int, Any]] = []
        errors: dict[int, Exception] = {}
        for place, job in enumerate(group):
            try:
                if job.error is not None:
                    raise job.error
                os.makedirs(os.path.dirname(job.output) or ".", exist_ok=True)
                outputs.append((place, self.make(job)))
            except UsageError:
                raise
            except Exception as error:
                errors[place] = error
        return outputs, errors

    def run_outputs(self, outputs: list[Any], before: int, note: Callable[[Any], object]) -> None:
        """Make them, and note the outcome of each as it comes."""
        show, limits = self.show, self.limits
        lazyimage.run(
            outputs,
            workers=limits.workers,
            max_memory=limits.max_memory,
            oversize=limits.oversize,
            durable=limits.durable,
            on_outcome=note,
            progress=(lambda done, total: show(before + done)) if show else None,
        )

    def record_of(self, job: Job, result: Any, error: Exception | None) -> Record:
        """What has become of a job."""
        try:
            if error is not None:
                raise error
            return self.finish(job, result)
        except Skip as reason:
            return {
                "input": job.input,
                "output": job.output,
                "status": "skipped",
                "reason": str(reason),
            }
        except Exception as failure:
            return failed(job, failure)


def made(job: Job, result: Any) -> Record:
    """The record of a picture that was written; with what was salvaged of it."""
    metrics = result.metrics
    salvaged = metrics is not None and metrics.rows_real is not None and metrics.warnings
    return {
        "input": job.input,
        "output": job.output,
        "status": "ok",
        "format": result.format,
        "width": result.width,
        "height": result.height,
        "bytes": result.bytes_written,
        **({"warnings": list(metrics.warnings)} if salvaged else {}),
    }


def failed(job: Job, error: Exception) -> Record:
    """The record of one that was not."""
    return {
        "input": job.input,
        "output": job.output or None,
        "status": "failed",
        "error": describe(error),
    }
