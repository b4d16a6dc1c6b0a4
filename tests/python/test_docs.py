"""The documents say what the contract asks them to."""

import re

import oracle
import pytest

ZERO_COPY = oracle.REPOSITORY / "docs" / "zero-copy.md"

HEADINGS = (
    "meaning",
    "scope",
    "exceptions",
    "targets",
    "measurement steps",
    "faq",
    "modified or deleted",
    "assumptions",
    "copy points",
    "avoid",
    "windows",
    "memory detection",
    "cold start",
)
"""Of the founding document, in its order; each is part of a heading."""

EXCEPTIONS = ("bytes(encoded)", "numpy", "file object", "output", "python heap", "snapshot", "lock")
"""What the text must speak of."""


def _headings() -> list[str]:
    text = ZERO_COPY.read_text(encoding="utf-8")
    return [line.lower() for line in re.findall(r"^#+ +(.+)$", text, re.MULTILINE)]


@pytest.mark.parametrize("heading", HEADINGS)
def test_zero_copy_has_the_founding_heading(heading: str) -> None:
    assert [line for line in _headings() if heading in line] != []


def test_the_founding_headings_come_in_their_order() -> None:
    headings = _headings()
    places = [
        next(place for place, line in enumerate(headings) if heading in line)
        for heading in HEADINGS
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("words", EXCEPTIONS)
def test_zero_copy_speaks_of(words: str) -> None:
    assert words in ZERO_COPY.read_text(encoding="utf-8").lower()


def test_zero_copy_names_the_script_and_its_numbers() -> None:
    text = ZERO_COPY.read_text(encoding="utf-8")
    assert "docs/scripts/measure_zero_copy.py" in text
    for key in (
        "rss_start_mb",
        "rss_end_mb",
        "rss_delta_mb",
        "heap_delta_mb",
        "peak_rss_metrics_mb",
        "peak_rss_delta_mb",
        "predicted_peak_mb",
        "budget_mb",
    ):
        assert key in text
