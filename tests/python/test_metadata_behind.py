"""EXIF and XMP behind a PNG's pixels count as those in front of them, by every way in."""

import json
import os
import subprocess
import threading
import zlib
from pathlib import Path

import needs
import numpy as np
import places
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine, LazyImageError

ALL = {"icc": True, "exif": True, "xmp": True}
OUT = ("jpeg", "png", "webp", "avif")
EARLY = places.source("png", places.exif_block())
LATE = places.behind_pixels(EARLY)


def encode(engine: Engine, format: str) -> bytes:
    return bytes(engine.to_buffer(format, **({"speed": 10} if format == "avif" else {})))  # type: ignore[arg-type]


def told(info: lazyimage.Info) -> tuple[object, ...]:
    return info.size, info.orientation, info.exif_bytes, info.xmp_bytes, info.density


def test_the_chunks_are_where_they_are_meant_to_be():
    kinds = [kind for kind, _ in places.png_chunks(LATE)]
    assert kinds.index(b"IDAT") < kinds.index(b"eXIf") and kinds.index(b"IDAT") < kinds.index(
        b"iTXt"
    )
    assert sorted(kinds) == sorted(kind for kind, _ in places.png_chunks(EARLY))


@pytest.mark.parametrize("format", OUT)
@pytest.mark.parametrize("kept", [{}, {"exif": True}, {"xmp": True}, ALL], ids=str)
def test_outputs_are_the_same_bytes(format: str, kept: dict[str, bool]):
    early, late = Engine.from_bytes(EARLY), Engine.from_bytes(LATE)
    if kept:
        early, late = early.keep_metadata(**kept), late.keep_metadata(**kept)
    assert encode(early, format) == encode(late, format)
    assert encode(early.resize(20), format) == encode(late.resize(20), format)


@pytest.mark.parametrize("io", ["auto", "map", "read"])
def test_every_way_in_finds_them(tmp_path: Path, io: str):
    path = tmp_path / "late.png"
    path.write_bytes(LATE)
    wanted = told(Engine.from_bytes(EARLY).info)
    assert wanted[1] == 6 and wanted[2] and wanted[3]
    assert told(Engine.from_path(path, io=io).info) == wanted  # type: ignore[arg-type]
    assert told(lazyimage.inspect(LATE)) == told(lazyimage.inspect_file(path)) == wanted
    with path.open("rb") as file:
        assert told(Engine.from_file(file, io=io).info) == wanted  # type: ignore[arg-type]
    upright = np.asarray(Engine.from_bytes(EARLY).to_pixels())
    assert np.array_equal(np.asarray(Engine.from_path(path, io=io).to_pixels()), upright)  # type: ignore[arg-type]


