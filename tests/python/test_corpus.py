"""Every JPEG, PNG and WebP of the corpus of 1,894 pictures, held to the reference libraries.

The files are dealt to a crew of worker processes, so that a crash is seen and named.
"""

from pathlib import Path

import checks
import oracle
import pytest
from PIL import Image

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

PARTS = 8
NUMBERS = range(1, 9)


def _part(entries: list[oracle.Entry], part: int) -> list[oracle.Entry]:
    return entries[part::PARTS]


def _of_kind(corpus: list[oracle.Entry], format: str, kind: str) -> list[oracle.Entry]:
    return [entry for entry in corpus if (entry.format, entry.kind) == (format, kind)]


def test_the_corpus_is_whole(corpus: list[oracle.Entry]) -> None:
    assert len(corpus) == 1894
    assert len(_of_kind(corpus, "jpeg", "valid")) == 146
    assert len(_of_kind(corpus, "png", "valid")) == 603
    assert len(_of_kind(corpus, "webp", "valid")) == 117


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("part", range(PARTS))
def test_valid_samples_equal_the_oracle(corpus: list[oracle.Entry], format: str, part: int) -> None:
    entries = _part(_of_kind(corpus, format, "valid"), part)
    assert checks.samples_that_differ(entries, must_open=True) == []


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_odd_samples_are_refused_or_equal(corpus: list[oracle.Entry], format: str) -> None:
    entries = _of_kind(corpus, format, "valid-with-warnings")
    assert checks.samples_that_differ(entries, must_open=False) == []


def test_webp_files_whose_samples_the_index_does_not_have_are_few(
    corpus: list[oracle.Entry],
) -> None:
    """Six animations and three VP8L pictures with alpha that their headers deny."""
    entries = _of_kind(corpus, "webp", "valid")
    other = [entry for entry in entries if checks.expected_crc32(entry) != entry.crc32]
    assert len(other) == 9
    assert sum(entry.animated for entry in other) == 6


@pytest.mark.parametrize("kind", ["corrupt", "truncated"])
def test_broken_webp_files_are_clean_errors(corpus: list[oracle.Entry], kind: str) -> None:
    entries = _of_kind(corpus, "webp", kind)
    assert len(entries) > 15
    for entry, refusal in zip(entries, checks.refusals(entries), strict=True):
        assert refusal is not None, entry.path
        assert refusal["error"] in ("E130", "E132"), refusal


@pytest.mark.parametrize("part", range(PARTS))
def test_no_file_crashes_or_dawdles(corpus: list[oracle.Entry], part: int) -> None:
    assert checks.sweep_troubles(_part(corpus, part)) == []


def test_broken_pngsuite_files_are_clean_errors(corpus: list[oracle.Entry]) -> None:
    entries = [entry for entry in corpus if entry.file.match("pngsuite/x*.png")]
    assert len(entries) == 14
    for entry, refusal in zip(entries, checks.refusals(entries), strict=True):
        assert refusal is not None, entry.path
        assert refusal["category"] in ("user", "codec"), refusal


def _landscape(corpus: list[oracle.Entry], number: int) -> Path:
    (file,) = (
        entry.file
        for entry in corpus
        if entry.path == f"exif-orientation-examples/Landscape_{number}.jpg"
    )
    return file


@pytest.mark.parametrize("number", NUMBERS)
def test_landscapes_land_upright(corpus: list[oracle.Entry], number: int) -> None:
    assert checks.upright_difference(_landscape(corpus, number)) < 4


@pytest.mark.parametrize("number", NUMBERS)
def test_portraits_land_upright(corpus: list[oracle.Entry], number: int) -> None:
    with Image.open(_landscape(corpus, 1)) as opened:
        portrait = opened.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    encoded = checks.picture_with_orientation(portrait, number, "JPEG")
    assert checks.misplaced_corners(encoded, portrait) < 4
