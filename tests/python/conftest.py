"""Fixtures of every test, and the rule for the corpus: absent, its tests are skipped
with a word; absent where CI=true, they fail. A build without WebP, AVIF or lcms2 skips what
needs them; where CI=true it must have been told to (LAZYIMAGE_WEBP=off, …)."""

import signal
import subprocess
import sys
from pathlib import Path

import foreign
import needs
import oracle
import pytest

import lazyimage

_WHY = "no corpus: set LAZYIMAGE_CORPUS, or put it at ../shared/corpus beside the repository"
_counts = {"ran": 0, "corpus": 0, "refused": 0}
_ABSENT = {"webp", "avif"} - set(lazyimage.supported_output_formats())
"""What this build leaves out: a test that needs it must end in E112, and in nothing else."""


def _refused(call: pytest.CallInfo[None]) -> bool:
    """Did it end because a codec is rightly not there?"""
    error = call.excinfo and call.excinfo.value
    if isinstance(error, AssertionError):  # an example's traceback is text
        return bool(_ABSENT) and "lazyimage.errors.CodecUnavailableError" in str(error)
    if isinstance(error, lazyimage.UnsupportedFormatError):  # a WebP is then any RIFF file
        return "webp" in _ABSENT and "52 49 46 46" in str(error)
    missing = isinstance(error, lazyimage.CodecUnavailableError) and error.code == "E112"
    return missing and any(name in str(error) for name in _ABSENT)


def pytest_sessionstart() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # below nohup, and children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    unknown = needs.undeclared(_ABSENT | ({"lcms2"} - set(lazyimage.features())))
    if needs.under_ci() and unknown:
        names = " and ".join(sorted(unknown))
        raise pytest.UsageError(f"this build lacks {names}, and nobody said that it may")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    report = outcome.get_result()
    if report.failed and _refused(call):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, "E112 or E111, as it must be: the codec is not built")
        _counts["refused"] += 1
    if report.when == "call" and not report.skipped:
        _counts["ran"] += 1
        _counts["corpus"] += item.get_closest_marker("corpus") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("corpus") is not None:
        needs.need(oracle.corpus_directory(), _WHY)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran, needed = _counts["ran"], _counts["corpus"]
    terminalreporter.write_line(f"{ran} tests ran, {needed} of them needed the corpus")
    if _ABSENT:
        names = " and ".join(sorted(_ABSENT))
        terminalreporter.write_line(f"{_counts['refused']} tests met E112 for want of {names}")


PYTESTS = (
    *("descriptor", "threads", "variable PYTEST", "variable COLUMNS", "variable LINES"),
    *("excepthook", "trace", "tempdir", "collector"),
)
"""What pytest (readline sets two variables), and what the tests import, have for themselves: R24
looks at these in a process without them."""


@pytest.fixture(scope="session", autouse=True)
def foreign_state():
    """The suite leaves the process as it found it."""
    if sys.platform != "linux":
        yield
        return
    before = foreign.look()
    yield
    changed = foreign.differences(before, foreign.look())
    assert [what for what in changed if not what.startswith(PYTESTS)] == []


@pytest.fixture(scope="session")
def corpus() -> list[oracle.Entry]:
    """Every entry of the corpus's index; for tests marked `corpus`."""
    directory = oracle.corpus_directory()
    assert directory is not None
    return oracle.read_index(directory)


@pytest.fixture(scope="session")
def data() -> Path:
    """tests/data, the pictures that every clone has."""
    return oracle.DATA


@pytest.fixture(scope="session")
def metered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a worker whose heap is counted. PYTHONMALLOC=malloc: an arena
    of pymalloc would count a whole MB for one small object."""
    source = oracle.REPOSITORY / "tests" / "tools" / "heap_meter.c"
    library = tmp_path_factory.mktemp("meter") / "heap_meter.so"
    command = ["gcc", "-std=c11", "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run([*command, "-pthread"], check=True)
    return {"LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"}
