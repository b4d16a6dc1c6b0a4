"""lazyimage convert IN OUT: one picture to another format, size or quality."""

import argparse

from lazyimage import Engine
from lazyimage.cli.common import DONE, Verbs, add_verb, open_source
from lazyimage.cli.encoding import (
    add_delivery,
    add_encoding,
    add_salvage,
    check_stdout,
    format_of,
    keeping,
    settings_of,
    write_one,
)
from lazyimage.cli.geometry import GRAMMAR, parse_geometry, resized
from lazyimage.cli.steps import add_steps, stepped


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "convert",
        "convert a picture",
        "Read IN, fit it into --resize, and write it as OUT in one pass.",
        GRAMMAR,
    )
    add_job_arguments(parser)
    parser.set_defaults(run=run)


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """IN, OUT and the settings that convert and explain share."""
    parser.add_argument("input", metavar="IN", help="a picture, or - for standard input")
    parser.add_argument("output", metavar="OUT", help="a file, or - for standard output")
    parser.add_argument(
        "-s", "--resize", type=parse_geometry, metavar="SIZE", help="see below; default: as it is"
    )
    add_steps(parser, "resize")
    add_salvage(parser)
    add_encoding(parser)
    add_delivery(parser)


def engine_of(options: argparse.Namespace) -> Engine:
    """The job's source with the steps that its options ask for."""
    source = stepped(keeping(open_source(options.input, options.salvage), options), options, False)
    return stepped(resized(source, options.resize), options, True)


def run(options: argparse.Namespace) -> int:
    """Write OUT. Nothing is left of it when something fails."""
    settings = settings_of(options, format_of(options.output, options.format))
    if options.output == "-":
        check_stdout()
    write_one(engine_of(options), options.output, settings)
    return DONE
