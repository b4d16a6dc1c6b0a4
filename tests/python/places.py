"""Pictures with everything that goes with them, and what must never be found of their place.
Test support."""

import io
import json
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import needs
from PIL import Image, PngImagePlugin

LATITUDE = ((48, 1), (51, 1), (2987653, 100000))
LONGITUDE = ((2, 1), (21, 1), (1234567, 100003))
ALTITUDE = ((352341, 1009),)
IN_DEGREES = ("48,51.497942N", "2,21.205766E")
"""As XMP has them."""

Coordinate = tuple[tuple[int, int], ...]
"""Rationals of one tag."""

MAKER_NOTE = b"a note of the maker, with a serial number 0123456789"
THUMBNAIL = b"\xff\xd8 a thumbnail \xff\xd9"

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
    f'exif:GPSLatitude="{IN_DEGREES[0]}">'
    f"<exif:GPSLongitude>{IN_DEGREES[1]}</exif:GPSLongitude>"
    "<dc:creator><rdf:Seq><rdf:li>Somebody</rdf:li></rdf:Seq></dc:creator>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n" + " " * 2000 + '\n<?xpacket end="w"?>'
).encode()

ASCII, SHORT, LONG, RATIONAL, UNDEFINED, BYTE = 2, 3, 4, 5, 7, 1
FORMATS = {ASCII: "B", SHORT: "H", LONG: "I", RATIONAL: "II", UNDEFINED: "B", BYTE: "B"}


def packed(order: str, kind: int, value: object) -> tuple[int, bytes]:
    """Count and bytes of a value."""
    if isinstance(value, bytes):
        return len(value), value
    values = value if isinstance(value, tuple) else (value,)
    flat = [part for one in values for part in (one if isinstance(one, tuple) else (one,))]
    return len(values), struct.pack(f"{order}{len(flat)}{FORMATS[kind][0]}", *flat)


def directory(order: str, at: int, entries: list[tuple[int, int, object]], after: int) -> bytes:
    """An IFD at this place with its values behind it; `after` is the next one's."""
    head = struct.pack(order + "H", len(entries))
    values = b""
    free = at + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        count, data = packed(order, kind, value)
        field = data.ljust(4, b"\0")
        if len(data) > 4:
            field = struct.pack(order + "I", free + len(values))
            values += data + b"\0" * (len(data) & 1)
        head += struct.pack(order + "HHI", tag, kind, count) + field
    return head + struct.pack(order + "I", after) + values


EXIF_AT, INTEROP_AT, GPS_AT, THUMBNAIL_AT = 600, 1100, 1200, 2000

FIRST = [
    (0x010F, ASCII, b"Somebody\0"),
    (0x0110, ASCII, b"A camera\0"),
    (0x0112, SHORT, 6),
    (0x011A, RATIONAL, ((300, 1),)),
    (0x011B, RATIONAL, ((300, 1),)),
    (0x0128, SHORT, 2),
    (0x0213, SHORT, 1),
    (0x8769, LONG, EXIF_AT),
    (0x8825, LONG, GPS_AT),
]
EXIF = [
    (0x829A, RATIONAL, ((1, 250),)),
    (0x9000, UNDEFINED, b"0231"),
    (0x9003, ASCII, b"2024:05:06 07:08:09\0"),
    (0x9101, UNDEFINED, b"\1\2\3\0"),
    (0x927C, UNDEFINED, MAKER_NOTE),
    (0xA000, UNDEFINED, b"0100"),
    (0xA001, SHORT, 1),
    (0xA002, LONG, 4000),
    (0xA003, LONG, 3000),
    (0xA005, LONG, INTEROP_AT),
]
INTEROP = [(1, ASCII, b"R98\0"), (2, UNDEFINED, b"0100")]
GPS = [
    (0, BYTE, b"\2\3\0\0"),
    (1, ASCII, b"N\0"),
    (2, RATIONAL, LATITUDE),
    (3, ASCII, b"E\0"),
    (4, RATIONAL, LONGITUDE),
    (5, BYTE, b"\0"),
    (6, RATIONAL, ALTITUDE),
]
SECOND = [(0x0103, SHORT, 6), (0x0201, LONG, 2100), (0x0202, LONG, len(THUMBNAIL))]


