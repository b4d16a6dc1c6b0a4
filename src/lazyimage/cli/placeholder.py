"""lazyimage placeholder IN: a tiny picture as a data URL."""

import argparse

from lazyimage.cli.common import DONE, Verbs, add_verb, open_source, print_json
from lazyimage.cli.encoding import check_named_format, parse_quality, settings_of
from lazyimage.cli.geometry import LARGEST_SIDE, parse_side


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "placeholder",
        "print a tiny picture as a data URL",
        "Print IN, small enough to stand in a page until the picture itself is there.",
        "exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("input", metavar="IN", help="a picture, or - for standard input")
    parser.add_argument(
        "-s",
        "--size",
        type=parse_pixels,
        default=16,
        metavar="N",
        help="of the longer side, in pixels; default: 16",
    )
    parser.add_argument("-f", "--format", default="webp", metavar="F", help="default: webp")
    parser.add_argument(
        "-q", "--quality", type=parse_quality, default=20, metavar="Q", help="1..100; default: 20"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.set_defaults(run=run, option=[])


def parse_pixels(text: str) -> int:
    """A side."""
    try:
        side = parse_side(text)
    except ValueError:
        side = None
    if side is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no integer from 1 to {LARGEST_SIDE}")
    return side


def run(options: argparse.Namespace) -> int:
    """Print the URL."""
    from base64 import b64encode

    output_format = check_named_format(options.format)
    engine = open_source(options.input).resize(options.size, options.size, enlarge=False)
    encoded = engine.to_buffer(**settings_of(options, output_format))
    url = f"data:{encoded.mime};base64,{b64encode(encoded).decode('ascii')}"
    if options.json:
        sizes = {"width": encoded.width, "height": encoded.height, "bytes": len(encoded)}
        print_json({"url": url, "format": encoded.format, **sizes})
    else:
        print(url)
    return DONE
