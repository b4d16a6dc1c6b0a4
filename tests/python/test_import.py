"""Import: what it may load and what it may cost."""

import resource
import statistics
import subprocess
import sys
from pathlib import Path

import lazyimage

ROOT = str(Path(lazyimage.__file__).parents[1])
BARE = f"import sys; sys.path.insert(0, {ROOT!r})"
IMPORT = f"{BARE}; import lazyimage"
FORBIDDEN = {
    "PIL",
    "asyncio",
    "collections",
    "concurrent",
    "ctypes",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "inspect",
    "json",
    "logging",
    "mmap",
    "numpy",
    "pathlib",
    "re",
    "resource",
    "tempfile",
    "threading",
    "typing",
    "weakref",
}
MOST_MS = 10


def run(code, *flags):
    command = [sys.executable, "-I", *flags, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_import_loads_nothing_heavy():
    loaded = set(run(f"{IMPORT}; print(*sys.modules)", "-S").split())
    assert "lazyimage.engine" in loaded
    assert sorted(loaded & FORBIDDEN) == []


def test_a_job_on_a_file_loads_nothing_heavy_either(tmp_path):
    source, target = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    lazyimage.Engine.from_pixels(memoryview(bytes(12)).cast("B", (2, 2, 3))).to_file(source)
    job = f"lazyimage.Engine.from_path({source!r}).resize(1).to_file({target!r})"
    loaded = set(run(f"{IMPORT}; {job}; print(*sys.modules)", "-S").split())
    assert sorted(loaded & FORBIDDEN) == ["resource"]


def cpu_ms(code):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def test_the_import_costs_less_than_10_ms_of_cpu():
    """The median of 20 pairs of fresh processes. A busy machine only makes an import look
    dearer, so the best of a few rounds counts."""
    cpu_ms(IMPORT)  # writes the byte code
    rounds = []
    while len(rounds) < 4:
        costs = [(cpu_ms(BARE), cpu_ms(IMPORT)) for _ in range(20)]
        bare, whole = (statistics.median(cost) for cost in zip(*costs, strict=True))
        rounds.append(whole - bare)
        if rounds[-1] < MOST_MS:
            break
    assert min(rounds) < MOST_MS, f"CPU ms of the import: {rounds}"


def test_the_public_names_are_there_and_documented():
    assert lazyimage.__version__
    for name in lazyimage.__all__:
        value = getattr(lazyimage, name)
        assert name == "__version__" or value.__doc__, name


def test_nothing_is_printed():
    assert run(IMPORT) == ""
