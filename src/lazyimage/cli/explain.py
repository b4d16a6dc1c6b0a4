"""lazyimage explain IN OUT: what convert would do and need, in words."""

import argparse
from typing import TYPE_CHECKING

from lazyimage.cli.common import (
    DONE,
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
        "explain",
        help="print the plan of a conversion without running it",
        description="Print what convert would do with IN; only its header is read.",
    )
    add_job_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    output_format = format_of(options.output, options.format)
    print(engine_of(options).explain(output_format, quality_of(options, output_format)))
    return DONE
