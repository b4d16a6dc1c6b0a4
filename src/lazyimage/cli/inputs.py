"""Inputs: from words on the command line to the list of pictures.

The idea: every input has a place, its path below the output directory, which is fixed here
and depends on nothing but how the input was named. A directory is walked and its tree kept;
a glob keeps the tree below its first wildcard; a file is its name; a name out of
--files-from keeps its directories.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from lazyimage.cli.common import UsageError
from lazyimage.errors import SourceReadError
from lazyimage.formats import ALIASES, KNOWN_FORMATS

EXTENSIONS: Final = frozenset((*KNOWN_FORMATS, *ALIASES))
"""Which files of a directory are taken for pictures; upper case counts too."""

WILDCARDS: Final = frozenset("*?[")


class Input(NamedTuple):
    """A picture: its path as it was named, and its place below the output directory."""

    path: str
    place: str


class Fault(NamedTuple):
    """What could not even be listed."""

    path: str
    error: Exception


class Rules(NamedTuple):
    """How directories are walked."""

    hidden: bool = False
    follow: bool = False
    output: tuple[int, int] | None = None
    """Device and inode of the output directory, which is not walked into."""


class Found(NamedTuple):
    """Everything that the words name: each picture once, in order."""

    inputs: list[Input]
    faults: list[Fault]
    unmatched: list[str]


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """INPUT and the options that say which files it means."""
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="a file, a directory (walked), or a quoted glob, in which ** is any depth",
    )
    group = parser.add_argument_group("which files")
    group.add_argument(
        "--files-from", metavar="FILE", help="more names, one a line; - is standard input"
    )
    group.add_argument(
        "-0", "--null", action="store_true", help="names of --files-from end with NUL, not newline"
    )
    group.add_argument(
        "--hidden", action="store_true", help="walk into names that begin with a dot, too"
    )
    group.add_argument(
        "--follow-links",
        action="store_true",
        help="walk into symbolic links to directories, too; loops are seen",
    )


def collect(
    options: argparse.Namespace, output_dir: str | None = None, base: str | None = None
) -> Found:
    """Every picture that INPUT and --files-from name."""
    if not options.inputs and options.files_from is None:
        raise UsageError("give at least one INPUT, or --files-from")
    if options.null and options.files_from is None:
        raise UsageError("--null goes with --files-from")
    rules = Rules(options.hidden, options.follow_links, identity(output_dir))
    listed = names_from(options.files_from, options.null) if options.files_from else []
    found = Found([], [], [])
    seen: set[str] = set()
    for is_listed, names in ((False, options.inputs), (True, listed)):
        for name in names:
            add_word(found, seen, name, is_listed, rules)
    if base is None:
        return found
    return found._replace(inputs=[Input(path, below(path, base)) for path, _ in found.inputs])


def add_word(found: Found, seen: set[str], name: str, is_listed: bool, rules: Rules) -> None:
    """What one word means, without what was there before it."""
    some = False
    for thing in expand(name, is_listed, rules):
        some = True
        absolute = os.path.abspath(thing.path)
        if absolute in seen:
            continue
        seen.add(absolute)
        if isinstance(thing, Fault):
            found.faults.append(thing)
        else:
            found.inputs.append(thing)
    if not some:
        found.unmatched.append(name)


def expand(name: str, is_listed: bool, rules: Rules) -> Iterator[Input | Fault]:
    """The pictures of one word; a file that is named is one, whatever it is called."""
    if os.path.isdir(name):
        yield from walk(name, listed_place(name) if is_listed else "", rules)
    elif is_listed:
        yield Input(name, listed_place(name))
    elif WILDCARDS.isdisjoint(name) or os.path.lexists(name):
        yield Input(name, os.path.basename(name))
    else:
        yield from expand_glob(name, rules)


def listed_place(name: str) -> str:
    """A listed name's own path if that leads downwards, else its last part."""
    place = os.path.normpath(name)
    if os.path.isabs(place) or place.split(os.sep, 1)[0] == os.pardir:
        place = os.path.basename(place)
    return "" if place in (os.curdir, os.pardir) else place


def below(path: str, base: str) -> str:
    """The path as --base sees it."""
    place = os.path.relpath(path, base)
    if place.split(os.sep, 1)[0] == os.pardir:
        raise UsageError(f"{path!r} is not below --base {base!r}")
    return place


