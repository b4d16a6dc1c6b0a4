"""lazyimage responsive IN: one picture in several widths and formats, by one decode."""

import argparse
import os
from typing import Any

import lazyimage
from lazyimage import Engine
from lazyimage.cli.common import (
    DONE,
    FAILED,
    UsageError,
    Verbs,
    add_verb,
    open_source,
    print_json,
    report,
)
from lazyimage.cli.encoding import add_tuning, check_named_format, keeping, settings_of
from lazyimage.cli.geometry import KERNELS, LARGEST_SIDE, parse_side
from lazyimage.cli.names import EXTENSION_OF
from lazyimage.cli.steps import add_steps, stepped
from lazyimage.cli.work import add_limits, limits_of
from lazyimage.responsive import width_of

WIDTHS = (320, 640, 1280)

EPILOG = """\
A width above the picture's own gives its own width, once; --enlarge makes all of them.
Printed is a srcset for each format, a line each, in the order of --formats.

exit status: 0 done, 1 some failed, 2 wrong usage, 130 interrupted
"""


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "responsive",
        "make a picture in several widths, and its srcset",
        "Make IN in every width and format, decoded once, and print what an <img> needs.",
        EPILOG,
    )
    parser.add_argument("input", metavar="IN", help="a picture, or - for standard input")
    parser.add_argument(
        "-w",
        "--widths",
        type=parse_widths,
        default=WIDTHS,
        metavar="W,W…",
        help="in pixels; default: 320,640,1280",
    )
    parser.add_argument(
        "--formats", default="webp", metavar="F,F…", help="default: webp; best first"
    )
    parser.add_argument("--enlarge", action="store_true", help="make widths above its own, too")
    parser.add_argument("--kernel", choices=KERNELS, default="lanczos3", help="default: lanczos3")
    parser.add_argument("--output-dir", metavar="DIR", help="made if need be; default: beside IN")
    parser.add_argument(
        "--name",
        type=parse_pattern,
        default="{stem}-{width}.{ext}",
        metavar="PATTERN",
        help="of each file, with {stem}, {width} and {ext}; default: {stem}-{width}.{ext}",
    )
    parser.add_argument(
        "--url", default="", metavar="PREFIX", help="before the names in the srcset: /img/"
    )
    add_steps(parser, "widths")
    add_tuning(parser)
    add_limits(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.set_defaults(run=run)


def parse_widths(text: str) -> tuple[int, ...]:
    """Some widths, each once, in order."""
    try:
        widths = sorted({parse_side(word) or 0 for word in text.split(",")})
    except ValueError:
        widths = [0]
    if 0 in widths:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of widths, each from 1 to {LARGEST_SIDE}: write 320,640"
        )
    return tuple(widths)


def parse_pattern(text: str) -> str:
    """A name that tells the files apart, without a directory."""
    if "{width}" not in text or "{ext}" not in text or {"/", os.sep, "\0"} & set(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no pattern for names: it has {{width}} and {{ext}}, perhaps {{stem}}, "
            "and no /"
        )
    return text


def run(options: argparse.Namespace) -> int:
    """Write the files, print the srcset."""
    formats = list(dict.fromkeys(check_named_format(name) for name in options.formats.split(",")))
    if options.input == "-" and options.output_dir is None:
        raise UsageError("standard input is in no directory: give --output-dir")
    engine = stepped(keeping(open_source(options.input), options), options, False)
    folder = options.output_dir
    if folder is None:
        folder = os.path.dirname(options.input)
    elif folder:
        os.makedirs(folder, exist_ok=True)
    places: dict[str, str] = {}
    outputs = []
    for name in formats:
        for width in widths_of(engine, options):
            path = os.path.join(folder, file_name(options, width, name))
            if os.path.realpath(path) == os.path.realpath(options.input):
                raise UsageError(f"{path!r} is the picture itself: choose another --name")
            resized = stepped(engine.resize(width, kernel=options.kernel), options, True)
            outputs.append(resized.output(path, **settings_of(options, name)))
            places[path] = name
    outcomes = lazyimage.run(outputs, **limits_of(options)._asdict())
    for outcome in outcomes:
        if outcome.error is not None:
            report(outcome.error, str(outcome.output.path))
    made = [outcome.result for outcome in outcomes if outcome.ok]
    print_set(made, formats, options)
    return DONE if len(made) == len(outcomes) else FAILED


def widths_of(engine: Engine, options: argparse.Namespace) -> list[int]:
    """The widths to make, each once."""
    if options.enlarge:
        return list(options.widths)
    own = width_of(engine) if options.steps else engine.dimensions()[0]
    return sorted({min(width, own) for width in options.widths})


def file_name(options: argparse.Namespace, width: int, output_format: str) -> str:
    """Of one file."""
    stem = "stdin" if options.input == "-" else os.path.basename(options.input)
    name = options.name.replace("{width}", str(width))
    name = name.replace("{ext}", EXTENSION_OF.get(output_format, output_format))
    return str(name.replace("{stem}", os.path.splitext(stem)[0]))


def print_set(made: list[Any], formats: list[str], options: argparse.Namespace) -> None:
    """A srcset a format, or everything as JSON."""
    from urllib.parse import quote

    sets = {}
    for name in formats:
        parts = (
            f"{options.url}{quote(os.fsencode(os.path.basename(one.path)))} {one.width}w"
            for one in made
            if one.format == name
        )
        sets[name] = ", ".join(parts)
    if not options.json:
        for srcset in sets.values():
            print(srcset)
        return
    names = ("path", "format", "width", "height")
    files = [{name: getattr(one, name) for name in names} for one in made]
    for file, one in zip(files, made, strict=True):
        file["bytes"] = one.bytes_written
    print_json({"files": files, "srcset": sets})
