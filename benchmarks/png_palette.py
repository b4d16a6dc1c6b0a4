#!/usr/bin/env python3
"""PNG by palette beside Pillow's quantize() and pngquant: bytes, quality, CPU.

    png_palette.py DIRECTORY… [--colours 256] [--side 800]

Every picture of more colours than that below the directories is shrunk to --side, then written
by each; bytes are over ours without palette, quality is SSIMULACRA2 (by the ssimulacra2 package)
of what is read back, and PSNR. Prints a Markdown table, medians by kind of picture.
"""

from __future__ import annotations

import argparse
import io
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import ssimulacra2
from PIL import Image

import lazyimage as li

Made = tuple[bytes, float]
Writer = Callable[[Image.Image, int], Made]


def timed(work: Callable[[], bytes]) -> Made:
    """The bytes, and the CPU seconds of this process."""
    start = time.process_time()
    data = work()
    return data, time.process_time() - start


def ours(dither: bool) -> Writer:
    def write(image: Image.Image, colours: int) -> Made:
        engine = li.Engine.from_pixels(np.asarray(image))
        return timed(lambda: engine.to_buffer("png", palette=colours, dither=dither).to_bytes())

    return write


def pillow(method: Image.Quantize) -> Writer:
    def write(image: Image.Image, colours: int) -> Made:
        def work() -> bytes:
            out = io.BytesIO()
            alpha = image.mode == "RGBA"  # which Pillow's octree alone can do
            how = Image.Quantize.FASTOCTREE if alpha else method
            palette = image.quantize(colours, method=how)
            if image.mode == "RGB":  # quantize() alone does not dither
                palette = image.quantize(
                    colours, palette=palette, dither=Image.Dither.FLOYDSTEINBERG
                )
            palette.save(out, "png")
            return out.getvalue()

        return timed(work)

    return write


def pngquant(image: Image.Image, colours: int) -> Made:
    source = io.BytesIO()
    image.save(source, "png", compress_level=1)
    start = time.perf_counter()
    done = subprocess.run(
        ["pngquant", str(colours), "-"], input=source.getvalue(), capture_output=True, check=True
    )
    return done.stdout, time.perf_counter() - start


def writers() -> dict[str, Writer]:
    named: dict[str, Writer] = {
        "ours": ours(True),
        "ours, dither=False": ours(False),
        "Pillow median cut, dithered": pillow(Image.Quantize.MEDIANCUT),
        "Pillow octree, dithered": pillow(Image.Quantize.FASTOCTREE),
    }
    if shutil.which("pngquant"):
        named["pngquant"] = pngquant
    return named


def seen(image: Image.Image) -> np.ndarray:
    """Over gray, so that alpha counts."""
    rgba = np.asarray(image.convert("RGBA")).astype(np.float64)
    alpha = rgba[:, :, 3:] / 255
    return rgba[:, :, :3] * alpha + 128 * (1 - alpha)


def psnr(one: Image.Image, other: Image.Image) -> float:
    error = float(((seen(one) - seen(other)) ** 2).mean())
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def score(one: Image.Image, other: Image.Image, folder: str) -> float:
    """SSIMULACRA2, over gray."""
    names = [f"{folder}/{name}.png" for name in ("a", "b")]
    for name, image in zip(names, (one, other), strict=True):
        Image.fromarray(seen(image).round().astype(np.uint8)).save(name, compress_level=1)
    return float(ssimulacra2.compute_ssimulacra2(*names))


def pictures(directories: list[Path], side: int, colours: int) -> Iterator[tuple[str, Image.Image]]:
    """(kind, picture) of each file that has more colours than the palette."""
    for file in sorted(path for folder in directories for path in folder.rglob("*")):
        if file.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
            continue
        try:
            pixels = li.Engine.from_path(file).resize(side, side, enlarge=False).to_pixels()
        except li.errors.LazyImageError:
            continue
        samples = np.asarray(pixels)
        if samples.shape[2] < 3 or min(samples.shape[:2]) < 64:
            continue
        flat = samples.reshape(-1, samples.shape[2])
        count = len(np.unique(flat.view(f"V{samples.shape[2]}")))
        if count <= colours:
            continue
        drawn = count < 0.12 * len(flat)
        yield "drawing" if drawn else "photograph", Image.fromarray(samples.copy())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--colours", type=int, default=256)
    parser.add_argument("--side", type=int, default=800)
    options = parser.parse_args()
    rows: dict[tuple[str, str], list[tuple[float, float, float, float]]] = {}
    folder = tempfile.mkdtemp()
    for kind, image in pictures(options.directories, options.side, options.colours):
        whole = len(li.Engine.from_pixels(np.asarray(image)).to_buffer("png"))
        for name, write in writers().items():
            data, seconds = write(image, options.colours)
            got = Image.open(io.BytesIO(data))
            row = (len(data) / whole, score(image, got, folder), psnr(image, got), seconds * 1000)
            rows.setdefault((kind, name), []).append(row)
    print("| pictures | writer | bytes | SSIMULACRA2 | worst | PSNR | ms |")
    print("|---|---|---|---|---|---|---|")
    for (kind, name), found in sorted(rows.items()):
        columns = list(zip(*found, strict=True))
        bytes_, alike, noise, spent = (statistics.median(column) for column in columns)
        print(
            f"| {len(found)} {kind}s | {name} | {bytes_:.3f} | {alike:.1f} | {min(columns[1]):.1f} "
            f"| {noise:.1f} | {spent:.0f} |"
        )


if __name__ == "__main__":
    main()
