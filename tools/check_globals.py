#!/usr/bin/env python3
"""Refuse mutable globals: every object of static storage is const, but for those named here.

    check_globals.py DIRECTORY...

Reads `nm` over all objects below the directories; the section tells what is mutable
(.data.rel.ro is const once relocated). Thread-local storage counts as mutable.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

# What the process truly shares; all of it is of layer 0.
ALLOWED = {
    "csrc/base/guard.o": {
        "guard_slots",
        "guard_fault_count",
        "guard_previous",
        "guard_previous_count",
        "guard_previous_last",
        "guard_previous_lock",
        "guard_chaining",
    },
    "csrc/base/cpu.o": {"cpu_flags"},
}
# CPython's own tables, which it wants without const though nobody writes them.
PYTHON_TABLES = re.compile(r"_(methods|members|getset|slots|spec|def)$")
CONST = re.compile(r"^\.(rodata|data\.rel\.ro|text|eh_frame|init_array|fini_array)\b")
MUTABLE = re.compile(r"^(\.(data|bss|tdata|tbss|sdata|sbss|ldata|lbss)\b|\*COM\*)")


def allowed(file: str, symbol: str) -> bool:
    name = re.sub(r"\.\d+$", "", symbol)  # a static of a function is called name.N
    if "/csrc/python/" in f"/{file}":
        return PYTHON_TABLES.search(name) is not None
    for ending, names in ALLOWED.items():
        if PurePosixPath(file).match(ending):
            return name in names
    return False


def faults(objects: list[Path]) -> list[str]:
    """One line a symbol that must not be."""
    wrong: list[str] = []
    command = ["nm", "--print-file-name", "--format=sysv"]
    answer = subprocess.run(
        [*command, *map(str, objects)], capture_output=True, text=True, check=True
    )
    for line in answer.stdout.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 7 or ":" not in fields[0]:
            continue
        file, _, symbol = fields[0].rpartition(":")
        section, kind = fields[6], fields[3]
        if CONST.match(section) or symbol.startswith((".", "__odr_asan", "__sancov")):
            continue
        mutable = MUTABLE.match(section) or fields[2] in "dDbBCsSgGuvV"
        if mutable and kind != "SECTION" and not allowed(file, symbol):
            wrong.append(f"{file}: {symbol} is mutable ({section})")
    return wrong


def main(arguments: list[str]) -> int:
    objects = [path for name in arguments for path in sorted(Path(name).rglob("*.o"))]
    if not objects:
        print(f"check_globals: no object below {' '.join(arguments) or '?'}", file=sys.stderr)
        return 1
    wrong = faults(objects)
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"check_globals: ok ({len(objects)} objects)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
