#!/usr/bin/env python3
"""Make the pictures that benchmarks/png_read.c is timed on, from one photograph.

    png_pictures.py PHOTO DIRECTORY

24 MP by no filter, by the filter of the smallest sum, and by Paeth alone; the second in IDATs of
8 KB, and gray; 3 MP RGBA.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np

import lazyimage

ALL = range(5)


def filtered(row: np.ndarray, above: np.ndarray, step: int, kind: int) -> np.ndarray:
    """One row, as 16-bit numbers, less what the filter predicts."""
    left = np.concatenate([np.zeros(step, np.int16), row[:-step]])
    corner = np.concatenate([np.zeros(step, np.int16), above[:-step]])
    if kind == 4:
        to_left, to_up = abs(above - corner), abs(left - corner)
        to_corner = abs(left + above - 2 * corner)
        up = np.where(to_up <= to_corner, above, corner)
        best = np.where((to_left <= to_up) & (to_left <= to_corner), left, up)
        return (row - best).astype(np.uint8)
    return (row - [np.int16(0), left, above, (left + above) >> 1][kind]).astype(np.uint8)


def cost(row: np.ndarray) -> int:
    return int(np.abs(row.astype(np.int8).astype(np.int16)).sum())


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def write(path: Path, pixels: np.ndarray, kinds: list[int] | range, idat: int = 65536) -> None:
    height, width, channels = pixels.shape
    raw, above = bytearray(), np.zeros(width * channels, np.int16)
    for y in range(height):
        row = pixels[y].reshape(-1).astype(np.int16)
        rows = [(kind, filtered(row, above, channels, kind)) for kind in kinds]
        kind, best = min(rows, key=lambda pair: cost(pair[1]))
        raw += bytes([kind]) + best.tobytes()
        above = row
    packed = zlib.compress(bytes(raw), 6)
    colour = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = [chunk(b"IDAT", packed[i : i + idat]) for i in range(0, len(packed), idat)]
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *parts, chunk(b"IEND", b"")]
    path.write_bytes(b"".join(parts))


def main(photo: str, directory: str) -> None:
    into = Path(directory)
    into.mkdir(parents=True, exist_ok=True)
    engine = lazyimage.open(photo).resize(6000, 4000, fit="cover")
    rgb = np.asarray(engine.to_pixels(mode="RGB"))
    write(into / "photo-f0.png", rgb, [0])
    write(into / "photo-adaptive.png", rgb, ALL)
    write(into / "photo-adaptive-8k.png", rgb, ALL, idat=8192)
    write(into / "photo-paeth.png", rgb, [4])
    write(into / "gray-24mp.png", rgb[:, :, 1:2], ALL)
    small = rgb[:1536, :2048]
    alpha = np.linspace(0, 255, small.shape[0] * small.shape[1]).astype(np.uint8)
    write(into / "rgba-3mp.png", np.dstack([small, alpha.reshape(small.shape[:2])]), ALL)


if __name__ == "__main__":
    main(*sys.argv[1:3])
