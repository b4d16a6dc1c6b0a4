"""How much quality does shrinking in the JPEG decoder cost?  Behind docs/notes/plan.md.

For photographs of the corpus and for widths that leave a chosen residual, a picture resized
with shrink="fast" is compared with one of shrink="exact", each as a JPEG of quality 85 and as
pixels, both by SSIMULACRA2 against Pillow's resize of a full decode in floating point.

With --policies: what "safe" and "fast" cost against "exact" in the jobs that people run, each
photograph as JPEG 85, WebP 80, AVIF 60 and pixels at three widths.

With --planes: what any resize of Y, Cb and Cr must lose as pixels, however it rounds: libjpeg's
planes, with its own smooth chroma, resized in floating point and rounded once, as RGB.

Usage: shrink.py [--pictures N] [--policies | --planes]
Needs numpy, Pillow, ssimulacra2 and the corpus.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy
import ssimulacra2
from PIL import Image

import lazyimage

CORPUS = Path(
    os.environ.get("LAZYIMAGE_CORPUS") or Path(__file__).resolve().parents[2] / "shared/corpus"
)
RESIDUALS = (1.0, 1.3, 1.5, 1.75, 1.95, 3.0)
Array = numpy.ndarray


def photographs(count: int) -> list[Path]:
    """JPEGs of 1.2 to 20 MP that hold detail (> 0.04 bytes a pixel), evenly from the index."""
    with (CORPUS / "INDEX.tsv").open(newline="", encoding="utf-8") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        fit = {}
        for row in rows:
            pixels = int(row["width"] or 0) * int(row["height"] or 0)
            if (
                row["format"] == "jpeg"
                and row["notes"].startswith("valid")
                and row["mode_bitdepth"].startswith("ycbcr")
                and 1.2e6 < pixels < 2e7
                and int(row["bytes"]) > 0.04 * pixels
            ):
                fit[row["sha256"]] = CORPUS / row["path"]
    paths = sorted(fit.values())
    return paths[:: max(1, len(paths) // count)][:count]


def resized(path: Path, width: int, shrink: str) -> tuple[Array, int]:
    pixels = (
        lazyimage.Engine.from_path(path)
        .auto_orient(False)
        .resize(width)
        .to_pixels(mode="RGB", shrink=shrink)
    )
    return numpy.asarray(pixels).copy(), pixels.metrics.shrink


def truth(path: Path, width: int, height: int) -> Array:
    planes = [
        numpy.asarray(plane.convert("F").resize((width, height), Image.Resampling.LANCZOS))
        for plane in Image.open(path).convert("RGB").split()
    ]
    return numpy.clip(numpy.rint(numpy.stack(planes, -1)), 0, 255).astype("uint8")


def as_jpeg(pixels: Array) -> Array:
    data = lazyimage.Engine.from_pixels(pixels).to_buffer("jpeg", 85).to_bytes()
    return numpy.asarray(Image.open(io.BytesIO(data)))


def score(reference: Array, candidate: Array, folder: str) -> float:
    names = [f"{folder}/reference.png", f"{folder}/candidate.png"]
    for name, pixels in zip(names, (reference, candidate), strict=True):
        Image.fromarray(pixels).save(name, compress_level=1)
    return float(ssimulacra2.compute_ssimulacra2(*names))


def losses(path: Path, folder: str) -> Iterator[tuple[tuple[int, float], float, float]]:
    """(M, residual) → points lost as a JPEG, points lost as pixels."""
    stored = Image.open(path).width
    for shrink in (1, 2, 3, 4):
        for residual in RESIDUALS:
            width = int(stored * shrink / 8 / residual)
            fast, taken = resized(path, width, "fast")
            if taken != shrink or not 240 <= width <= 1100:
                continue
            exact, _ = resized(path, width, "exact")
            reference = truth(path, width, exact.shape[0])
            encoded = [score(reference, as_jpeg(x), folder) for x in (exact, fast)]
            plain = [score(reference, x, folder) for x in (exact, fast)]
            yield (shrink, residual), encoded[0] - encoded[1], plain[0] - plain[1]


WIDTHS = (320, 800, 1600)
OUTPUTS = {
    "JPEG 85": ("jpeg", 85),
    "WebP 80": ("webp", 80),
    "AVIF 60": ("avif", 60),
    "pixels": ("png", None),
}


def policy_losses(path: Path, folder: str) -> Iterator[tuple[tuple[str, str, int], float]]:
    """(policy, output, width) → points lost against exact, by the engine's own choices."""
    engine = lazyimage.Engine.from_path(path).auto_orient(False)
    for width in (width for width in WIDTHS if width < engine.info.stored_width):
        small = engine.resize(width)
        reference = None
        for output, (format, quality) in OUTPUTS.items():
            scores = {}
            for policy in ("exact", "safe", "fast"):
                encoded = small.convert("RGB").to_buffer(format, quality, shrink=policy)
                pixels = numpy.asarray(encoded.open().to_pixels(mode="RGB"))
                if reference is None:
                    reference = truth(path, width, pixels.shape[0])
                scores[policy] = score(reference, pixels, folder)
            for policy in ("safe", "fast"):
                yield (policy, output, width), scores["exact"] - scores[policy]