def names_from(file: str, null: bool) -> list[str]:
    """The names in a file, or on standard input for "-"; empty ones are left out."""
    if file != "-":
        with open(file, "rb") as stream:
            data = stream.read()
    elif sys.stdin is None or sys.stdin.isatty():
        raise UsageError("--files-from -: standard input is a terminal: pipe the names in")
    else:
        data = sys.stdin.buffer.read()
    return [os.fsdecode(name) for name in data.split(b"\0" if null else b"\n") if name]


def identity(directory: str | None) -> tuple[int, int] | None:
    """Device and inode; None for no directory."""
    try:
        found = os.stat(directory) if directory is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


# --- directories -----------------------------------------------------------------------


def walk(top: str, place: str, rules: Rules) -> Iterator[Input | Fault]:
    """The pictures of a tree, in order of their names; never the output directory, unless
    it is the top itself.
    """
    entries, fault = listing(top, rules)
    if fault:
        yield fault
    stack = [(iter(entries), place, frozenset((identity(top),)))]
    while stack:
        entries_left, place, above = stack[-1]
        entry = next(entries_left, None)
        if entry is None:
            stack.pop()
        elif entry.is_dir(follow_symlinks=rules.follow):
            me = identity(entry.path)
            if me in above or me == rules.output:
                continue
            entries, fault = listing(entry.path, rules)
            if fault:
                yield fault
            stack.append((iter(entries), os.path.join(place, entry.name), above | {me}))
        elif is_picture(entry):
            yield Input(entry.path, os.path.join(place, entry.name))


def listing(directory: str, rules: Rules) -> tuple[list[os.DirEntry[str]], Fault | None]:
    """A directory's entries by name, or why there are none."""
    try:
        with os.scandir(directory) as entries:
            found = [entry for entry in entries if rules.hidden or entry.name[0] != "."]
    except OSError as error:
        reason = f"the directory cannot be read: {error.strerror}"
        fault = SourceReadError(reason, errno=error.errno, filename=directory)
        return [], Fault(directory, fault)
    return sorted(found, key=lambda entry: entry.name), None


def is_picture(entry: os.DirEntry[str]) -> bool:
    """By its extension; a link that leads nowhere is one too, and will fail by its name."""
    if os.path.splitext(entry.name)[1][1:].lower() not in EXTENSIONS:
        return False
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))


# --- globs -----------------------------------------------------------------------------


def expand_glob(pattern: str, rules: Rules) -> Iterator[Input | Fault]:
    """The files that a glob matches, as a shell would; its own case, hidden names only
    where the pattern has the dot.
    """
    parts = pattern.split("/")
    first = next(i for i, part in enumerate(parts) if not WILDCARDS.isdisjoint(part))
    top = "/".join(parts[:first]) or ("/" if first else "")
    wanted = [part for part in parts[first:] if part]
    yield from sorted(match(top, "", wanted, rules, frozenset()), key=lambda thing: thing.path)


def match(
    top: str, place: str, parts: list[str], rules: Rules, above: frozenset[object]
) -> Iterator[Input | Fault]:
    """Files below top/place that the parts lead to; a later ** may find one twice."""
    directory = os.path.join(top, place)
    entries, fault = listing(directory or ".", rules._replace(hidden=True))
    if fault and os.path.isdir(directory or "."):
        yield fault
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from match_any_depth(top, place, rest or ["*"], rules, above)
        return
    for entry in entries:
        if not matches(entry.name, part, rules):
            continue
        if not rest and entry.is_file():
            yield Input(os.path.join(directory, entry.name), os.path.join(place, entry.name))
        elif rest and entry.is_dir() and identity(entry.path) != rules.output:
            yield from match(top, os.path.join(place, entry.name), rest, rules, above)


def match_any_depth(
    top: str, place: str, rest: list[str], rules: Rules, above: frozenset[object]
) -> Iterator[Input | Fault]:
    """The rest here, and in every directory below."""
    directory = os.path.join(top, place)
    yield from match(top, place, rest, rules, above)
    me = identity(directory or ".")
    for entry in listing(directory or ".", rules)[0]:
        if not entry.is_dir(follow_symlinks=rules.follow):
            continue
        if identity(entry.path) in (above | {me, rules.output}):
            continue
        deeper = os.path.join(place, entry.name)
        yield from match_any_depth(top, deeper, rest, rules, above | {me})


def matches(name: str, part: str, rules: Rules) -> bool:
    """Whether one name fits one part of a glob."""
    if name.startswith(".") and not (part.startswith(".") or rules.hidden):
        return False
    return fnmatchcase(name, part)
