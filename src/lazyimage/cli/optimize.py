"""lazyimage optimize INPUT…: encode pictures anew where that makes them smaller."""

import argparse
import os
from typing import Any

from lazyimage import Engine
from lazyimage.cli.batch import add_reports
from lazyimage.cli.common import UsageError, Verbs, add_verb, stamp
from lazyimage.cli.encoding import add_tuning, keeping, settings_of
from lazyimage.cli.inputs import add_inputs, collect
from lazyimage.cli.names import Job
from lazyimage.cli.tally import Tally
from lazyimage.cli.work import Record, Skip, Worker, add_limits, limits_of
from lazyimage.errors import SourceChangedError

EPILOG = """\
Each file keeps its name, format, size in pixels and mode, and is replaced as a whole, only
if at least --min-saving percent of its bytes are saved; so a second run changes nothing.
JPEG, WebP and AVIF lose a little quality: keep the originals. Metadata is removed but for
what --keep names, its orientation applied. Left alone, because they would lose what they are:
pictures with an ICC profile (but for --keep icc and --drop-icc), with more than 8 bits a
sample, in CMYK, and animations.

exit status: 0 done, 1 some failed, 2 wrong usage, 3 no picture found, 130 interrupted
"""


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "optimize",
        "make files smaller, in place",
        "Encode every picture that INPUT means anew, and replace it if that makes it smaller.",
        EPILOG,
    )
    add_inputs(parser)
    add_tuning(parser)
    parser.add_argument(
        "--min-saving",
        type=parse_percent,
        default=5.0,
        metavar="PCT",
        help="0..100, percent of the file's bytes; default: 5",
    )
    parser.add_argument(
        "--drop-icc",
        action="store_true",
        help="take pictures with an ICC profile, too: their colours become sRGB, and it is dropped",
    )
    add_limits(parser, durable=False)
    add_reports(parser)
    parser.set_defaults(run=run)


def parse_percent(text: str) -> float:
    """0 to 100."""
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return percent


def run(options: argparse.Namespace) -> int:
    """Look at every picture; with --dry-run nothing is replaced."""
    if options.drop_icc and keeps_icc(options):
        raise UsageError("--drop-icc drops what --keep icc keeps: leave one out")
    found = collect(options)
    tally = Tally(options, saving=True)
    tally.begin(found)
    files = {os.path.realpath(path): path for path, _ in reversed(found.inputs)}
    jobs = [Job(path, path, "") for path in reversed(files.values())]  # each file once
    before: dict[str, list[int]] = {}
    from lazyimage.cli.progress import progress_of

    with progress_of(len(jobs), options.quiet) as progress:
        worker = Worker(
            lambda job: output_of(job, options, before),
            limits_of(options),
            finish=lambda job, result: replace(job, result, options, before),
            show=progress.show,
            held=True,
        )
        worker.run(jobs, tally.add)
    return tally.end()


def keeps_icc(options: argparse.Namespace) -> bool:
    """Does --keep name the profile?"""
    return bool(options.keep and options.keep["icc"])


def output_of(job: Job, options: argparse.Namespace, before: dict[str, list[int]]) -> Any:
    """The picture in its own format, in memory. Raises Skip for one that would suffer."""
    engine = Engine.from_path(job.input)
    info = engine.info
    if info.icc_bytes and not options.drop_icc and not keeps_icc(options):
        raise Skip("it has an ICC profile")
    if info.bit_depth > 8:
        raise Skip(f"it has {info.bit_depth} bits a sample")
    if info.mode == "CMYK":
        raise Skip("it is in CMYK")
    if info.frames != 1:
        raise Skip(f"it has {info.frames} frames")
    found = stamp(job.input)
    if found is not None:
        before[job.input] = found
    return keeping(engine, options).output(**settings_of(options, str(info.format)))


def replace(
    job: Job, result: Any, options: argparse.Namespace, before: dict[str, list[int]]
) -> Record:
    """Write the result over the source, if it saves enough."""
    was = before.pop(job.input)
    lost = keeps_icc(options) and result.metrics.icc in ("converted", "stripped")
    if lost and Engine.from_path(job.input).has_icc_profile():
        raise Skip("its ICC profile cannot be kept")
    if len(result) > was[1] * (1 - options.min_saving / 100) or len(result) == was[1]:
        raise Skip("it would not be smaller enough")
    record = {
        "input": job.input,
        "output": job.output,
        "status": "planned" if options.dry_run else "ok",
        "format": result.format,
        "width": result.width,
        "height": result.height,
        "bytes": len(result),
        "bytes_before": was[1],
    }
    if options.dry_run:
        return record
    if stamp(job.input) != was:
        raise SourceChangedError("the file has changed meanwhile, and is left as it is")
    result.save(job.output)
    return record
