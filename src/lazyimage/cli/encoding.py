"""Encoding: the options of an output that every writing verb has, checked before any work.

The idea: what makes no sense as written is status 2 and names the option; what a format
merely does not have is dropped, so that one command line serves a mixed set of files.
"""

import argparse
import sys
from typing import Any, Final

from lazyimage import Engine, Metrics
from lazyimage.cli.common import UsageError, say
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
    """--format, --quality, -O and --profile; the texts say what the defaults are."""
    parser.add_argument(
        "-f", "--format", metavar="F", help=f"jpeg, png, webp or avif; default: {default}"
    )
    add_tuning(parser, quality)


def add_tuning(parser: argparse.ArgumentParser, quality: str = QUALITIES) -> None:
    """--quality, -O and --profile."""
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
    parser.add_argument(
        "--profile",
        choices=("size-first", "balanced", "speed-first"),
        help="shift quality and the encoder's effort",
    )
    parser.add_argument(
        "--keep",
        type=parse_keep,
        metavar="WHAT",
        help="metadata to carry along, of icc, exif, xmp and gps, as in --keep icc,exif; "
        "default: none; without gps exif and xmp lose the position",
    )


KINDS: Final = ("icc", "exif", "xmp", "gps")


def parse_keep(text: str) -> dict[str, bool]:
    """icc,exif: as keep_metadata() takes it."""
    words = text.lower().split(",")
    odd = [word for word in words if word not in KINDS]
    if odd or words == ["gps"]:
        what = f"{odd[0]!r} is none of {', '.join(KINDS)}" if odd else "gps goes with exif or xmp"
        raise argparse.ArgumentTypeError(what)
    kept = {kind: kind in words for kind in KINDS[:3]}
    return {**kept, "strip_gps": "gps" not in words}


def keeping(engine: Engine, options: argparse.Namespace) -> Engine:
    """The engine with what --keep says."""
    return engine.keep_metadata(**options.keep) if options.keep else engine


def add_salvage(parser: argparse.ArgumentParser) -> None:
    """--salvage."""
    parser.add_argument(
        "--salvage",
        action="store_true",
        help="make of a damaged picture what can be had: rows that are lost are gray",
    )


def add_delivery(parser: argparse.ArgumentParser) -> None:
    """Goals for size and quality, which search for the quality, and what stands beside them."""
    group = parser.add_argument_group("web delivery")
    group.add_argument(
        "--preset",
        choices=("thumbnail", "avatar", "hero", "social"),
        help="a size, a quality and how to fit: 150x150 75, 200x200 80, 1920 wide 85, "
        "1200x630 80 and cropped",
    )
    group.add_argument(
        "--max-bytes",
        type=parse_bytes,
        metavar="SIZE",
        help="the highest quality that fits: 4096, 100kB, 1MiB",
    )
    group.add_argument(
        "--min-ssim",
        type=parse_ssim,
        metavar="X",
        help="the smallest file at least so alike: 0..1, such as 0.98",
    )
    group.add_argument("--min-quality", type=parse_quality, metavar="Q", help="of that search")
    group.add_argument("--max-quality", type=parse_quality, metavar="Q", help="of that search")
    group.add_argument(
        "--strict", action="store_true", help="fail where --max-bytes or --min-ssim is not met"
    )
    group.add_argument(
        "--never-larger",
        action="store_true",
        help="where the output would be larger, the source's own bytes, without metadata",
    )


DELIVERY: Final = ("preset", "profile", "max_bytes", "min_ssim", "min_quality", "max_quality")
FLAGS: Final = ("strict", "never_larger")


def delivery_of(options: argparse.Namespace, output_format: str) -> dict[str, Any]:
    """Those that are given; they must make sense together."""
    found = {name: getattr(options, name, None) for name in (*DELIVERY, *FLAGS)}
    given = {name: value for name, value in found.items() if value not in (None, False)}
    searches = "max_bytes" in given or "min_ssim" in given
    if searches and output_format not in QUALITY_FORMATS:
        raise UsageError(f"{output_format} is lossless: --max-bytes and --min-ssim need a quality")
    if searches and options.quality is not None:
        raise UsageError("--max-bytes and --min-ssim search for the quality: leave --quality out")
    alone = {"min_quality", "max_quality", "strict"} & given.keys()
    if alone and not searches:
        name = min(alone).replace("_", "-")
        raise UsageError(f"--{name} goes with --max-bytes or --min-ssim")
    return given


def parse_bytes(text: str) -> int:
    """4096, 128MB, 1.5GiB."""
    from lazyimage.machine import parse_size

    try:
        size = parse_size(text, "size")
    except InvalidArgumentError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: {error.hint}") from error
    return size


def parse_ssim(text: str) -> float:
    """Above 0, up to 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, up to 1")
    return value


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
    goals = delivery_of(options, output_format)
    return {"format": output_format, "quality": quality, **chosen, **goals}


def check_stdout() -> None:
    """Status 2 where binary data would go to a terminal, or nowhere."""
    if sys.stdout is None:
        raise UsageError("standard output is closed: give a file")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal: give a file, or pipe it on")


def tell_salvage(metrics: Metrics) -> None:
    """How much of a damaged picture there was; nothing of a whole one."""
    for text in metrics.warnings if metrics.rows_real is not None else ():
        say(text)


def write_one(engine: Engine, output: str, settings: dict[str, Any]) -> None:
    """Write the picture to a file, whole or not at all, or to standard output for "-".
    What was salvaged of it is told on stderr.
    """
    if output != "-":
        tell_salvage(engine.to_file(output, **settings).metrics)
        return
    check_stdout()
    encoded = engine.to_buffer(**settings)
    tell_salvage(encoded.metrics)
    sys.stdout.buffer.write(memoryview(encoded))
    sys.stdout.buffer.flush()
