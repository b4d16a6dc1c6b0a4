"""Every input variant of the corpus × every output, held to the codecs' own tools.

A variant is what a decoder has to tell apart: format, layout, sampling, depth, coding. The smallest
valid picture of each goes to every output, is read back by that format's own tool, and is held
to what the input's own tool makes of the input. How far apart they may be is the table of
docs/notes/fidelity.md, which this reads.
"""

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import needs
import numpy as np
import oracle
import pytest
from PIL import Image

import lazyimage as li

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

PAGE = oracle.REPOSITORY / "docs" / "notes" / "fidelity.md"
TRAITS = ("progressive", "arithmetic", "interlaced", "trns", "sequence", "animated", "restart")
SMALLEST, LARGEST, SIDE = 256, 1_200_000, 200
OUTPUTS: dict[str, dict[str, Any]] = {
    "png": {},
    "jpeg": {"quality": 100, "subsampling": "4:4:4"},
    "webp": {"lossless": True, "method": 0},
    "avif": {"lossless": True, "speed": 10},
}
SAMPLES: dict[str, Any] = {"color": "keep"}
"""The tools know no colours."""


def variants(corpus: list[oracle.Entry]) -> dict[str, oracle.Entry]:
    """The smallest picture of each variant that has 256 pixels, by the variant's name."""
    found: dict[str, oracle.Entry] = {}
    for entry in corpus:
        if entry.kind != "valid" or entry.format not in OUTPUTS or entry.pixels > LARGEST:
            continue
        traits = [trait for trait in TRAITS if trait in entry.notes]
        name = " ".join([entry.format, entry.mode, *traits])
        kept = found.setdefault(name, entry)
        if (entry.pixels < SMALLEST, entry.pixels) < (kept.pixels < SMALLEST, kept.pixels):
            found[name] = entry
    return found


# --- what the codecs' own tools say ------------------------------------------------------


def tool(name: str) -> str:
    found = shutil.which(name)
    needs.need(found, f"{name} is not installed: tools/setup.sh does that")
    assert found
    return found


def _rgba(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGBA"))


def by_tool(data: bytes, format: str, directory: Path) -> np.ndarray:
    """The picture as RGBA of 8 bit, its first frame, not turned."""
    source = directory / f"source.{format}"
    source.write_bytes(data)
    if format == "png":
        return _png(data)
    if format != "avif" or li.open(data).info.mode == "L":
        with Image.open(io.BytesIO(data)) as opened:
            if (
                opened.mode == "CMYK"
                or opened.format == "AVIF"
                or getattr(opened, "n_frames", 1) > 1
            ):
                # djpeg has no RGB of CMYK, dwebp no animations; avifdec before 1.0 leaves
                # gray of studio range as it is.
                return _rgba(opened)
    out = directory / ("out.png" if format == "avif" else "out.pnm")
    command = {
        "jpeg": ["djpeg", "-pnm", "-outfile", str(out), str(source)],
        "webp": ["dwebp", "-quiet", "-pam", str(source), "-o", str(out)],
        "avif": ["avifdec", "--no-strict", "--ignore-icc", "--depth", "8", str(source), str(out)],
    }[format]
    subprocess.run([tool(command[0]), *command[1:]], check=True, capture_output=True)
    if format == "webp":
        header, samples = out.read_bytes().split(b"ENDHDR\n", 1)
        width, height, depth = (int(number) for number in re.findall(rb"\d+", header[2:])[:3])
        flat = np.frombuffer(samples, np.uint8).reshape(height, width, depth)
        return flat if depth == 4 else np.dstack([flat, np.full((height, width), 255, np.uint8)])
    with Image.open(out) as opened:
        return _rgba(opened)


def _png(data: bytes) -> np.ndarray:
    """In plain numpy, because Pillow reads 16 bit its own way."""
    samples = oracle.png_samples(data)
    if samples.dtype == np.uint16:
        samples = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if samples.shape[2] < 3:
        samples = np.dstack([samples[:, :, :1]] * 3 + [samples[:, :, 1:]])
    if samples.shape[2] == 3:
        samples = np.dstack([samples, np.full(samples.shape[:2], 255, np.uint8)])
    return samples


# --- ours --------------------------------------------------------------------------------


def _tolerances() -> dict[tuple[str, str], tuple[float, int]]:
    """(input, output) → (mean, most) levels, from the page's table."""
    rows = re.findall(
        r"^\| (\w+) \| (\w+) \| ([\d.]+) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.M
    )
    return {(one, other): (float(mean), int(most)) for one, other, mean, most in rows}


def _distance(seen: np.ndarray, wanted: np.ndarray, format: str) -> tuple[float, int]:
    """(mean, most) levels; what nobody sees does not count."""
    seen, wanted = seen.astype(np.int32), wanted.astype(np.int32)
    if format == "jpeg":
        alpha = wanted[:, :, 3:]
        wanted = (wanted[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        seen = seen[:, :, :3]
    away = np.abs(seen - wanted)
    if format != "jpeg":
        away[:, :, :3] *= (wanted[:, :, 3:] > 0) | (seen[:, :, 3:] > 0)
    return float(away.mean()), int(away.max())


def _measure(entry: oracle.Entry, format: str, directory: Path) -> tuple[float, int]:
    wanted = by_tool(entry.file.read_bytes(), entry.format, directory)
    height, width = (min(side, SIDE) for side in wanted.shape[:2])
    engine = li.Engine.from_path(entry.file).auto_orient(False).crop(0, 0, width, height)
    encoded = engine.to_buffer(format, **OUTPUTS[format], **SAMPLES)
    return _distance(by_tool(bytes(encoded), format, directory), wanted[:height, :width], format)


def test_every_variant_there_is(corpus: list[oracle.Entry]) -> None:
    assert len(variants(corpus)) == 122


@pytest.mark.parametrize("format", OUTPUTS)
@pytest.mark.parametrize("source", OUTPUTS)
def test_every_variant_goes_to_every_output(
    corpus: list[oracle.Entry], source: str, format: str, tmp_path: Path
) -> None:
    mean, most = _tolerances()[source, format]
    wrong, worst = [], (0.0, 0)
    for name, entry in variants(corpus).items():
        if entry.format == source:
            found = _measure(entry, format, tmp_path)
            worst = (max(worst[0], found[0]), max(worst[1], found[1]))
            if found[0] > mean or found[1] > most:
                wrong.append(f"{name} ({entry.path}): mean {found[0]:.3f}, most {found[1]}")
    print(f"{source} → {format}: mean {worst[0]:.3f}, most {worst[1]}")
    assert wrong == []
