#!/usr/bin/env python3
"""Refuse a C or Python file over 500 lines and a function over 50.

    check_size.py [ROOT]

A C function runs from its return type to the brace in column 0 that closes it; of a Python
function the docstring does not count.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 50
FOLDERS = ("csrc", "tests", "src", "tools", "benchmarks", "docs")
# The name stands in column 0: li_crop_open(… or, in tests, TEST(its_claim)
C_NAME = re.compile(r"^(\w+)\(\s*(\w*)")


def c_functions(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """(name, first line, count) of each function; the house form alone is understood."""
    name, first, open_at = "?", 0, 0
    for number, line in enumerate(lines, 1):
        if found := C_NAME.match(line):
            name = found[2] if found[1].isupper() else found[1]
            # The return type is the line before, unless a macro stands for both.
            first = number if found[1].isupper() else max(number - 1, 1)
        if line.rstrip(" \\") == "{":
            open_at = number
        elif line.startswith("}") and open_at:
            yield name, first or open_at, number - (first or open_at) + 1
            name, first, open_at = "?", 0, 0


def python_functions(text: str) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        count = (node.end_lineno or node.lineno) - node.lineno + 1
        if ast.get_docstring(node, clean=False) is not None:
            written = node.body[0]
            count -= (written.end_lineno or written.lineno) - written.lineno + 1
        yield node.name, node.lineno, count


def faults(root: Path) -> tuple[int, list[str]]:
    """How many files there are, and what is too long in them."""
    wrong: list[str] = []
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*"))]
    files += [root / "setup.py"] if (root / "setup.py").is_file() else []
    files = [path for path in files if path.suffix in (".c", ".h", ".py", ".pyi")]
    for path in files:
        text = path.read_text("utf-8")
        lines = text.splitlines()
        name = path.relative_to(root)
        if len(lines) > FILE_LINES:
            wrong.append(f"{name}: {len(lines)} lines, {FILE_LINES} are allowed")
        found = c_functions(lines) if path.suffix in (".c", ".h") else python_functions(text)
        wrong += [
            f"{name}:{first}: {function} has {count} lines, {FUNCTION_LINES} are allowed"
            for function, first, count in found
            if count > FUNCTION_LINES
        ]
    return len(files), wrong


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    count, wrong = faults(root)
    if count == 0:
        wrong.append(f"no C or Python file below {root}")
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"check_size: ok ({count} files)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
