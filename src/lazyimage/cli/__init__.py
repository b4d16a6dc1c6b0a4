"""The command line: `lazyimage` and `python -m lazyimage`.

One module a verb, imported when it is asked for; each has `add(verbs)` for its arguments
and `run(options)`, which returns the exit status: 0 done, 1 some failed (each with its code
and hint on stderr), 2 wrong usage, 3 nothing matched, 130 interrupted, 143 terminated. A
closed pipe ends the run without a word.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, Never

from lazyimage import __version__
from lazyimage.cli.common import (
    DONE,
    FAILED,
    INTERRUPTED,
    TERMINATED,
    USAGE,
    UsageError,
    report,
    say,
)

__all__ = ["main"]

VERBS: Final = (
    "convert",
    "resize",
    "thumb",
    "responsive",
    "placeholder",
    "batch",
    "optimize",
    "compare",
    "info",
    "explain",
    "doctor",
)

STATUSES: Final = (
    "exit status: 0 done, 1 some failed (each named on stderr), 2 wrong usage,\n"
    "3 nothing matched, 130 interrupted"
)


class Terminated(BaseException):
    """SIGTERM: jobs stop and clean up as for Ctrl-C."""


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The grammar, made anew by each call: of every verb, or of one, which loads less."""
    parser = argparse.ArgumentParser(
        prog="lazyimage",
        description="Convert pictures in one streaming pass, in flat memory.\n"
        "lazyimage VERB --help tells the options of a verb.",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"lazyimage {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS if only is None else (only,):
        import_module(f"lazyimage.cli.{name}").add(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the arguments default to the process's own.

    Returns the exit status. Bad arguments leave through SystemExit(2), as argparse does.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    only = words[0] if words and words[0] in VERBS else None
    if arguments is None:
        _prepare()
    try:
        try:
            options = build_parser(only).parse_args(words)
            status: int = options.run(options)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except UsageError as error:
        say(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    except BrokenPipeError:
        _silence_stdout()
        return FAILED
    except Exception as error:
        _drop_what_is_left()
        return FAILED if report(error) else DONE
    return status


def _prepare() -> None:
    """Names that are no text go out as the bytes they are; SIGTERM cleans up.

    A SIGTERM that is ignored or has a handler already stays as it is.
    """
    import signal

    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: object) -> Never:
    raise Terminated


def _drop_what_is_left() -> None:
    """After an error: what cannot be written, as to a full disk, is not tried once more."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _silence_stdout()


def _silence_stdout() -> None:
    """Let the interpreter's last flush of a closed pipe go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
