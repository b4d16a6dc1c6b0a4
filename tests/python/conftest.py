"""Fixtures of every test, and the rule for the corpus: absent, its tests are skipped
with a word; absent where CI=true, they fail."""

import os
from pathlib import Path

import oracle
import pytest

_WHY = "no corpus: set LAZYIMAGE_CORPUS, or put it at ../shared/corpus beside the repository"
_counts = {"ran": 0, "corpus": 0}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and not report.skipped:
        _counts["ran"] += 1
        _counts["corpus"] += item.get_closest_marker("corpus") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("corpus") is None or oracle.corpus_directory():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(_WHY, pytrace=False)
    pytest.skip(_WHY)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran, needed = _counts["ran"], _counts["corpus"]
    terminalreporter.write_line(f"{ran} tests ran, {needed} of them needed the corpus")


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
