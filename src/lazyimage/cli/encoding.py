"""Encoding: the options of an output that every writing verb has, checked before any work.

The idea: what makes no sense as written is status 2 and names the option; what a format
merely does not have is dropped, so that one command line serves a mixed set of files.
"""

import argparse
import sys
from typing import Any, Final

from lazyimage import Engine
from lazyimage.cli.common import UsageError
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import QUALITY_FORMATS, check_format, format_of_path
from lazyimage.request import OPTION_FORMATS, OPTION_NAMES, check_option

WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

QUALITIES: Final = "jpeg 85, webp 80, avif 60"
"""What quality is by default."""


def add_encoding(
    parser: argparse.ArgumentParser,
    default: str = "by OUT's extension",
    quality: str = QUALITIES,
) -> None:
    """--format, --quality and -O; the texts say what the defaults are."""
    parser.add_argument(
        "-f", "--format", metavar="F", help=f"jpeg, png, webp or avif; default: {default}"
    )
    add_tuning(parser, quality)


def add_tuning(parser: argparse.ArgumentParser, quality: str = QUALITIES) -> None:
    """--quality and -O."""
    parser.add_argument(
        "-q",
        "--quality",
        type=parse_quality,
        metavar="Q",
        help=f"1..100; default: {quality}; png has none",
    )
    parser.add_argument(
        "-O",
        "--option",
        type=parse_option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the encoder, as of to_buffer(): -O progressive=no, -O compression=9, "
        "-O background=#fff; those of other formats are left out",
    )


def parse_bytes(text: str) -> int:
    """4096, 128MB, 1.5GiB."""
    from lazyimage.machine import parse_size

    try:
        size = parse_size(text, "size")
    except InvalidArgumentError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: {error.hint}") from error
    return size


def parse_quality(text: str) -> int:
    """An integer from 1 to 100."""
    quality = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= quality <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1 to 100")
    return quality


def parse_option(text: str) -> tuple[str, Any]:
    """NAME=VALUE, or NAME alone for yes; the value is checked as to_buffer() would."""
    word, given, value = text.partition("=")
    name = word.replace("-", "_")
    if name not in OPTION_NAMES:
        raise argparse.ArgumentTypeError(
            f"{word!r} is no option of an encoder; there are {', '.join(OPTION_NAMES)}"
        )
    try:
        parsed = parse_value(value) if given else True
        check_option(name, parsed)
    except (InvalidArgumentError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name, parsed


def parse_value(text: str) -> Any:
    """Yes and no, integers, and words."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    return int(text) if text.isascii() and text.isdigit() else text


def check_named_format(named: str) -> str:
    """The canonical name, or status 2."""
    try:
        return check_format(named)
    except InvalidArgumentError as error:
        raise UsageError(f"{error} ({error.hint})") from error


def format_of(output: str, named: str | None) -> str:
    """The output's format: as named, else by the extension of `output`."""
    if named is not None:
        return check_named_format(named)
    if output == "-":
        raise UsageError("writing to standard output needs --format")
    try:
        return format_of_path(output)
    except InvalidArgumentError as error:
        advice = error.hint.replace("pass format=", "give --format")
        raise UsageError(f"{error} ({advice})") from error


def settings_of(options: argparse.Namespace, output_format: str) -> dict[str, Any]:
    """format, quality and options for a call that encodes, without what the format lacks."""
    chosen = {
        name: value
        for name, value in options.option
        if output_format in OPTION_FORMATS.get(name, (output_format,))
    }
    lossless = chosen.get("lossless") or chosen.get("near_lossless") is not None
    has_quality = output_format in QUALITY_FORMATS and not lossless
    quality = options.quality if has_quality else None
    return {"format": output_format, "quality": quality, **chosen}


def check_stdout() -> None:
    """Status 2 where binary data would go to a terminal, or nowhere."""
    if sys.stdout is None:
        raise UsageError("standard output is closed: give a file")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal: give a file, or pipe it on")


def write_one(engine: Engine, output: str, settings: dict[str, Any]) -> None:
    """Write the picture to a file, whole or not at all, or to standard output for "-"."""
    if output != "-":
        engine.to_file(output, **settings)
        return
    check_stdout()
    encoded = engine.to_buffer(**settings)
    sys.stdout.buffer.write(memoryview(encoded))
    sys.stdout.buffer.flush()
