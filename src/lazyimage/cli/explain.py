"""lazyimage explain IN OUT: what convert would do and need, in words."""

import argparse

from lazyimage.cli.common import DONE, Verbs, add_verb
from lazyimage.cli.convert import add_job_arguments, engine_of
from lazyimage.cli.encoding import format_of, settings_of
from lazyimage.cli.geometry import GRAMMAR


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "explain",
        "print the plan of a conversion without running it",
        "Print what convert would do with IN; only its header is read.",
        GRAMMAR,
    )
    add_job_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan."""
    settings = settings_of(options, format_of(options.output, options.format))
    print(engine_of(options).explain(**settings))
    return DONE
