"""docs/notes/chains.md: each chain's plan is the text there, and its bound is true.

A block of Python in that page is one expression that ends in explain(); the block behind it is
what that gives. `LAZYIMAGE_WRITE_CHAINS=1` writes the page's texts anew.
"""

import os
import re
from pathlib import Path

import numpy as np
import oracle
import process
import pytest
from PIL import Image

import lazyimage as li

PAGE = oracle.REPOSITORY / "docs" / "notes" / "chains.md"
BLOCKS = re.compile(r"```python\n(.*?)\n```\n\n```\n(.*?)\n```\n", re.DOTALL)
BYTES = re.compile(r"\d+ bytes|output at most \d+")


def _waves(width: int, height: int, channels: int) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    parts = [127 + 60 * np.sin(rows / (31 + n)) + 60 * np.cos(columns / (23 + n)) for n in range(4)]
    grain = np.random.default_rng(1).integers(0, 8, (height, width, 1))
    return (np.dstack(parts[:channels]) + grain).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four that the page names, in a directory of their own."""
    directory = tmp_path_factory.mktemp("chains")
    photo = Image.fromarray(_waves(3000, 2000, 3))
    photo.save(directory / "photo.jpg", quality=85)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(directory / "portrait.jpg", quality=85, exif=exif)
    Image.fromarray(_waves(1200, 900, 4)).save(directory / "logo.png", compress_level=1)
    Image.fromarray(_waves(1600, 1000, 3)).save(directory / "screen.png", compress_level=1)
    for file in directory.iterdir():
        os.utime(file, (1, 1))  # a file that was just written is read, not mapped
    return directory


def _chains() -> list[tuple[str, str]]:
    return BLOCKS.findall(PAGE.read_text(encoding="utf-8"))


def _explained(chain: str, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(pictures)
    return str(eval(chain, {"li": li}))


def test_there_are_ten() -> None:
    assert len(_chains()) == 10


@pytest.mark.parametrize("number", range(10))
def test_a_chain_is_planned_as_the_page_says(
    number: int, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, written = _chains()[number]
    found = _explained(chain, pictures, monkeypatch)
    if os.environ.get("LAZYIMAGE_WRITE_CHAINS") == "1":
        PAGE.write_text(
            PAGE.read_text().replace(
                f"{chain}\n```\n\n```\n{written}", f"{chain}\n```\n\n```\n{found}"
            )
        )
        return
    assert BYTES.sub("N", found) == BYTES.sub("N", written)


@pytest.mark.skipif(os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="its malloc is its own")
@pytest.mark.parametrize("number", range(10))
def test_the_bound_covers_the_heap_that_a_chain_takes(
    number: int, pictures: Path, metered: dict[str, str]
) -> None:
    chain, _ = _chains()[number]
    answer = process.run_fresh(
        "heap_of_chain", chain=chain, directory=str(pictures), environment=metered
    )
    assert answer["measured"] <= answer["foretold"]
    assert answer["measured"] > 50_000  # the meter counts
