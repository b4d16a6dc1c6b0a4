"""The corpus's index, and a slow decoder to hold the fast ones against. Test support.

The one idea: truth comes from outside. `oracle_crc32` in an INDEX.tsv is what the
reference libraries decoded; where the engine reduces 16 bits to 8, `png_samples` decodes
again in plain numpy, proves itself by the same CRC, and is reduced here.
"""

import csv
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "tests" / "data"

# 3 + 2 + … of PNG: channels by colour type, before palette and tRNS are expanded.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# (x start, y start, x step, y step) of Adam7's passes.
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class Entry(NamedTuple):
    """One line of an INDEX.tsv; `file` is its absolute path."""

    file: Path
    path: str
    format: str
    width: int
    height: int
    mode: str
    notes: str
    crc32: str
    message: str

    @property
    def kind(self) -> str:
        """valid, valid-with-warnings, truncated, corrupt, …"""
        return self.notes.split(",")[0]

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def animated(self) -> bool:
        return "animated" in self.notes

    @property
    def deep(self) -> bool:
        """Has it 16-bit samples?"""
        return self.mode.endswith("/16")


def read_index(directory: Path) -> list[Entry]:
    """Every line of directory/INDEX.tsv, in its order."""
    with open(directory / "INDEX.tsv", newline="", encoding="utf-8") as lines:
        return [
            Entry(
                directory / row["path"],
                row["path"],
                row["format"],
                int(row["width"] or 0),
                int(row["height"] or 0),
                row["mode_bitdepth"],
                row["notes"],
                row["oracle_crc32"],
                row["oracle_msg"],
            )
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def corpus_directory() -> Path | None:
    """$LAZYIMAGE_CORPUS, else ../shared/corpus beside the repository, else None."""
    named = os.environ.get("LAZYIMAGE_CORPUS")
    directory = Path(named) if named else REPOSITORY.parent / "shared" / "corpus"
    return directory if (directory / "INDEX.tsv").is_file() else None


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, data) of every chunk; a bad length or CRC is an AssertionError."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert len(body) == length
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + length


def png_samples(data: bytes) -> np.ndarray:
    """The picture as (height, width, channels), expanded: uint8, or uint16 for 16 bit.

    Palettes become RGB, tRNS becomes alpha, 1, 2 and 4 bit gray becomes 8 bit.
    """
    header, palette, transparent, packed = b"", b"", None, []
    for kind, body in png_chunks(data):
        if kind == b"IHDR":
            header = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"tRNS":
            transparent = body
        elif kind == b"IDAT":
            packed.append(body)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    raw = np.frombuffer(zlib.decompressobj().decompress(b"".join(packed)), np.uint8)
    channels = _CHANNELS[colour]
    dtype = np.uint16 if depth == 16 else np.uint8
    picture = np.zeros((height, width, channels), dtype)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    at = 0
    for x, y, step_x, step_y in passes:
        part = picture[y::step_y, x::step_x]
        if part.size:
            at += _read_pass(raw[at:], part, depth)
    return _expand(picture, depth, colour, palette, transparent)


def _read_pass(raw: np.ndarray, part: np.ndarray, depth: int) -> int:
    """Unfilter and unpack one pass into `part`; returns the bytes that it took."""
    height, width, channels = part.shape
    bits = depth * channels
    size = (width * bits + 7) // 8
    stride = max(bits // 8, 1)
    above = np.zeros(size, np.uint8)
    for y in range(height):
        line = raw[y * (size + 1) : (y + 1) * (size + 1)]
        above = _unfilter(int(line[0]), line[1:].copy(), above, stride)
        if depth == 16:
            samples = above.view(">u2")
        elif depth == 8:
            samples = above
        else:
            shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
            samples = (above[:, None] >> shifts & ((1 << depth) - 1)).reshape(-1)
        part[y] = samples[: width * channels].reshape(width, channels)
    return height * (size + 1)


def _unfilter(kind: int, line: np.ndarray, above: np.ndarray, stride: int) -> np.ndarray:
    if kind == 0:
        return line
    if kind == 2:
        return line + above
    if kind == 1:
        whole = -(-line.size // stride) * stride
        padded = np.zeros(whole, np.uint8)
        padded[: line.size] = line
        sums = np.cumsum(padded.reshape(-1, stride), axis=0, dtype=np.uint8)
        return sums.reshape(-1)[: line.size]
    assert kind in (3, 4)
    row, over = line.tolist(), above.tolist()
    for x in range(len(row)):
        left = row[x - stride] if x >= stride else 0
        if kind == 3:
            row[x] = row[x] + (left + over[x]) // 2 & 255
        else:
            corner = over[x - stride] if x >= stride else 0
            row[x] = row[x] + _paeth(left, over[x], corner) & 255
    return np.array(row, np.uint8)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def _expand(
    picture: np.ndarray, depth: int, colour: int, palette: bytes, transparent: bytes | None
) -> np.ndarray:
    most = (1 << depth) - 1
    if colour == 3:
        table = np.zeros((256, 4), np.uint8)
        table[:, 3] = 255
        known = np.frombuffer(palette, np.uint8).reshape(-1, 3)
        table[: len(known), :3] = known
        if transparent is not None:
            table[: len(transparent), 3] = np.frombuffer(transparent, np.uint8)
        return table[picture[:, :, 0]][:, :, : 3 if transparent is None else 4]
    scaled = picture * np.uint8(255 // most) if depth < 8 else picture
    if transparent is None or colour not in (0, 2):
        return scaled
    # The key has 16 bits a channel whatever the depth; only the low ones count.
    key = np.frombuffer(transparent, ">u2")[: picture.shape[2]] & most
    full = 65535 if depth == 16 else 255
    alpha = np.where((picture == key).all(axis=2), 0, full).astype(picture.dtype)
    return np.dstack([scaled, alpha])


def crc32_of(samples: np.ndarray) -> str:
    """As the index has it: over the samples row by row, 16-bit ones big-endian."""
    if samples.dtype == np.uint16:
        samples = samples.astype(">u2")
    return f"{zlib.crc32(np.ascontiguousarray(samples).tobytes()):08x}"
