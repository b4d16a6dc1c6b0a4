"""An AVIF file that shows one coded picture many times, side by side, for very large inputs.

The one idea: a grid's cells are items, and the items may all say that their data lies at the
same place; so 268 MP cost one tile's encoding and a few hundred bytes. The boxes are those of
ISO/IEC 14496-12 and 23008-12 (meta, hdlr, pitm, iloc, iinf, iref, iprp, mdat).
"""

import struct
from collections.abc import Iterator


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its body begins, where it ends)."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        stop = start + size if size else end
        yield kind, start + 8, stop
        start = stop


def find(data: bytes, start: int, end: int, *kinds: bytes) -> tuple[int, int]:
    """The body of the first box down the path; those with a version are stepped into."""
    for kind, begin, stop in boxes(data, start, end):
        if kind == kinds[0]:
            if len(kinds) == 1:
                return begin, stop
            return find(data, begin + (4 if kind == b"meta" else 0), stop, *kinds[1:])
    raise ValueError(f"no box {kinds[0]!r}")


def coded(data: bytes) -> bytes:
    """The AV1 data of a file with one item: the whole of its mdat."""
    begin, end = find(data, 0, len(data), b"mdat")
    return data[begin:end]


def property_of(data: bytes, kind: bytes) -> bytes:
    """A property of that file, as a box."""
    begin, end = find(data, 0, len(data), b"meta", b"iprp", b"ipco", kind)
    return data[begin - 8 : end]


def items(count: int) -> bytes:
    """iinf: item 1 is the grid, the others its cells."""
    kinds = [b"grid"] + [b"av01"] * count
    entries = (
        full_box(b"infe", 2, int(number > 1), struct.pack(">HH4s", number, 0, kind), b"\0")
        for number, kind in enumerate(kinds, 1)
    )
    return full_box(b"iinf", 0, 0, struct.pack(">H", 1 + count), *entries)


def places(count: int, grid: tuple[int, int], tile: tuple[int, int]) -> bytes:
    """iloc: (offset, length) of the grid's description, and the same of every cell."""
    spans = [grid] + [tile] * count
    entries = (struct.pack(">HHHII", number, 0, 1, *span) for number, span in enumerate(spans, 1))
    return full_box(b"iloc", 0, 0, struct.pack(">BBH", 0x44, 0, 1 + count), *entries)


def properties(data: bytes, count: int, width: int, height: int) -> bytes:
    """iprp: 1 the grid's size, 2 a cell's, 3 how it is coded, 4 its depth, 5 its colours."""
    shared = [property_of(data, kind) for kind in (b"ispe", b"av1C", b"pixi", b"colr")]
    whole = full_box(b"ispe", 0, 0, struct.pack(">II", width, height))
    uses = [(1, (1, 4, 5))] + [(number, (2, 0x83, 4, 5)) for number in range(2, 2 + count)]
    entries = (struct.pack(">HB", number, len(each)) + bytes(each) for number, each in uses)
    association = full_box(b"ipma", 0, 0, struct.pack(">I", len(uses)), *entries)
    return box(b"iprp", box(b"ipco", whole, *shared), association)


def repeated(data: bytes, columns: int, rows: int, width: int, height: int) -> bytes:
    """The file of `data`, an AVIF of one opaque item, columns × rows times, cut to the size."""
    count = columns * rows
    tile = coded(data)
    description = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
    cells = struct.pack(f">HH{count}H", 1, count, *range(2, 2 + count))

    def head(offset: int) -> bytes:
        return box(b"ftyp", b"avif", bytes(4), b"avifmif1miafMA1B") + full_box(
            *(b"meta", 0, 0),
            full_box(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", 0, 0, struct.pack(">H", 1)),
            places(count, (offset, len(description)), (offset + len(description), len(tile))),
            items(count),
            full_box(b"iref", 0, 0, box(b"dimg", cells)),
            properties(data, count, width, height),
        )

    start = len(head(0)) + 8
    return head(start) + box(b"mdat", description, tile)
