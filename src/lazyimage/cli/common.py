"""What the verbs share: exit statuses, one line for an error, sources and sizes."""

import argparse
import sys
from typing import Final

from lazyimage import Engine
from lazyimage.errors import InvalidArgumentError, LazyImageError
from lazyimage.formats import QUALITY_FORMATS, check_format, format_of_path

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

LARGEST_SIDE: Final = 65535
"""Of a picture, as resize() has it."""


class UsageError(Exception):
    """The command makes no sense as written: one line on stderr, status 2."""


def report(error: Exception, subject: str | None = None) -> bool:
    """Print one line about an error to stderr: code, name, message, hint. Always True.

    An error that is no LazyImageError keeps the name of its class; a MemoryError often
    has no text, which is then said.
    """
    where = f"{subject}: " if subject else ""
    if isinstance(error, LazyImageError):
        hint = f" ({error.hint})" if error.hint else ""
        text = f"{error.code} {error.name}: {where}{error}{hint}"
    else:
        text = f"{type(error).__name__}: {where}{error or 'no details'}"
    print("lazyimage: " + " ".join(text.split()), file=sys.stderr)
    return True


def open_source(name: str) -> Engine:
    """The file `name`, or standard input for "-"; nothing is decoded."""
    if name != "-":
        return Engine.from_path(name)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("standard input is a terminal: give a file or pipe a picture in")
    return Engine.from_file(sys.stdin.buffer)


def parse_size(text: str) -> tuple[int | None, int | None]:
    """Words such as "800x600", "800", "800x" or "x600" as (width, height)."""
    width, _, height = text.lower().partition("x")
    try:
        sides = tuple(int(side) if side else None for side in (width, height))
    except ValueError:
        sides = (None, None)
    if sides == (None, None) or any(
        side is not None and not 1 <= side <= LARGEST_SIDE for side in sides
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size: write WxH, W or xH, each from 1 to {LARGEST_SIDE}"
        )
    return sides[0], sides[1]


def parse_quality(text: str) -> int:
    """An integer from 1 to 100."""
    quality = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= quality <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1 to 100")
    return quality


def format_of(output: str, named: str | None) -> str:
    """The output's format: as named, else by the extension of `output`."""
    if named is None and output == "-":
        raise UsageError("writing to standard output needs --format")
    try:
        return format_of_path(output) if named is None else check_format(named)
    except InvalidArgumentError as error:
        advice = error.hint.replace("pass format=", "give --format")
        raise UsageError(f"{error} ({advice})") from error


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """IN, OUT and the settings that convert and explain share."""
    parser.add_argument("input", metavar="IN", help="a picture, or - for standard input")
    parser.add_argument("output", metavar="OUT", help="a file, or - for standard output")
    parser.add_argument(
        "--resize",
        type=parse_size,
        metavar="WxH",
        help="fit inside this box, keeping the shape: WxH, W or xH",
    )
    parser.add_argument("--quality", type=parse_quality, metavar="Q", help="1..100; PNG has none")
    parser.add_argument("--format", metavar="F", help="of the output; default: by OUT's extension")


def engine_of(options: argparse.Namespace) -> Engine:
    """The job's source with the steps that its options ask for."""
    engine = open_source(options.input)
    if options.resize is None:
        return engine
    width, height = options.resize
    return engine.resize(width, height)


def quality_of(options: argparse.Namespace, output_format: str) -> int | None:
    """The quality asked for, dropped where the format has none."""
    quality: int | None = options.quality
    return quality if output_format in QUALITY_FORMATS else None
