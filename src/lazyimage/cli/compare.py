"""lazyimage compare A B: how alike two pictures are."""

import argparse
import math
import os
from typing import Any

from lazyimage.cli.common import (
    DONE,
    FAILED,
    UsageError,
    Verbs,
    add_verb,
    open_source,
    print_json,
)
from lazyimage.cli.encoding import check_stdout, format_of, write_one

EPILOG = """\
SSIM is 1 for equal pictures and about 0 for unlike ones (windows of 7 x 7, mean over the
channels, as scikit-image's structural_similarity); PSNR is in dB, inf for equal ones. Both
pictures have one size; they are taken upright.

exit status: 0 done, 1 below --min-ssim or --min-psnr or a failure, 2 wrong usage
"""


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "compare",
        "tell how alike two pictures are",
        "Print the SSIM and PSNR of B against A, and the bytes of both.",
        EPILOG,
    )
    parser.add_argument("a", metavar="A", help="a picture, or - for standard input")
    parser.add_argument("b", metavar="B", help="another of the same size")
    parser.add_argument(
        "-d",
        "--difference",
        metavar="OUT",
        help="write |A - B|, times --gain, as a picture: black is equal",
    )
    parser.add_argument(
        "--gain", type=parse_gain, default=8, metavar="N", help="1..255; default: 8"
    )
    parser.add_argument(
        "-f", "--format", metavar="F", help="of the difference; default: by OUT's extension"
    )
    parser.add_argument(
        "--min-ssim", type=parse_bound, metavar="X", help="status 1 if the SSIM is below X"
    )
    parser.add_argument(
        "--min-psnr", type=parse_bound, metavar="X", help="status 1 if the PSNR is below X dB"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def parse_gain(text: str) -> int:
    """1 to 255."""
    gain = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= gain <= 255:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1 to 255")
    return gain


def parse_bound(text: str) -> float:
    """A number."""
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return bound


def run(options: argparse.Namespace) -> int:
    """Print what is alike; status 1 if it is not enough."""
    if options.a == options.b == "-":
        raise UsageError("only one of A and B can be standard input")
    if options.difference is not None:
        output_format = format_of(options.difference, options.format)
        if options.difference == "-":
            check_stdout()
    from lazyimage import quality

    a, b = open_source(options.a), open_source(options.b)
    found: dict[str, Any] = {
        "ssim": quality.ssim(a, b),
        "psnr": quality.psnr(a, b),
        "bytes_a": size_of(options.a),
        "bytes_b": size_of(options.b),
    }
    if options.difference is not None:
        from lazyimage.cli.difference import difference

        write_one(difference(a, b, options.gain), options.difference, {"format": output_format})
    if options.difference == "-":
        pass  # standard output is the picture
    elif options.json:
        print_json(found | {"psnr": found["psnr"] if math.isfinite(found["psnr"]) else None})
    else:
        print(in_words(found))
    return DONE if is_enough(found, options) else FAILED


def size_of(name: str) -> int | None:
    """A file's bytes; None for standard input."""
    return None if name == "-" else os.stat(name).st_size


def in_words(found: dict[str, Any]) -> str:
    """One line."""
    both = found["bytes_a"], found["bytes_b"]
    sizes = ["?" if size is None else str(size) for size in both]
    ratio = ""
    if both[0] and both[1] is not None:
        ratio = f" ({100 * both[1] / both[0]:.1f} %)"
    psnr = f"{found['psnr']:.2f} dB" if math.isfinite(found["psnr"]) else "inf"
    return f"ssim {found['ssim']:.6f} psnr {psnr} bytes {sizes[0]} -> {sizes[1]}{ratio}"


def is_enough(found: dict[str, Any], options: argparse.Namespace) -> bool:
    """Whether the bounds are kept."""
    return not (
        (options.min_ssim is not None and found["ssim"] < options.min_ssim)
        or (options.min_psnr is not None and found["psnr"] < options.min_psnr)
    )
