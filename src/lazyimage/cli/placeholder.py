"""lazyimage placeholder IN: a tiny picture as a data URL."""

import argparse

from lazyimage.cli.common import DONE, Verbs, add_verb, open_source, print_json
from lazyimage.cli.encoding import check_named_format, parse_quality

LARGEST = 256


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
        type=parse_size,
        default=16,
        metavar="N",
        help="of the longer side, 1..256 pixels; default: 16",
    )
    parser.add_argument("-f", "--format", default="webp", metavar="F", help="default: webp")
    parser.add_argument(
        "-q", "--quality", type=parse_quality, default=20, metavar="Q", help="1..100; default: 20"
    )
    parser.add_argument("--json", action="store_true", help="with colour and ThumbHash")
    parser.set_defaults(run=run)


def parse_size(text: str) -> int:
    """1 to 256, as placeholder() has it."""
    size = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= size <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no integer from 1 to {LARGEST}")
    return size


def run(options: argparse.Namespace) -> int:
    """Print the URL."""
    output_format = check_named_format(options.format)
    engine = open_source(options.input)
    url = engine.placeholder(options.size, output_format, options.quality)
    if not options.json:
        print(url)
        return DONE
    from binascii import b2a_base64

    width, height = engine.dimensions()
    found = {"url": url, "width": width, "height": height, "color": engine.dominant_color()}
    print_json({**found, "thumbhash": b2a_base64(engine.thumbhash(), newline=False).decode()})
    return DONE
