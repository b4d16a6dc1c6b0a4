"""The command line: `lazyimage` and `python -m lazyimage`.

One module a verb; each has `add(verbs)` for its arguments and `run(options)`, which
returns the exit status: 0 done, 1 some failed (each with its code and hint on stderr),
2 wrong usage, 130 interrupted. A closed pipe ends the run without a word.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from lazyimage import __version__
from lazyimage.cli import convert, doctor, explain, info
from lazyimage.cli.common import DONE, FAILED, INTERRUPTED, USAGE, UsageError, report

__all__ = ["main"]


def build_parser() -> argparse.ArgumentParser:
    """The whole grammar, made anew by each call."""
    parser = argparse.ArgumentParser(
        prog="lazyimage",
        description="Convert pictures in one streaming pass, in flat memory.",
        epilog="exit status: 0 done, 1 some failed, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"lazyimage {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for module in (convert, info, explain, doctor):
        module.add(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the arguments default to the process's own.

    Returns the exit status. Bad arguments leave through SystemExit(2), as argparse does.
    """
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        print(f"lazyimage: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return FAILED
    except Exception as error:
        return FAILED if report(error) else DONE
    return status


def _silence_stdout() -> None:
    """Let the interpreter's last flush of a closed pipe go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
