#!/usr/bin/env python3
"""Refuse a C file that breaks the order of the layers, or a house rule read off its text.

    check_layers.py [ROOT]

base ← {kernels, image} ← {ops, codecs, color, meta, quality} ← engine ← python. Siblings in a
layer do not know each other, but image may use kernels, ops color, and codecs color and meta; a
codec knows its own folder and codec.h.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

LAYERS = {
    "base": 0,
    "kernels": 1,
    "image": 1,
    **{"ops": 2, "codecs": 2, "color": 2, "meta": 2, "quality": 2},
    "engine": 3,
    "group": 4,
    "python": 5,
}
SIBLINGS = {("image", "kernels"), ("ops", "color"), ("codecs", "color"), ("codecs", "meta")}
SMALL = ("base", "image", "engine")  # what a newcomer reads first
SMALL_LINES = 6300
SETJMP = ("codecs/jpeg/", "codecs/png/")  # no jump leaves these

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
PLATFORM = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(_WIN32|_MSC_VER|__linux__|__APPLE__)"
)
HEAP = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|posix_memalign)\s*\(")
NOISE = re.compile(r"(?<![\w.>])(printf|fprintf|puts|perror|exit|abort)\s*\(|\b(stderr|stdout)\b")
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines without comments and without what is in quotes."""
    bare = NOT_CODE.sub(lambda found: "\n" * found[0].count("\n"), text)
    yield from enumerate(bare.splitlines(), 1)


def include_fault(file: PurePosixPath, quote: str, name: str, exists: bool) -> str | None:
    """Why this file, "layer/…" below csrc, may not include that name; None if it may."""
    layer, path = file.parts[0], str(file)
    if quote == "<":
        if name in ("Python.h", "structmember.h") and layer != "python":
            return "only csrc/python knows Python.h"
        if name == "setjmp.h" and not path.startswith(SETJMP):
            return "setjmp lives in codecs/jpeg and codecs/png only"
        if name.split("/")[0] in LAYERS and "/" in name:
            return f'say "{name}", in quotes'
        return None
    target = PurePosixPath(name)
    theirs = target.parts[0]
    if len(target.parts) < 2 or theirs not in LAYERS or ".." in target.parts:
        return 'say "layer/file.h"'
    if not exists:
        return "there is no such file"
    if LAYERS[theirs] > LAYERS[layer]:
        return f"{theirs} is above {layer}"
    if LAYERS[theirs] == LAYERS[layer] and theirs != layer and (layer, theirs) not in SIBLINGS:
        return f"{layer} and {theirs} are siblings and do not know each other"
    in_folder = layer == theirs == "codecs" and len(file.parts) > 2
    if in_folder and name != "codecs/codec.h" and target.parts[:2] != file.parts[:2]:
        return "a codec knows its own folder and codecs/codec.h"
    return None


def include_faults(csrc: Path, file: PurePosixPath, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found is None:
            continue
        fault = include_fault(file, found[1], found[2], (csrc / found[2]).is_file())
        if fault:
            yield f"csrc/{file}:{number}: include of {found[2]}: {fault}"


def text_faults(file: PurePosixPath, text: str) -> Iterator[str]:
    if not text.startswith(f"/* {file.name}: "):
        yield f'csrc/{file}:1: a file opens with "/* {file.name}: what it is"'
    for number, line in code_lines(text):
        where = f"csrc/{file}:{number}"
        if file.parts[0] != "base" and (found := PLATFORM.match(line)):
            yield f"{where}: {found[1]} outside base/"
        if file.parts[0] != "base" and (found := HEAP.search(line)):
            yield f"{where}: {found[1]}() outside base/; memory comes from li_alloc"
        if found := NOISE.search(line):
            yield f"{where}: {found[0]}: the core prints nothing and never exits"


def faults(root: Path) -> tuple[int, list[str]]:
    """How many files there are, and what is wrong with them."""
    csrc = root / "csrc"
    files = sorted(path for path in csrc.rglob("*") if path.suffix in (".c", ".h"))
    wrong: list[str] = []
    small = 0
    for path in files:
        file = PurePosixPath(path.relative_to(csrc).as_posix())
        text = path.read_text("utf-8")
        if len(file.parts) < 2 or file.parts[0] not in LAYERS:
            wrong.append(f"csrc/{file}: not in a layer ({', '.join(LAYERS)})")
            continue
        small += len(text.splitlines()) if file.parts[0] in SMALL else 0
        wrong += include_faults(csrc, file, text)
        wrong += text_faults(file, text)
    if small > SMALL_LINES:
        wrong.append(f"csrc: {' + '.join(SMALL)} have {small} lines, {SMALL_LINES} are allowed")
    return len(files), wrong


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    count, wrong = faults(root)
    if count == 0:
        wrong.append(f"no C file below {root / 'csrc'}")
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"check_layers: ok ({count} files)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
