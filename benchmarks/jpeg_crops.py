"""Smooth gradients as JPEGs of quality 75, side by side: docs/notes/jpeg-gradients.png.

    python benchmarks/jpeg_crops.py

Rows: a blurred background, a wall of a photograph, a sky that is drawn. Columns: the original,
libjpeg-turbo's transform and tables, mozjpeg through sharp, efforts 5, 7 and 9. Twice as large,
and twice the contrast around each crop's mean, so that steps and blocks are seen.
"""

from __future__ import annotations

import sys

import numpy as np
from jpeg_effort import ROOT, ours, picture, sharps, shown, with_judges

import lazyimage as li

QUALITY, SIDE, ZOOM, GAIN, GAP = 75, 96, 2, 2.0, 4
CROPS = (
    ("imazen-codec-corpus/kodak/23.png", 640, 48),
    ("imazen-codec-corpus/clic2025/validation/60430844748882ff66b9a5598ef06dd6.png", 384, 128),
)
TARGET = ROOT / "docs/notes/jpeg-gradients.png"


def sky() -> np.ndarray:
    """Evening: blue over orange, a little noise as a sensor has it."""
    y, x = np.mgrid[0:256, 0:384] / 256.0
    top, low = np.array([40, 80, 150.0]), np.array([230, 160, 110.0])
    share = (0.7 * y + 0.2 * x)[..., None]
    noise = np.random.default_rng(75).normal(0, 0.7, (256, 384, 3))
    return np.clip(np.rint(top + (low - top) * share + noise), 0, 255).astype(np.uint8)


def versions(samples: np.ndarray) -> list[np.ndarray]:
    made = [samples, shown(ours(samples, "4:2:0", None)(QUALITY))]
    made.append(shown(sharps(samples, "4:2:0", (QUALITY,), 1)["files"][QUALITY]))
    return made + [shown(ours(samples, "4:2:0", effort)(QUALITY)) for effort in (5, 7, 9)]


def row(samples: np.ndarray, left: int, top: int) -> np.ndarray:
    crops = [it[top : top + SIDE, left : left + SIDE] for it in versions(samples)]
    mean = crops[0].astype(float).mean()
    for crop in crops[1:]:
        off = np.abs(crop.astype(float) - crops[0]).mean()
        print(f"{off:6.2f}", end="")
    print()
    shown_crops = [np.clip(mean + GAIN * (crop - mean), 0, 255).astype(np.uint8) for crop in crops]
    gap = np.full((SIDE, GAP // ZOOM, 3), 255, np.uint8)
    parts = [part for crop in shown_crops for part in (crop, gap)][:-1]
    return np.concatenate(parts, axis=1).repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)


def main() -> None:
    with_judges()
    rows = [row(picture(name), left, top) for name, left, top in CROPS]
    rows.append(row(sky(), 128, 96))
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    whole = np.concatenate([part for one in rows for part in (one, gap)][:-1], axis=0)
    li.Engine.from_pixels(np.ascontiguousarray(whole)).to_file(TARGET, compression=9)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
