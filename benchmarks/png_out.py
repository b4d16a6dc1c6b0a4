"""What does each PNG level write, and for how much CPU?  Behind docs/notes/png.md.

Photographs of the corpus, as they are or made 1600 and 800 pixels wide, and flat art as it is, are
written by lazyimage at some levels and by Pillow as it does unless told otherwise (level 6) and
with optimize=True; runs are interleaved, the least CPU time of each counts, one thread.

Usage: png_out.py [--levels 0 1 2 6 9] [--runs 3] [--each]     needs Pillow and the corpus
"""

from __future__ import annotations

import argparse
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageOps

import lazyimage

CORPUS = Path(
    os.environ.get("LAZYIMAGE_CORPUS") or Path(__file__).resolve().parents[2] / "shared/corpus"
)
CID22 = "imazen-codec-corpus/CID22/CID22-512/training"
PHOTOGRAPHS = (
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/Dragonfly_by_Bolly.jpg",
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "debian-mate-backgrounds/usr/share/backgrounds/mate/nature/Blinds.jpg",
    "elementary-wallpapers/backgrounds/Martin_Adams.jpg",
    "exif-orientation-examples/Landscape_0.jpg",
    "imazen-codec-corpus/zune/test-images/jpeg/large_no_samp_7680_4320.jpg",
    "jpeg-decoder/tests/reftest/images/mjpeg.jpg",
    "pillow/Tests/images/junk_jpeg_header.jpg",
    "pillow/Tests/images/sugarshack_bad_mpo_header.jpg",
    "link-u-avif/fox.profile0.8bpc.yuv420.avif",
    "link-u-avif/kimono.crop.avif",
    "imazen-codec-corpus/clic2025/validation/4cd6910a0b7b39365fda5df87618d091.png",
    "imazen-codec-corpus/clic2025/validation/60430844748882ff66b9a5598ef06dd6.png",
    *(f"imazen-codec-corpus/kodak/{number}.png" for number in (1, 5, 13, 23)),
    "debian-gnome-backgrounds/usr/share/backgrounds/gnome/wood-l.webp",
    "image-webp/tests/images/gallery1/3.webp",
    "image-webp/tests/images/gallery1/5.webp",
    "libvips/test/test-suite/images/avif-orientation-6.avif",
    *(f"{CID22}/{name}.png" for name in (110472, 670530, 1661950, 1938351, 2119713)),
    *(f"{CID22}/{name}.png" for name in (2666598, 3311574)),
)
FLAT = (
    "image-rs/tests/reference/png/bugfixes/debug_triangle_corners_widescreen.png.png",
    "pillow/Tests/images/itxt_chunks.png",
    "sharp/test/fixtures/test-pattern.png",
    "wuffs/test/data/ridiculously-fast.png",
    f"{CID22}/Abstract-Art-1.png",
    "image-rs/tests/images/png/apng/ball.png",
    "sharp/test/fixtures/image-in-alpha.png",
    "kde-wallpapers/Patak/contents/images/1080x1920.png",
)
WIDTHS = (1600, 800)
Writer = Callable[[Image.Image], int]


def pictures(names: tuple[str, ...], *, resized: bool) -> Iterator[tuple[str, Image.Image]]:
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = ImageOps.exif_transpose(Image.open(CORPUS / name))
        layout = "RGBA" if opened.has_transparency_data else "RGB"
        picture = opened.convert(layout)
        widths = [width for width in WIDTHS if resized and picture.width > width]
        for width in widths or [picture.width]:
            height = round(picture.height * width / picture.width)
            made = picture.resize((width, height), Image.Resampling.LANCZOS)
            yield f"{Path(name).stem[:20]} {width}x{height}", made


def by_pillow(**options: bool) -> Writer:
    def write(picture: Image.Image) -> int:
        out = io.BytesIO()
        picture.save(out, "png", **options)
        return out.tell()

    return write


def by_us(level: int) -> Writer:
    def write(picture: Image.Image) -> int:
        engine = lazyimage.Engine.from_pixels(picture)
        return len(engine.to_buffer("png", compression=level))

    return write


def measure(picture: Image.Image, writers: dict[str, Writer], runs: int) -> dict[str, list[float]]:
    """Name → bytes and the least CPU milliseconds."""
    found = {name: [0.0, float("inf")] for name in writers}
    for _ in range(runs):
        for name, write in writers.items():
            start = time.process_time_ns()
            size = write(picture)
            spent = (time.process_time_ns() - start) / 1e6
            found[name] = [size, min(found[name][1], spent)]
    return found


def report(title: str, rows: dict[str, dict[str, list[float]]], each: bool) -> None:
    base = "Pillow"
    print(f"\n{title}: {len(rows)} pictures")
    for picture, row in rows.items() if each else ():
        cells = (f"{n}: {v[0] / row[base][0]:.3f} {v[1]:.1f} ms" for n, v in row.items())
        print(f"  {picture}: {row[base][0]:.0f} bytes;", "; ".join(cells))
    print("| writer | KB | bytes / Pillow's | largest | CPU ms | CPU / Pillow's |")
    print("|---|---|---|---|---|---|")
    totals = {
        n: [sum(r[n][i] for r in rows.values()) for i in (0, 1)] for n in rows[next(iter(rows))]
    }
    for name, (size, spent) in totals.items():
        worst = max(row[name][0] / row[base][0] for row in rows.values())
        print(
            f"| {name} | {size / 1e3:.0f} | {size / totals[base][0]:.3f} | {worst:.3f} "
            f"| {spent:.0f} | {spent / totals[base][1]:.3f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", type=int, nargs="*", default=[0, 1, 2, 6, 9])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--each", action="store_true", help="a line for every picture")
    asked = parser.parse_args()
    writers: dict[str, Writer] = {
        "Pillow": by_pillow(),
        "Pillow optimize": by_pillow(optimize=True),
    }
    writers |= {f"compression {level}": by_us(level) for level in asked.levels}
    for title, names, resized in (("photographs", PHOTOGRAPHS, True), ("flat art", FLAT, False)):
        rows = {
            name: measure(picture, writers, asked.runs)
            for name, picture in pictures(names, resized=resized)
        }
        report(title, rows, asked.each)


if __name__ == "__main__":
    main()
