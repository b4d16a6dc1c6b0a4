"""lazyimage thumb INPUT…: small pictures beside large ones."""

import argparse

from lazyimage.cli.batch import add_policy, add_reports, output_of
from lazyimage.cli.common import DONE, UsageError, Verbs, add_verb, open_source
from lazyimage.cli.encoding import (
    add_encoding,
    add_salvage,
    check_named_format,
    check_stdout,
    format_of,
    keeping,
    settings_of,
    write_one,
)
from lazyimage.cli.geometry import GRAMMAR, KERNELS, Geometry, parse_geometry, resized
from lazyimage.cli.inputs import add_inputs, collect
from lazyimage.cli.names import own_sources, parse_pattern, plan
from lazyimage.cli.steps import add_steps, stepped
from lazyimage.cli.tally import Tally
from lazyimage.cli.work import Worker, add_limits, limits_of

SIZE = Geometry(150, 150, ">")
FORMAT = "webp"
QUALITY = 75

EPILOG = f"""\
thumb photo.jpg                     photo-thumb.webp, 150 px at most on each side
thumb --crop -s 200x200 *.png       squares, cut out of the middle
thumb photo.jpg -o out.jpg          out.jpg
thumb - -o - -f jpeg                from standard input to standard output

{GRAMMAR}
exit status: 0 all done, 1 some failed, 2 wrong usage, 3 no picture found, 130 interrupted
"""


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "thumb",
        "make small pictures beside large ones",
        "Make a thumbnail of every picture that INPUT means, beside it. An old one is replaced.",
        EPILOG,
    )
    add_inputs(parser)
    parser.add_argument(
        "-s",
        "--size",
        type=parse_geometry,
        default=SIZE,
        metavar="SIZE",
        help=f"see below; default: {SIZE}",
    )
    parser.add_argument(
        "--crop",
        dest="fit",
        action="store_const",
        const="cover",
        default="inside",
        help="fill the size, cut off what sticks out, evenly at both ends",
    )
    parser.add_argument("--kernel", choices=KERNELS, default="lanczos3", help="default: lanczos3")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="of the only INPUT: a file, or - for standard output"
    )
    parser.add_argument("--output-dir", metavar="DIR", help="put them all here, keeping the tree")
    parser.add_argument(
        "--name",
        type=parse_pattern,
        default="{stem}-thumb.{ext}",
        metavar="PATTERN",
        help="of each file, with {stem} and {ext}; default: {stem}-thumb.{ext}",
    )
    add_steps(parser)
    add_salvage(parser)
    add_encoding(parser, FORMAT, str(QUALITY))
    add_limits(parser)
    add_policy(parser)
    add_reports(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make everything, or the one."""
    if options.quality is None:
        options.quality = QUALITY
    if options.output is not None or "-" in options.inputs:
        return run_one(options)
    named = check_named_format(options.format or FORMAT)
    found = collect(options, options.output_dir)
    jobs = plan(found.inputs, options.output_dir, named, options.name)
    earlier = own_sources(jobs)  # thumbnails of an earlier run, which a directory has
    tally = Tally(options)
    tally.begin(found)
    jobs = [job for job in jobs if job.input not in earlier]
    if options.dry_run:
        tally.print_plan(jobs)
        return tally.end()
    from lazyimage.cli.progress import progress_of

    with progress_of(len(jobs), options.quiet) as progress:
        worker = Worker(lambda job: output_of(job, options), limits_of(options), show=progress.show)
        worker.run(jobs, tally.add)
    return tally.end()


def run_one(options: argparse.Namespace) -> int:
    """The thumbnail of one picture, to a place of its own."""
    if options.output is None:
        raise UsageError("a thumbnail of standard input needs --output")
    if len(options.inputs) != 1 or options.files_from is not None:
        raise UsageError("--output is for one INPUT: see --output-dir and --name")
    settings = settings_of(options, format_of(options.output, options.format))
    if options.output == "-":
        check_stdout()
    engine = keeping(open_source(options.inputs[0], options.salvage), options)
    if options.policy is not None:
        engine = engine.sanitize(options.policy)
    engine = resized(stepped(engine, options, False), options.size, options.fit, options.kernel)
    write_one(stepped(engine, options, True), options.output, settings)
    return DONE
