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
    """How many CPUs this process may use, and how many pictures run at once."""
    from lazyimage.errors import InvalidArgumentError
    from lazyimage.machine import default_workers, usable_cpus

    count = f"{usable_cpus()} of {os.cpu_count() or 1} to use"
    try:
        return Finding("cpus", f"{count}; {default_workers()} pictures at once by default")
    except InvalidArgumentError as error:
        return Finding("cpus", f"{count}; {error}", fault=True)


def memory() -> Finding:
    """What the machine, or the tightest control group above this process, allows."""
    from lazyimage.machine import machine_memory

    amount = machine_memory()
    if not amount:
        return Finding("memory", "not known: a batch has no bound by default")
    return Finding("memory", f"{amount >> 20} MiB to use; half of it for a batch by default")


def limits() -> Iterator[Finding]:
    """The defaults that guard every job."""
    yield Finding("limits", "1 GiB of input, 268402689 pixels, sides to 65535, 10 MiB of each")
    yield Finding("", "metadata, 100 scans, half of the memory; limits(…) changes them")


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
