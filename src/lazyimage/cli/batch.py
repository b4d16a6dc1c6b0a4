"""lazyimage batch INPUT… -o DIR: many pictures, mirrored into a directory."""

import argparse
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from lazyimage import Engine
from lazyimage.cli.common import UsageError, Verbs, add_verb
from lazyimage.cli.encoding import (
    add_encoding,
    add_salvage,
    check_named_format,
    keeping,
    settings_of,
)
from lazyimage.cli.geometry import GRAMMAR, parse_geometry, resized
from lazyimage.cli.inputs import add_inputs, collect
from lazyimage.cli.names import Job, parse_pattern, plan, refuse_overwriting
from lazyimage.cli.resize import add_fit
from lazyimage.cli.steps import add_steps, stepped, words_of
from lazyimage.cli.tally import Tally
from lazyimage.cli.work import Worker, add_limits, limits_of

if TYPE_CHECKING:
    from lazyimage.cli.manifest import Manifest

POLICIES = ("strict", "lenient", "public-upload")

EPILOG = f"""\
What becomes of a name, with -o out -f webp:
  photos                with photos/a/b.JPG   out/a/b.webp
  'photos/**/*.jpg'     with photos/a/b.jpg   out/a/b.webp
  photos/a/b.jpg                              out/b.webp
  a/b.jpg in --files-from                     out/a/b.webp
  any of these with --base .                  out/photos/a/b.webp
A directory gives its files called .jpg .jpeg .jpe .jfif .png .webp .avif, in any case;
hidden names, links to directories and the output directory are left out. Names that clash
become b.webp, b-2.webp in the order of the inputs.

{GRAMMAR}
exit status: 0 all done, 1 some failed, 2 wrong usage, 3 no picture found, 130 interrupted
"""


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "batch",
        "convert many pictures into a directory",
        "Convert every picture that INPUT means into --output-dir, keeping the tree.\n"
        "One that fails is named on stderr and does not stop the others.",
        EPILOG,
    )
    add_inputs(parser)
    parser.add_argument(
        "-o", "--output-dir", required=True, metavar="DIR", help="made if it is not there"
    )
    parser.add_argument(
        "-s", "--size", type=parse_geometry, metavar="SIZE", help="see below; default: as it is"
    )
    add_fit(parser)
    add_steps(parser)
    add_salvage(parser)
    add_encoding(parser, "the input's own, by its extension")
    add_naming(parser)
    add_limits(parser)
    add_policy(parser)
    add_journal(parser)
    add_reports(parser)
    parser.set_defaults(run=run)


def add_naming(parser: argparse.ArgumentParser) -> None:
    """--base, --name, --skip-existing, --in-place."""
    group = parser.add_argument_group("where to")
    group.add_argument(
        "--base", metavar="DIR", help="keep the tree as seen from here, for every INPUT"
    )
    group.add_argument(
        "--name",
        type=parse_pattern,
        default="{stem}.{ext}",
        metavar="PATTERN",
        help="of each file, with {stem} and {ext}; default: {stem}.{ext}",
    )
    group.add_argument(
        "--skip-existing", action="store_true", help="leave out what has an output already"
    )
    group.add_argument(
        "--in-place", action="store_true", help="let outputs replace the inputs themselves"
    )


def add_policy(parser: argparse.ArgumentParser) -> None:
    """--policy."""
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        help="refuse what is too big or odd for pictures of strangers, as sanitize() does",
    )


def add_journal(parser: argparse.ArgumentParser) -> None:
    """--manifest and --resume."""
    group = parser.add_argument_group("going on after a stop")
    group.add_argument(
        "--manifest", metavar="FILE", help="keep a record of every picture here, as JSON lines"
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on with --manifest: what it says is done, of the same input and still there, "
        "is not done again; failures are tried again",
    )


def add_reports(parser: argparse.ArgumentParser) -> None:
    """--dry-run, --json, --quiet."""
    group = parser.add_argument_group("reports")
    group.add_argument(
        "-n", "--dry-run", action="store_true", help="print what would be made; make nothing"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object a picture")
    group.add_argument(
        "--quiet", action="store_true", help="no progress and no summary; failures are named"
    )


def run(options: argparse.Namespace) -> int:
    """Make everything."""
    if options.resume and options.manifest is None:
        raise UsageError("--resume goes on with a manifest: give --manifest")
    named = check_named_format(options.format) if options.format else None
    found = collect(options, options.output_dir, options.base)
    jobs = plan(found.inputs, options.output_dir, named, options.name)
    if not options.in_place:
        refuse_overwriting(jobs)
    tally = Tally(options)
    tally.begin(found)
    if options.skip_existing:
        jobs = tally.skip_existing(jobs)
    with ExitStack() as stack:
        manifest = opened_manifest(options, stack)
        if manifest is not None:
            jobs = tally.leave_out(jobs, manifest.finished)
        if options.dry_run:
            tally.print_plan(jobs)
        elif jobs:
            make_all(jobs, options, tally, manifest)
    return tally.end()


def opened_manifest(options: argparse.Namespace, stack: ExitStack) -> "Manifest | None":
    """The manifest, if there is to be one; a dry run looks at one to go on with."""
    if options.manifest is None or (options.dry_run and not options.resume):
        return None
    from lazyimage.cli.manifest import Manifest

    settings = settings_line(options)
    manifest = Manifest(options.manifest, settings, options.resume, look=options.dry_run)
    stack.callback(manifest.close)
    return manifest


def make_all(
    jobs: list[Job], options: argparse.Namespace, tally: Tally, manifest: "Manifest | None"
) -> None:
    """Run the jobs, and show how far they are."""
    from lazyimage.cli.progress import progress_of

    with progress_of(len(jobs), options.quiet) as progress:
        worker = Worker(
            lambda job: output_of(job, options),
            limits_of(options),
            manifest=manifest,
            show=progress.show,
        )
        worker.run(jobs, tally.add)


def output_of(job: Job, options: argparse.Namespace) -> Any:
    """What run() is to make of an input."""
    engine = keeping(Engine.from_path(job.input, salvage=options.salvage), options)
    if options.policy is not None:
        engine = engine.sanitize(options.policy)
    engine = resized(stepped(engine, options, False), options.size, options.fit, options.kernel)
    return stepped(engine, options, True).output(job.output, **settings_of(options, job.format))


def settings_line(options: argparse.Namespace) -> dict[str, Any]:
    """What must be the same for a batch to go on: everything that changes an output."""
    steps = words_of(options)
    return {
        **({"steps": steps} if steps else {}),
        "output_dir": os.path.abspath(options.output_dir),
        "size": str(options.size) if options.size else None,
        "fit": options.fit,
        "kernel": options.kernel,
        "format": options.format,
        "quality": options.quality,
        "options": dict(options.option),
        "profile": options.profile,
        "name": options.name,
        "policy": options.policy,
        **({"keep": options.keep} if options.keep else {}),
        **({"salvage": True} if options.salvage else {}),
    }
