"""Small files that cost a careless decoder seconds, gigabytes or its life. Test support.

Made here, from nothing but the formats' rules (and Pillow's encoder where a whole picture is
needed), so that a fresh clone has them. BOMBS groups them by the row of the scorecard.
"""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

MB = 1_000_000


# --- PNG -----------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """A PNG chunk with its CRC."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int = 8, height: int = 8, *, front: bytes = b"", behind: bytes = b"", data: bytes = b""
) -> bytes:
    """Gray, 8 bits; `front` and `behind` are chunks around its pixels."""
    rows = data or zlib.compress((b"\0" + b"\x80" * width) * height)
    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", size), front, chunk(b"IDAT", rows), behind, chunk(b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def deflated(size: int) -> bytes:
    """So many equal bytes as zlib data, made a piece at a time."""
    packer, piece = zlib.compressobj(9), bytes(1 << 20)
    whole = [packer.compress(piece) for _ in range(size >> 20)]
    return b"".join([*whole, packer.compress(piece[: size & 0xFFFFF]), packer.flush()])


def iccp(inflated: int) -> bytes:
    """A profile of so many bytes, deflated."""
    return chunk(b"iCCP", b"profile\0\0" + deflated(inflated))


def itxt(inflated: int) -> bytes:
    """XMP of so many bytes, deflated."""
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + deflated(inflated))


# --- JPEG ----------------------------------------------------------------------------


def jpeg(width: int = 16, height: int = 16, *, progressive: bool = False) -> bytes:
    """Gray, by Pillow."""
    out = io.BytesIO()
    Image.new("L", (width, height), 128).save(out, "JPEG", progressive=progressive)
    return out.getvalue()


def segment(marker: int, body: bytes = b"") -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(data: bytes, segments: bytes, *, behind: bool = False) -> bytes:
    """After the start of the image, or in front of its end."""
    return data[:-2] + segments + data[-2:] if behind else data[:2] + segments + data[2:]


def with_scans(data: bytes, count: int) -> bytes:
    """The last scan of a progressive JPEG again and again, with its tables."""
    last = data.rfind(b"\xff\xda")
    tables = data.rfind(b"\xff\xc4", 0, last)
    start = tables if tables > data.rfind(b"\xff\xda", 0, last) else last
    return data[:-2] + data[start:-2] * count + data[-2:]


