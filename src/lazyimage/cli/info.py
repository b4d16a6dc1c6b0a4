"""lazyimage info FILE…: what the headers say."""

import argparse
from typing import Any

from lazyimage.cli.common import (
    DONE,
    FAILED,
    UsageError,
    Verbs,
    add_verb,
    one_line,
    open_source,
    print_json,
    report,
)

FACTS = (
    "format",
    "width",
    "height",
    "stored_width",
    "stored_height",
    "orientation",
    "mode",
    "bit_depth",
    "has_alpha",
    "frames",
    "icc_bytes",
    "exif_bytes",
    "xmp_bytes",
    "density",
)


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs, "info", "print what pictures are", "Print one line a picture; only headers are read."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="- is standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a line for each file; one that fails does not stop the next."""
    status = DONE
    for name in options.files:
        try:
            facts = facts_of(name)
        except (BrokenPipeError, UsageError):
            raise
        except Exception as error:
            report(error, name)
            status = FAILED
            continue
        if options.json:
            print_json(facts)
        else:
            print(in_words(facts))
    return status


def facts_of(name: str) -> dict[str, Any]:
    """The file's name and every fact of its header; sizes are upright."""
    info = open_source(name).info
    return {"path": name} | {fact: getattr(info, fact) for fact in FACTS}


def in_words(facts: dict[str, Any]) -> str:
    """One line: name, format, size, mode, depth, then what is unusual."""
    words = [
        f"{one_line(facts['path'])}: {facts['format']}",
        f"{facts['width']}x{facts['height']}",
        facts["mode"],
        f"{facts['bit_depth']} bit",
    ]
    if facts["orientation"] != 1:
        words.append(
            f"orientation {facts['orientation']}"
            f" (stored {facts['stored_width']}x{facts['stored_height']})"
        )
    if facts["frames"] != 1:
        words.append(f"{facts['frames']} frames")
    for kind in ("icc", "exif", "xmp"):
        if facts[f"{kind}_bytes"]:
            words.append(f"{kind} {facts[f'{kind}_bytes']} bytes")
    if facts["density"]:
        across, down = (f"{value:.6g}" for value in facts["density"])
        words.append(f"{across} dpi" if across == down else f"{across}x{down} dpi")
    return " ".join(words)