def tell_policies(paths: list[Path]) -> None:
    found: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            for cell, loss in policy_losses(path, folder):
                found[cell].append(loss)
    print(f"{len(paths)} photographs; SSIMULACRA2 points lost against shrink='exact'")
    print("| policy | output | width | n | median | 90 % | max |")
    print("|---|---|---|---|---|---|---|")
    for (policy, output, width), lost in sorted(found.items()):
        lost.sort()
        tenth = lost[int(0.9 * (len(lost) - 1))]
        figures = (statistics.median(lost), tenth, lost[-1])
        print(
            f"| {policy} | {output} | {width} | {len(lost)} |",
            " | ".join(f"{v:.2f}" for v in figures),
            "|",
        )


def of_planes(path: Path, width: int, height: int) -> Array:
    """Rounded once, at the end."""
    picture = Image.open(path)
    picture.draft("YCbCr", None)
    luma, blue, red = (
        numpy.asarray(plane.convert("F").resize((width, height), Image.Resampling.LANCZOS))
        for plane in picture.split()
    )
    blue, red = blue - 128, red - 128
    rgb = (luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
    return numpy.clip(numpy.rint(numpy.stack(rgb, -1)), 0, 255).astype("uint8")


def tell_planes(paths: list[Path]) -> None:
    print(f"{len(paths)} photographs as pixels; planes in floating point against shrink='exact'")
    print("| width | n | points lost: median | max | samples that differ by 1: median | by more |")
    print("|---|---|---|---|---|---|")
    for width in WIDTHS:
        lost, one, more = [], [], []
        for path in (path for path in paths if Image.open(path).width > width):
            exact, _ = resized(path, width, "exact")
            planes = of_planes(path, width, exact.shape[0])
            reference = truth(path, width, exact.shape[0])
            with tempfile.TemporaryDirectory() as folder:
                lost.append(score(reference, exact, folder) - score(reference, planes, folder))
            apart = numpy.abs(planes.astype(int) - reference)
            one.append((apart == 1).mean())
            more.append((apart > 1).mean())
        figures = f"{statistics.median(lost):.2f} | {max(lost):.2f}"
        shares = f"{statistics.median(one):.1%} | {statistics.median(more):.2%}"
        print(f"| {width} | {len(lost)} | {figures} | {shares} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--policies", action="store_true", help="by policy, not by residual")
    parser.add_argument("--planes", action="store_true", help="the least that planes lose")
    asked = parser.parse_args()
    paths = photographs(asked.pictures)
    if asked.policies or asked.planes:
        (tell_policies if asked.policies else tell_planes)(paths)
        return
    found: dict[tuple[int, float], list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            for cell, encoded, plain in losses(path, folder):
                found[cell].append((encoded, plain))
    print(f"{len(paths)} photographs; SSIMULACRA2 points lost against shrink='exact'")
    print("| shrink | residual | n | JPEG 85: median | max | pixels: median | max |")
    print("|---|---|---|---|---|---|---|")
    for (shrink, residual), pairs in sorted(found.items()):
        encoded, plain = zip(*pairs, strict=True)
        figures = [f(x) for x in (encoded, plain) for f in (statistics.median, max)]
        print(
            f"| {shrink}/8 | {residual} | {len(pairs)} |",
            " | ".join(f"{v:.2f}" for v in figures),
            "|",
        )


if __name__ == "__main__":
    main()