def exif_block(order: str = ">", orientation: int = 6) -> bytes:
    """What a camera writes: IFD0, Exif, GPS, a thumbnail, and the place once more where no
    entry points to, as editors leave it."""
    first = [(tag, kind, orientation if tag == 0x0112 else value) for tag, kind, value in FIRST]
    made = {
        8: directory(order, 8, first, THUMBNAIL_AT),
        EXIF_AT: directory(order, EXIF_AT, EXIF, 0),
        INTEROP_AT: directory(order, INTEROP_AT, INTEROP, 0),
        GPS_AT: directory(order, GPS_AT, GPS, 0),
        THUMBNAIL_AT: directory(order, THUMBNAIL_AT, SECOND, 0),
        2100: THUMBNAIL,
        2300: packed(order, RATIONAL, LATITUDE)[1] + packed(order, RATIONAL, LONGITUDE)[1],
    }
    block = bytearray(b"II*\0" if order == "<" else b"MM\0*")
    block += struct.pack(order + "I", 8)
    for at, part in sorted(made.items()):
        assert len(block) <= at
        block += b"\0" * (at - len(block)) + part
    return bytes(block)


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """Smooth, no side like the other, no corner like another."""
    image = Image.new("RGB", (width, height))
    image.putdata(
        [(x * 255 // width, y * 255 // height, 128) for y in range(height) for x in range(width)]
    )
    return image


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Type and the whole of each chunk."""
    found, at = [], 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at : at + size + 12]))
        at += size + 12
    return found


def behind_pixels(data: bytes) -> bytes:
    """The same PNG with EXIF and XMP behind IDAT."""
    chunks = png_chunks(data)
    late = [whole for kind, whole in chunks if kind in (b"eXIf", b"iTXt")]
    early = [whole for kind, whole in chunks[:-1] if kind not in (b"eXIf", b"iTXt")]
    return data[:8] + b"".join([*early, *late, chunks[-1][1]])


def source(format: str, exif: bytes, xmp: bytes = XMP, icc: bytes = b"") -> bytes:
    """An encoded picture with these, by Pillow; "png-late": with EXIF and XMP at its end."""
    if format == "png-late":
        return behind_pixels(source("png", exif, xmp, icc))
    out = io.BytesIO()
    options: dict[str, object] = {"exif": b"Exif\0\0" + exif}
    if icc:
        options["icc_profile"] = icc
    if format == "png":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        options |= {"pnginfo": texts, "dpi": (240, 240)}
    elif format == "jpeg":
        options |= {"xmp": xmp, "dpi": (240, 240)}
    else:
        options |= {"xmp": xmp}
    picture().save(out, format.upper(), **options)
    return out.getvalue()


# --- looking for a place ---------------------------------------------------------------


def rationals(pairs: Coordinate) -> Iterator[bytes]:
    """Those that nothing else can have by chance, as stored in either order, and all of them."""
    for order in "<>":
        if len(pairs) > 1:
            yield b"".join(struct.pack(order + "II", *pair) for pair in pairs)
        for over, under in pairs:
            if over > 0xFFFF or under > 0xFFFF:
                yield struct.pack(order + "II", over, under)
                yield struct.pack(order + "I", over)


def traces(pairs: list[Coordinate], texts: tuple[str, ...] = IN_DEGREES) -> list[bytes]:
    """All that must not be found."""
    found = [trace for one in pairs for trace in rationals(one)]
    return [*found, *(text.encode() for text in texts)]


def found_in(data: bytes, needles: list[bytes]) -> list[bytes]:
    return [needle for needle in needles if needle in data]


def stored_rationals(data: bytes) -> list[Coordinate]:
    """Of every TIFF block in the file that has a GPS directory."""
    found = []
    for mark, order in ((b"II*\0", "<"), (b"MM\0*", ">")):
        at = data.find(mark)
        while at >= 0:
            found += gps_rationals(data[at:], order)
            at = data.find(mark, at + 1)
    return found


def gps_rationals(block: bytes, order: str) -> list[Coordinate]:
    def entries(at: int) -> Iterator[tuple[int, int, int, int]]:
        if at + 2 > len(block):
            return
        (count,) = struct.unpack_from(order + "H", block, at)
        for i in range(min(count, (len(block) - at - 2) // 12)):
            yield struct.unpack_from(order + "HHII", block, at + 2 + 12 * i)

    (first,) = struct.unpack_from(order + "I", block, 4)
    pointers = [value for tag, _, _, value in entries(first) if tag == 0x8825]
    found = []
    for pointer in pointers:
        for _, kind, count, at in entries(pointer):
            if kind == RATIONAL and count <= 8 and at + 8 * count <= len(block):
                flat = struct.unpack_from(f"{order}{2 * count}I", block, at)
                found.append(tuple(zip(flat[::2], flat[1::2], strict=True)))
    return found


# --- other people's eyes ---------------------------------------------------------------


def exiftool_warnings(paths: list[Path]) -> dict[Path, list[str]]:
    """Of each file, what -validate has to say of each, one process for all."""
    needs.need_program("exiftool", "libimage-exiftool-perl")
    done = subprocess.run(
        ["exiftool", "-j", "-a", "-G4", "-validate", "-warning", "-error", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    said: dict[Path, list[str]] = {}
    for one in json.loads(done.stdout):
        said[Path(one["SourceFile"])] = [
            str(text) for key, text in one.items() if key.split(":")[-1] in ("Warning", "Error")
        ]
    return said
