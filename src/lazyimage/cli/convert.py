"""lazyimage convert IN OUT: one picture to another format, size or quality."""

import argparse
import sys
from typing import TYPE_CHECKING

from lazyimage.cli.common import (
    DONE,
    UsageError,
    add_job_arguments,
    engine_of,
    format_of,
    quality_of,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(verbs: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Put this verb into the grammar."""
    parser = verbs.add_parser(
        "convert",
        help="convert a picture",
        description="Read IN, fit it into --resize, and write it as OUT in one pass.",
    )
    add_job_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write OUT. Nothing is left of it when something fails."""
    output_format = format_of(options.output, options.format)
    quality = quality_of(options, output_format)
    if options.output != "-":
        engine_of(options).to_file(options.output, output_format, quality)
        return DONE
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal: give a file, or pipe it on")
    encoded = engine_of(options).to_buffer(output_format, quality)
    sys.stdout.buffer.write(memoryview(encoded))
    sys.stdout.buffer.flush()
    return DONE