def in_scans(count: int, side: int = 64) -> bytes:
    """A valid progressive JPEG of this many scans: gray, its codes of one bit each."""
    blocks = bytes((side // 8) ** 2 // 8)  # a 0 for each: no difference, nothing more
    code = bytes([1]) + bytes(15) + b"\0"
    frame = struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"
    head = [
        segment(0xDB, b"\0" + bytes([1]) * 64),
        segment(0xC2, frame),
        segment(0xC4, b"\0" + code),
        segment(0xC4, b"\x10" + code),
        segment(0xDA, b"\1\1\0\0\0\0") + blocks,
    ]
    more = (segment(0xDA, b"\1\1\0\1\x3f\0") + blocks) * (count - 1)
    return b"\xff\xd8" + b"".join(head) + more + b"\xff\xd9"


# --- WebP ----------------------------------------------------------------------------


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP file of these chunks."""
    body = b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)
        for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    """The body of VP8X."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes([flags, 0, 0, 0]) + sides


def webp(width: int = 8, height: int = 8, *chunks: tuple[bytes, bytes], flags: int = 0) -> bytes:
    """A lossless picture of one colour, behind it these chunks."""
    picture = (b"VP8L", lossless(width, height))
    if not chunks:
        return riff(picture)
    return riff((b"VP8X", canvas(width, height, flags)), picture, *chunks)


class Bits:
    """Bits, the first lowest."""

    def __init__(self) -> None:
        self.word, self.held = 0, 0

    def put(self, value: int, count: int) -> None:
        self.word |= value << self.held
        self.held += count

    def one_symbol_codes(self) -> None:
        """Five codes of the symbol 0 alone: they take no bits."""
        for _ in range(5):
            self.put(1, 1)  # simple
            self.put(0, 1)  # one symbol
            self.put(0, 1)  # of one bit
            self.put(0, 1)  # 0

    def bytes(self) -> bytes:
        return self.word.to_bytes((self.held + 7) // 8 + 1, "little")


def lossless(width: int, height: int, *, tiled: bool = False) -> bytes:
    """VP8L. tiled: its codes are chosen by a second picture, a sample for 4 × 4 pixels."""
    bits = Bits()
    bits.put(0x2F, 8)
    bits.put(width - 1, 14)
    bits.put(height - 1, 14)
    bits.put(0, 4)  # no alpha, version 0
    bits.put(0, 1)  # no transform
    bits.put(0, 1)  # no cache of colours
    bits.put(int(tiled), 1)
    if tiled:
        bits.put(0, 3)  # 4 × 4
        bits.put(0, 1)
        bits.one_symbol_codes()
    bits.one_symbol_codes()
    return bits.bytes()


# --- AVIF ----------------------------------------------------------------------------


def box(kind: bytes, *parts: bytes) -> bytes:
    """An ISO box."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, version: int, *parts: bytes) -> bytes:
    """One with a version."""
    return box(kind, struct.pack(">B3x", version), *parts)


FTYP = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")


def items(count: int) -> bytes:
    """Entries of an item list."""
    entries = b"".join(
        full(b"infe", 3, struct.pack(">IH", i + 1, 0), b"av01\0") for i in range(count)
    )
    return full(b"iinf", 1, struct.pack(">I", count), entries)


def avif_items(count: int) -> bytes:
    """A file whose item list has so many entries."""
    handler = full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"pict"), b"\0")
    return FTYP + full(b"meta", 0, handler, full(b"pitm", 1, struct.pack(">I", 1)), items(count))


def avif_boxes(depth: int) -> bytes:
    """Boxes in boxes."""
    inner = b""
    for _ in range(depth):
        inner = box(b"meta", bytes(4), inner)
    return FTYP + inner


def avif_tracks(tracks: int, count: int) -> bytes:
    """A sequence whose tracks have item lists each."""
    handler = full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"pict"), b"\0")
    meta = full(b"meta", 0, handler, full(b"pitm", 1, struct.pack(">I", 1)), items(count))
    brands = box(b"ftyp", b"avis\0\0\0\0avisavifmif1")
    return brands + box(b"moov", *([box(b"trak", meta)] * tracks))


# --- all of them ---------------------------------------------------------------------


def pixel_bombs() -> dict[str, bytes]:
    """Much more picture than file (R7)."""
    return {
        "png-400-megapixels": png(20_000, 20_000, data=deflated(20_001 * 20_000)),
        "png-side-of-2-giga": png(2**31 - 1, 1, data=zlib.compress(b"\0")),
        "webp-canvas-30-bytes": riff((b"VP8X", canvas(1 << 24, 255))),
        "webp-268-megapixels-tiled": riff((b"VP8L", lossless(16383, 16384, tiled=True))),
        "jpeg-4-gigapixels": jpeg_of_size(64250, 64250),
    }


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG whose header claims this size."""
    data = bytearray(jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def text_bombs() -> dict[str, bytes]:
    """Texts and profiles that inflate (R8)."""
    text = deflated(7_900_000)
    many = b"".join(chunk(b"zTXt", b"k%d\0\0" % i + text) for i in range(500))
    return {
        "png-500-texts-of-8-mb": png(front=many),
        "png-profile-8-mb": png(front=iccp(7_900_000)),
        "png-profile-300-mb": png(front=iccp(300 << 20)),
        "png-xmp-300-mb": png(front=itxt(300 << 20)),
        "png-texts-behind": png(behind=many),
    }


def marker_floods() -> dict[str, bytes]:
    """Segments and chunks without number (R9)."""
    small, count = jpeg(), 100_000
    floods = {
        f"jpeg-{name}-100000": with_segments(small, segment(marker) * count)
        for name, marker in (("app1", 0xE1), ("app2", 0xE2), ("com", 0xFE), ("dht", 0xC4))
    }
    many = jpeg(640, 480, progressive=True)
    floods["jpeg-com-behind-100000"] = with_segments(small, segment(0xFE) * count, behind=True)
    floods["jpeg-com-progressive-100000"] = with_segments(many, segment(0xFE) * count, behind=True)
    floods["jpeg-fill-4-mb"] = small[:2] + b"\xff" * 4_000_000 + small[2:]
    floods["png-chunks-300000"] = png(front=chunk(b"prVt") * 300_000)
    floods["png-chunks-behind-300000"] = png(behind=chunk(b"prVt") * 300_000)
    floods["webp-chunks-300000"] = webp(8, 8, *([(b"prVt", b"")] * 300_000))
    return floods


def item_floods() -> dict[str, bytes]:
    """Lists of AVIF that are quadratic to read, boxes that are deep (R10)."""
    return {
        "avif-items-65000": avif_items(65_000),
        "avif-items-200000": avif_items(200_000),
        "avif-boxes-10000-deep": avif_boxes(10_000),
        "avif-tracks-1000-items-1000": avif_tracks(100, 1_000),
        "avif-tracks-10000": avif_tracks(10_000, 1),
    }


def scan_bombs() -> dict[str, bytes]:
    """Passes over a large picture that change nothing (R11)."""
    return {"jpeg-scans-2000": with_scans(jpeg(6000, 6000, progressive=True), 2_000)}


BOMBS: dict[str, Callable[[], dict[str, bytes]]] = {
    "R7": pixel_bombs,
    "R8": text_bombs,
    "R9": marker_floods,
    "R10": item_floods,
    "R11": scan_bombs,
}


def write(row: str, directory: Path) -> list[Path]:
    """The files of a row in this directory."""
    paths = []
    for name, data in BOMBS[row]().items():
        paths.append(directory / f"{name}.{name.split('-')[0]}")
        paths[-1].write_bytes(data)
    return paths
