"""Every input variant × every depth that an output has, in levels of 65535.

The 16-bit half of test_matrix.py. A picture of more than 8 bits is held to libvips (PNG) and
avifdec (AVIF, 16 bits, bilinear chroma), whatever it is written as: read back by the same two.
One of 8 bits has 257 times the samples that the other half holds to the tools. How far apart
they may be is the second table of docs/notes/fidelity.md.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from needs import need_libvips
from test_matrix import PAGE, SAMPLES, tool, variants

import lazyimage as li

Samples = np.ndarray[Any, Any]

SIDE = 96
LOSSLESS = {"lossless": True, "speed": 10}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "uint16": ("", {}),
    "png 16": ("png", {"bit_depth": 16}),
    "png 8": ("png", {"bit_depth": 8}),
    "avif 12": ("avif", {"bit_depth": 12, **LOSSLESS}),
    "avif 10": ("avif", {"bit_depth": 10, **LOSSLESS}),
    "avif 8": ("avif", {"bit_depth": 8, **LOSSLESS}),
}
KINDS = ("deep png", "deep avif", "8 bits")


def _kind(entry: oracle.Entry) -> str:
    deep = int(entry.mode.rpartition("/")[2]) > 8
    return f"deep {entry.format}" if deep else "8 bits"


def _entries() -> list[oracle.Entry]:
    """Of tests/data and of its AVIFs, whose index is their own."""
    return [*oracle.read_index(oracle.DATA), *oracle.read_index(oracle.DATA / "avif")]


# --- what the codecs' own tools say ------------------------------------------------------


def _rgba(samples: Samples) -> Samples:
    """Of any layout; 8 bits widened."""
    if samples.dtype == np.uint8:
        samples = samples.astype(np.uint16) * 257
    if samples.shape[2] < 3:
        samples = np.dstack([samples[:, :, :1]] * 3 + [samples[:, :, 1:]])
    if samples.shape[2] == 3:
        samples = np.dstack([samples, np.full(samples.shape[:2], 65535, np.uint16)])
    return samples


def _by_libvips(file: Path) -> Samples:
    picture = need_libvips().Image.new_from_buffer(file.read_bytes(), "")
    return _rgba(picture.numpy().reshape(picture.height, picture.width, picture.bands))


def _by_tool(file: Path, format: str, directory: Path) -> Samples:
    """The stored picture as RGBA of 16 bits."""
    if format == "png":
        return _by_libvips(file)
    out = directory / "out.png"
    options = ["--no-strict", "--ignore-icc", "-u", "bilinear", "--png-compress", "0"]
    command = [tool("avifdec"), *options, "-d", "16", str(file), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return _by_libvips(out)


# --- ours --------------------------------------------------------------------------------


def _tolerances() -> dict[tuple[str, str], tuple[float, int]]:
    """(kind of input, run) → (mean, most) of 65535, from the page's second table."""
    kinds, page = "|".join(KINDS), PAGE.read_text(encoding="utf-8")
    rows = re.findall(rf"^\| ({kinds}) \| ([\w ]+) \| ([\d.]+) \| (\d+) \|", page, re.M)
    return {(one, other): (float(mean), int(most)) for one, other, mean, most in rows}


def _distance(seen: Samples, wanted: Samples) -> tuple[float, int]:
    """(mean, most); what nobody sees does not count."""
    seen, wanted = seen.astype(np.int64), wanted.astype(np.int64)
    assert seen.shape == wanted.shape
    away = np.abs(seen - wanted)
    away[:, :, :3] *= (wanted[:, :, 3:] > 0) | (seen[:, :, 3:] > 0)
    return float(away.mean()), int(away.max())


def _found(engine: li.Engine, run: str, directory: Path) -> Samples:
    """What the run gives, as others read it."""
    format, options = RUNS[run]
    if not format:
        return _rgba(np.asarray(engine.to_pixels(dtype="uint16", **SAMPLES)))
    file = directory / f"found.{format}"
    file.write_bytes(engine.to_buffer(format, **options, **SAMPLES))
    return _by_tool(file, format, directory)


def _misses(entry: oracle.Entry, directory: Path) -> list[str]:
    """A line for each run that is farther away than the table says."""
    tolerances, kind = _tolerances(), _kind(entry)
    engine, wrong = li.Engine.from_path(entry.file).auto_orient(False), []
    width, height = (min(side, SIDE) for side in (entry.width, entry.height))
    if kind != "8 bits":
        wanted = _by_tool(entry.file, entry.format, directory)
        width, height = (min(side, SIDE) for side in wanted.shape[1::-1])
    engine = engine.crop(0, 0, width, height)
    if kind == "8 bits":
        wanted = _rgba(np.asarray(engine.to_pixels(**SAMPLES)))
    for run in RUNS:
        if (kind, run) in tolerances:
            mean, most = _distance(_found(engine, run, directory), wanted[:height, :width])
            print(f"{kind} → {run}: mean {mean:.3f}, most {most} ({entry.path}, {entry.mode})")
            if mean > tolerances[kind, run][0] or most > tolerances[kind, run][1]:
                wrong.append(f"{run}: mean {mean:.3f}, most {most} ({entry.path}, {entry.mode})")
    return wrong


OURS = variants(_entries())


def test_the_table_has_every_run() -> None:
    runs = [(kind, run) for kind in KINDS for run in RUNS]
    assert set(_tolerances()) == {one for one in runs if one[0] != "8 bits" or "8" not in one[1]}


@pytest.mark.parametrize("name", OURS)
def test_a_variant_goes_to_every_depth(name: str, tmp_path: Path) -> None:
    assert _misses(OURS[name], tmp_path) == []


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_goes_to_every_depth(
    corpus: list[oracle.Entry], kind: str, tmp_path: Path
) -> None:
    entries = [entry for entry in variants(corpus).values() if _kind(entry) == kind]
    assert len(entries) >= {"deep png": 7, "deep avif": 20, "8 bits": 60}[kind]
    wrong = [line for entry in entries for line in _misses(entry, tmp_path)]
    assert wrong == []
