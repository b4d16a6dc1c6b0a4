"""What the verbs share: exit statuses, one line for an error, sources, JSON lines."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from lazyimage import Engine
from lazyimage.errors import LazyImageError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Verbs = _SubParsersAction[argparse.ArgumentParser]
else:
    Verbs = Any

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOTHING: Final = 3
INTERRUPTED: Final = 130
TERMINATED: Final = 143

Stamp = list[int] | None
"""What tells one version of a file from another; None: there is no file."""


class UsageError(Exception):
    """The command makes no sense as written: one line on stderr, status 2."""


def add_verb(
    verbs: Verbs, name: str, summary: str, description: str, epilog: str = ""
) -> argparse.ArgumentParser:
    """A verb's parser; its texts keep their lines."""
    return verbs.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def describe(error: Exception) -> dict[str, str]:
    """code, name, message and hint; an error that is no LazyImageError has its class's name.

    A MemoryError often has no text, which is then said.
    """
    if isinstance(error, LazyImageError):
        code, name, hint = error.code, error.name, error.hint
    else:
        code, name, hint = "", type(error).__name__, ""
    message = " ".join(str(error).split()) or "no details"
    return {"code": code, "name": name, "message": message, "hint": hint}


def report(error: Exception, subject: str | None = None) -> bool:
    """Print one line about an error to stderr: code, name, message, hint. Always True."""
    return report_words(describe(error), subject)


def report_words(words: dict[str, str], subject: str | None = None) -> bool:
    """The same, of what describe() has made."""
    title = f"{words['code']} {words['name']}".strip()
    where = f"{one_line(subject)}: " if subject else ""
    hint = f" ({words['hint']})" if words["hint"] else ""
    say(f"{title}: {where}{words['message']}{hint}")
    return True


def say(text: str) -> None:
    """One line on stderr, with the command's name before it."""
    print(f"lazyimage: {text}", file=sys.stderr)


def one_line(name: str) -> str:
    """A file's name for a message: control characters are escaped."""
    if name.isprintable():
        return name
    return "".join(
        character if character.isprintable() or "\udc80" <= character <= "\udcff" else escape
        for character in name
        for escape in [character.encode("unicode_escape").decode("ascii")]
    )


def open_source(name: str, salvage: bool = False) -> Engine:
    """The file `name`, or standard input for "-"; nothing is decoded."""
    if name != "-":
        return Engine.from_path(name, salvage=salvage)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("standard input is a terminal: give a file or pipe a picture in")
    return Engine.from_file(sys.stdin.buffer, salvage=salvage)


def print_json(data: dict[str, Any]) -> None:
    """One JSON object on a line of its own, at once; in ASCII where a name is no text."""
    import json

    text = json.dumps(data, ensure_ascii=False)
    encoding = sys.stdout.encoding if sys.stdout is not None else "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(data)
    print(text, flush=True)


def stamp(path: str) -> Stamp:
    """Inode, size and time of change of a file; None: there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]
