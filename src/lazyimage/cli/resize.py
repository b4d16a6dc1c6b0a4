"""lazyimage resize IN OUT SIZE: one picture to a size."""

import argparse

from lazyimage.cli.common import DONE, Verbs, add_verb, open_source
from lazyimage.cli.encoding import (
    add_delivery,
    add_encoding,
    check_stdout,
    format_of,
    keeping,
    settings_of,
    write_one,
)
from lazyimage.cli.geometry import FITS, GRAMMAR, KERNELS, parse_geometry, resized
from lazyimage.cli.steps import add_steps, stepped
from lazyimage.colors import color_text
from lazyimage.errors import InvalidArgumentError
from lazyimage.steps import POSITIONS


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "resize",
        "change a picture's size",
        "Read IN, scale it to SIZE, and write it as OUT in one pass.",
        GRAMMAR,
    )
    parser.add_argument("input", metavar="IN", help="a picture, or - for standard input")
    parser.add_argument("output", metavar="OUT", help="a file, or - for standard output")
    parser.add_argument("size", type=parse_geometry, metavar="SIZE", help="see below")
    add_fit(parser)
    add_more(parser)
    add_steps(parser)
    add_encoding(parser)
    add_delivery(parser)
    parser.set_defaults(run=run)


def add_fit(parser: argparse.ArgumentParser) -> None:
    """--fit and --kernel."""
    parser.add_argument(
        "--fit",
        choices=FITS,
        default="inside",
        help="inside: all of the picture (default); outside: no side below the box; cover: fill "
        "the box, cut off what sticks out, evenly at both ends; contain: inside, padded with "
        "white to the box; fill: stretch, as !",
    )
    parser.add_argument(
        "--kernel",
        choices=KERNELS,
        default="lanczos3",
        help="how pixels are weighed; default: lanczos3",
    )


def add_more(parser: argparse.ArgumentParser) -> None:
    """What resize alone takes."""
    parser.add_argument(
        "--position",
        choices=(*POSITIONS, "attention"),
        default="center",
        metavar="WHERE",
        help="what cover keeps, and where contain puts the picture: center (default), "
        + ", ".join(where for where in POSITIONS if where != "center")
        + "; of cover also attention: the most salient window",
    )
    parser.add_argument(
        "--background",
        type=parse_background,
        default="white",
        metavar="COLOR",
        help="of contain; default: white",
    )
    parser.add_argument(
        "--linear", action="store_true", help="filter light instead of samples of sRGB; slower"
    )


def parse_background(text: str) -> str:
    """A colour; argparse turns what is raised here into status 2."""
    try:
        return color_text(text, "background")
    except InvalidArgumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(options: argparse.Namespace) -> int:
    """Write OUT. Nothing is left of it when something fails."""
    settings = settings_of(options, format_of(options.output, options.format))
    if options.output == "-":
        check_stdout()
    words = {name: getattr(options, name) for name in ("position", "background", "linear")}
    source = stepped(keeping(open_source(options.input), options), options, False)
    engine = resized(source, options.size, options.fit, options.kernel, **words)
    write_one(stepped(engine, options, True), options.output, settings)
    return DONE
