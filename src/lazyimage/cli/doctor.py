"""lazyimage doctor: what this installation is and whether it works."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

import lazyimage
from lazyimage import _core
from lazyimage.cli.common import DONE, FAILED, Verbs, add_verb

REQUIRED = ("jpeg", "png")

CGROUP_LIST = "/proc/self/cgroup"
CGROUP_ROOT = "/sys/fs/cgroup"


class Finding(NamedTuple):
    """One line: what was looked at, what it is, and whether that is a fault."""

    subject: str
    text: str
    fault: bool = False


def add(verbs: Verbs) -> None:
    """Put this verb into the grammar."""
    parser = add_verb(
        verbs,
        "doctor",
        "check this installation",
        "Print versions, codecs, limits, memory and CPUs; run one small job.",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every finding; status 1 if one is a fault."""
    status = DONE
    for finding in findings():
        mark = "FAULT " if finding.fault else ""
        print(f"{finding.subject:<14} {mark}{finding.text}")
        if finding.fault:
            status = FAILED
    return status


def findings() -> Iterator[Finding]:
    """Everything that is looked at, in the order in which it is printed."""
    import platform

    yield Finding("lazyimage", f"{lazyimage.__version__} at {os.path.dirname(lazyimage.__file__)}")
    yield Finding("python", f"{platform.python_implementation()} {platform.python_version()}")
    yield Finding("platform", platform.platform())
    yield from codecs()
    yield kernels()
    yield cpus()
    yield memory()
    yield from limits()
    yield round_trip()


def codecs() -> Iterator[Finding]:
    """A codec's header and library must agree in their first number."""
    features = lazyimage.features()
    for name, (built, running) in features.items():
        fault = built.split(".")[0] != running.split(".")[0]
        yield Finding(name, f"built with {built}, runs {running}", fault)
    for name in REQUIRED:
        if name not in features:
            yield Finding(name, "is required, but this build has none", fault=True)


def kernels() -> Finding:
    """Which table of row kernels jobs use."""
    asked = os.environ.get("LAZYIMAGE_SIMD", "")
    note = f", LAZYIMAGE_SIMD={asked}" if asked else ""
    return Finding("kernels", f"{_core.kernels}{note}", fault=_core.kernels == "none")


def cpus() -> Finding:
    """How many CPUs the machine has, and how many this process may use."""
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    return Finding("cpus", f"{usable} of {count}")


def memory() -> Finding:
    """What the machine or the tightest cgroup above this process allows."""
    amount, source = detect_memory()
    if not amount:
        return Finding("memory", "not known: limits(max_memory=…) sets what a job may take")
    return Finding("memory", f"{amount / (1 << 20):.0f} MiB by {source}")


def detect_memory() -> tuple[int, str]:
    """(bytes, where it was read); (0, "") where nothing can be read."""
    found = [(amount, f"cgroup {path}") for path, amount in _cgroup_limits()]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        if pages > 0 and size > 0:
            found.append((pages * size, "the machine"))
    return min(found, default=(0, ""))


def _cgroup_limits() -> Iterator[tuple[str, int]]:
    """memory.max (v2) and memory.limit_in_bytes (v1) of this process's group and above."""
    try:
        with open(CGROUP_LIST, encoding="utf-8") as groups:
            lines = groups.read().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            base, name = CGROUP_ROOT, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = f"{CGROUP_ROOT}/memory", "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in group.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            path = os.path.join(base, *parts[:depth], name)
            amount = _read_number(path)
            if amount:
                yield path, amount


def _read_number(path: str) -> int:
    """The number in a file; 0 if there is none, or if it means "no limit"."""
    try:
        with open(path, encoding="ascii") as file:
            text = file.read().strip()
    except (OSError, UnicodeDecodeError):
        return 0
    amount = int(text) if text.isdigit() else 0
    return amount if amount < 1 << 60 else 0


def limits() -> Iterator[Finding]:
    """The defaults that guard every job."""
    yield Finding("limits", "1 GiB of input, 268402689 pixels, sides to 65535, 10 MiB of each")
    yield Finding("", "metadata, 100 scans, no bound on memory; limits(…) changes them")


def round_trip() -> Finding:
    """A small picture through every codec of the build, back to the same samples."""
    samples = bytes(range(48))
    picture = memoryview(samples).cast("B", (4, 4, 3))
    try:
        engine = lazyimage.Engine.from_pixels(picture)
        for name in lazyimage.supported_output_formats():
            encoded = engine.to_buffer(name)
            pixels = lazyimage.Engine.from_bytes(encoded).to_pixels()
            if name == "png" and bytes(memoryview(pixels).cast("B")) != samples:
                return Finding("round trip", "png changed the samples", fault=True)
    except Exception as error:
        return Finding("round trip", f"{type(error).__name__}: {error}", fault=True)
    return Finding("round trip", f"works on {sys.platform}")