def bytes_read() -> int:
    """By this process, with read and its like."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux")
def test_a_header_of_many_pieces_is_a_few_bytes_of_each(tmp_path: Path):
    """1.5 MB in pieces of 4 KB: the way to what stands behind them leaps from head to head."""
    noise = np.random.default_rng(1).integers(0, 255, (720, 720, 3), np.uint8)
    path = tmp_path / "pieces.png"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, chunk in places.png_chunks(bytes(Engine.from_pixels(noise).to_buffer("png"))):
            body = chunk[8:-4]
            if kind == b"IEND":
                file.write(dict(places.png_chunks(LATE))[b"eXIf"])
            for at in range(0, max(len(body), 1), 4096):
                piece = kind + body[at : at + 4096]
                file.write(len(piece[4:]).to_bytes(4, "big") + piece)
                file.write(zlib.crc32(piece).to_bytes(4, "big"))
    lazyimage.inspect_file(path)
    before = bytes_read()
    info = lazyimage.inspect_file(path)
    assert bytes_read() - before < 16 << 10
    assert info.orientation == 6 and path.stat().st_size > 1_500_000


def test_a_pipe_is_read_to_its_end_and_has_them():
    read, write = os.pipe()
    thread = threading.Thread(target=lambda: (os.write(write, LATE), os.close(write)))
    thread.start()
    with os.fdopen(read, "rb") as file:
        engine = Engine.from_file(file)
    thread.join()
    assert told(engine.info) == told(lazyimage.inspect(EARLY))
    assert encode(engine.keep_metadata(**ALL), "png") == encode(
        Engine.from_bytes(EARLY).keep_metadata(**ALL), "png"
    )


def test_what_exiftool_reads_there_is_read(tmp_path: Path):
    needs.need_program("exiftool", "libimage-exiftool-perl")
    path = tmp_path / "late.png"
    places.picture().save(path)
    written = {"Orientation": 8, "Creator": "Somebody", "GPSLatitude": 48.86, "Make": "A maker"}
    words = [f"-{name}#={value}" for name, value in written.items()]
    subprocess.run(
        ["exiftool", "-q", "-overwrite_original", *words, "-GPSLatitudeRef=N", str(path)],
        check=True,
    )
    path.write_bytes(places.behind_pixels(path.read_bytes()))
    kinds = [kind for kind, _ in places.png_chunks(path.read_bytes())]
    assert kinds.index(b"eXIf") > kinds.index(b"IDAT") < kinds.index(b"iTXt")
    done = subprocess.run(["exiftool", "-j", "-n", str(path)], capture_output=True, check=True)
    (read,) = json.loads(done.stdout)
    assert {name: read[name] for name in written} == written
    engine = Engine.from_path(path)
    assert engine.info.orientation == 8 and engine.info.size == (48, 64)
    turned = places.picture().transpose(Image.Transpose.ROTATE_90)
    assert np.array_equal(np.asarray(engine.to_pixels()), np.asarray(turned))
    traces = list(places.rationals(places.stored_rationals(path.read_bytes())[0]))
    for format in OUT:
        out = encode(engine.keep_metadata(**ALL), format)
        assert b"Somebody</rdf:li>" in out and b"A maker" in out
        assert lazyimage.inspect(out).orientation == 1 and places.found_in(out, traces) == []
        placed = encode(engine.keep_metadata(**ALL, strip_gps=False), format)
        assert places.found_in(placed, traces) != []


def test_those_in_front_come_first():
    other = places.behind_pixels(
        places.source("png", places.exif_block(orientation=3), b"<a>other</a>")
    )
    late = b"".join(whole for kind, whole in places.png_chunks(other) if kind in (b"eXIf", b"iTXt"))
    both = EARLY[:-12] + late + EARLY[-12:]
    assert told(lazyimage.inspect(both)) == told(lazyimage.inspect(EARLY))
    kept = Engine.from_bytes(both).keep_metadata(**ALL)
    assert encode(kept, "png") == encode(Engine.from_bytes(EARLY).keep_metadata(**ALL), "png")


def verdict(data: bytes, salvage: bool) -> tuple[object, ...]:
    try:
        pixels = Engine.from_bytes(data, salvage=salvage).auto_orient(False).to_pixels()
    except LazyImageError as error:
        return error.code, str(error)
    return pixels.metrics.rows_real, pixels.metrics.warnings, np.asarray(pixels).tobytes()


@pytest.mark.parametrize("salvage", [False, True])
def test_a_cut_file_ends_as_one_whose_chunks_say_nothing(salvage: bool):
    """What stands behind the pixels has no say in the verdict on them."""
    chunks = dict(places.png_chunks(LATE))
    start = LATE.index(chunks[b"IDAT"])
    silent = LATE.replace(b"XML:com.adobe.xmp", b"XML:com.adobe.xml")
    for kind in (b"eXIf", b"iTXt"):
        (whole,) = [one for k, one in places.png_chunks(silent) if k == kind]
        private = whole[:4] + b"prVt" + whole[8:-4]
        silent = silent.replace(whole, private + crc(private))
    assert len(silent) == len(LATE) and lazyimage.inspect(silent).exif_bytes == 0
    ends = [len(LATE) - 12 * i for i in range(3)]
    for size in sorted({*range(start + 20, len(LATE), 97), *ends, len(LATE) - 1}):
        assert verdict(LATE[:size], salvage) == verdict(silent[:size], salvage), size


def crc(chunk: bytes) -> bytes:
    return zlib.crc32(chunk[4:]).to_bytes(4, "big")


def test_a_large_packed_text_is_planned_and_bounded():
    xmp = places.XMP.replace(b" " * 2000, b" " * 3_000_000)
    data = places.source("png-late", places.exif_block(), xmp)
    engine = Engine.from_bytes(data).keep_metadata(xmp=True)
    encoded, metrics = engine.to_buffer_with_metrics("png")
    assert encoded.open().info.xmp_bytes > 0
    assert metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes
    with pytest.raises(lazyimage.LimitError):
        engine.limits(max_metadata=2_000_000).to_buffer("png")
